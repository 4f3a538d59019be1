using System.Runtime.InteropServices;
using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>One argument of a kernel: a number, the address of a tensor's elements, or a tensor. It takes no memory of the heap.</summary>
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
    [FieldOffset(0)]
    private readonly GpuTensor tensor;
    [FieldOffset(24)]
    private readonly int type;

    private KernelArgument(long whole) => (this.whole, type) = (whole, 0);

    private KernelArgument(int integer) => (this.integer, type) = (integer, 1);

    private KernelArgument(float real) => (this.real, type) = (real, 2);

    private KernelArgument(GpuTensor tensor) => (this.tensor, type) = (tensor, 3);

    /// <summary>The types that a parameter may have.</summary>
    internal static IReadOnlyList<Type> Types { get; } = [typeof(long), typeof(int), typeof(float), typeof(GpuTensor)];

    /// <summary>The type of parameter that it fits.</summary>
    public Type Type => Types[type];

    internal object Boxed => type switch
    {
        0 => whole,
        1 => integer,
        2 => real,
        _ => (object)tensor,
    };

    /// <summary>A number or address of 64 bits.</summary>
    public static implicit operator KernelArgument(long value) => new(value);

    /// <summary>A number of 32 bits.</summary>
    public static implicit operator KernelArgument(int value) => new(value);

    /// <summary>A number of single precision.</summary>
    public static implicit operator KernelArgument(float value) => new(value);

    /// <summary>The address of a tensor's elements, as <see cref="TensorMemory.Pointer"/> gives it.</summary>
    public static implicit operator KernelArgument(Tensor tensor) => new(TensorMemory.Pointer(tensor));

    /// <summary>A tensor with its sizes.</summary>
    public static implicit operator KernelArgument(GpuTensor tensor) => new(tensor);
}
