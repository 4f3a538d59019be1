using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>One argument of a kernel: a number, or the address of a tensor's elements. It takes no memory of the heap.</summary>
[StructLayout(LayoutKind.Explicit)]
public readonly struct KernelArgument
{
    // First of all: a driver is given the address of the argument.
    [FieldOffset(0)]
    private readonly long whole;
    [FieldOffset(0)]
    private readonly int integer;
    [FieldOffset(0)]
    private readonly float real;
    [FieldOffset(8)]
    private readonly TypeCode type;

    private KernelArgument(long whole) => (this.whole, type) = (whole, TypeCode.Int64);

    private KernelArgument(int integer) => (this.integer, type) = (integer, TypeCode.Int32);

    private KernelArgument(float real) => (this.real, type) = (real, TypeCode.Single);

    /// <summary>The type of parameter that it fits.</summary>
    public Type Type => type switch
    {
        TypeCode.Int64 => typeof(long),
        TypeCode.Int32 => typeof(int),
        _ => typeof(float),
    };

    internal object Boxed => type switch
    {
        TypeCode.Int64 => (object)whole,
        TypeCode.Int32 => (object)integer,
        _ => (object)real,
    };

    /// <summary>A number or address of 64 bits.</summary>
    public static implicit operator KernelArgument(long value) => new(value);

    /// <summary>A number of 32 bits.</summary>
    public static implicit operator KernelArgument(int value) => new(value);

    /// <summary>A number of single precision.</summary>
    public static implicit operator KernelArgument(float value) => new(value);

    /// <summary>The address of a tensor's elements, as <see cref="TensorMemory.Pointer"/> gives it.</summary>
    public static implicit operator KernelArgument(Tensor tensor) => new(TensorMemory.Pointer(tensor));
}
