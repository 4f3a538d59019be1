using System.Collections.Concurrent;
using System.Reflection;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// A generated kernel, before its sizes are chosen: a method with the type parameters TBlock, TChunk, TAhead, one for each of
/// <see cref="Dimensions"/>, TElement and TGate, whose parameters are <see cref="Parameters"/>, then the address of the sequences' offsets,
/// the number of heads and that of splits. A block is for a sequence, a head and a split of the columns:
/// <c>Grid.IdxX = (sequence * heads + head) * splits + split</c>.
/// <para>The offsets are int64 pairs, one for each sequence and one more: the sequence's first token, and its first row among the kept
/// states.</para>
/// </summary>
public sealed class GpuKernel
{
    /// <summary>Threads of a block that walks chunks.</summary>
    public const int Threads = 256;

    private readonly Type code;
    private readonly ConcurrentDictionary<GpuTypes, GpuInstance> instances = new();

    /// <summary>Describes a kernel.</summary>
    /// <param name="code">The class of the method.</param>
    /// <param name="method">The method's name; that with <c>Bytes</c> after it gives the shared memory of a block.</param>
    /// <param name="dimensions">The dimensions that the method is generic over, in order.</param>
    /// <param name="split">The dimension that may be spread over blocks: one that all states have as their columns. Null for none.</param>
    /// <param name="parameters">The parameters, in order.</param>
    public GpuKernel(Type code, string method, IReadOnlyList<string> dimensions, string? split, IReadOnlyList<GpuParameter> parameters)
    {
        this.code = code;
        (Name, Dimensions, Split, Parameters) = (method, dimensions, split, parameters);
    }

    /// <summary>The method's name.</summary>
    public string Name { get; }

    /// <summary>The dimensions that the method is generic over, in order.</summary>
    public IReadOnlyList<string> Dimensions { get; }

    /// <summary>The dimension that may be spread over blocks, or null.</summary>
    public string? Split { get; }

    /// <summary>The parameters, in order.</summary>
    public IReadOnlyList<GpuParameter> Parameters { get; }

    /// <summary>
    /// Whether a thread walks the tokens of one channel, an index of <see cref="Split"/>: blocks are then of <see cref="Channel.Count"/>
    /// threads, and <see cref="Dimensions"/> are as long as the types say.
    /// </summary>
    public bool IsByChannel { get; init; }

    /// <summary>
    /// The matrix products of a chunk: rows, columns and inner dimension of each by name, the chunk's tokens as <c>C</c>.
    /// </summary>
    public IReadOnlyList<(string Rows, string Columns, string Inner)> Products { get; init; } = [];

    /// <summary>Which of <see cref="Dimensions"/> it is.</summary>
    internal int Place(string dimension)
    {
        var place = 0;
        while (Dimensions[place] != dimension) place++;
        return place;
    }

    /// <summary>The kernel for given types.</summary>
    internal GpuInstance Of(GpuTypes types) => instances.GetOrAdd(types, types =>
    {
        return new(Method(Name), (int)Method($"{Name}Bytes").Invoke(null, null)!);

        MethodInfo Method(string name) =>
            code.GetMethod(name)?.MakeGenericMethod(types.Arguments) ?? throw new MissingMethodException(code.FullName, name);
    });
}

/// <summary>A kernel whose types are chosen.</summary>
/// <param name="Method">The method, all of whose type arguments are given.</param>
/// <param name="SharedBytes">The shared memory of a block.</param>
internal sealed record GpuInstance(MethodInfo Method, int SharedBytes);
