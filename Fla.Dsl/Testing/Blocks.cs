using System.Runtime.InteropServices;
using Fla.Dsl.Numerics;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>
/// A tensor as fp64 numbers, whose last axes (two for a matrix, one for a vector, none for a scalar) are blocks of one size.
/// </summary>
internal sealed class Blocks
{
    private readonly long[] shape;
    private readonly double[] numbers;
    private readonly int blockAxes;
    private readonly int rows;
    private readonly int columns;

    /// <summary>One number everywhere.</summary>
    public Blocks(long[] shape, int blockAxes, double number = 0)
    {
        var block = shape[^blockAxes..];
        (this.shape, this.blockAxes) = (shape, blockAxes);
        rows = blockAxes > 0 ? (int)block[0] : 1;
        columns = blockAxes > 1 ? (int)block[1] : 1;
        numbers = new double[shape.Aggregate(1L, (product, size) => product * size)];
        Array.Fill(numbers, number);
    }

    /// <summary>The numbers of a tensor of any floating-point type on any device.</summary>
    public Blocks(Tensor tensor, int blockAxes)
        : this(tensor.shape, blockAxes)
    {
        using var scope = NewDisposeScope();
        MemoryMarshal.Cast<byte, double>(tensor.detach().to_type(ScalarType.Float64).cpu().contiguous().bytes).CopyTo(numbers);
    }

    private int Size => rows * columns;

    /// <summary>One block, copied out or in.</summary>
    public Value this[int block]
    {
        get => new(numbers[(block * Size)..((block + 1) * Size)], rows, columns);
        set => value.Data.CopyTo(numbers, block * Size);
    }

    /// <summary>Adds to one block.</summary>
    public void Add(int block, double[] terms)
    {
        for (var i = 0; i < Size; i++)
            numbers[block * Size + i] += terms[i];
    }

    /// <summary>Zeros of this shape.</summary>
    public Blocks ZerosLike() => new(shape, blockAxes);

    public Tensor ToTensor() => tensor(numbers, shape, ScalarType.Float64);
}
