using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>What the choice of a kernel depends on, of a call.</summary>
/// <param name="Sizes">The sizes of the declaration's dimensions, by name.</param>
/// <param name="Offsets">Where each sequence begins in the flattened tokens, and the end of the last.</param>
/// <param name="Heads">H.</param>
/// <param name="Element">In what kernels keep vectors: fp32, bf16 or fp16.</param>
/// <param name="Gate">In what they keep vectors of log-decays: the same, or fp32.</param>
public sealed record Workload(
    IReadOnlyDictionary<string, long> Sizes, IReadOnlyList<long> Offsets, long Heads, ScalarType Element, ScalarType Gate)
{
    /// <summary>How many sequences.</summary>
    public int Sequences => Offsets.Count - 1;

    /// <summary>How many tokens, of all sequences.</summary>
    public long Tokens => Offsets[^1];

    /// <summary>How many tokens the longest sequence has.</summary>
    public long Longest
    {
        get
        {
            var longest = 0L;
            for (var n = 0; n < Sequences; n++) longest = Math.Max(longest, Offsets[n + 1] - Offsets[n]);
            return longest;
        }
    }

    /// <inheritdoc/>
    public bool Equals(Workload? other) => other is not null
        && (Heads, Element, Gate, Sizes.Count) == (other.Heads, other.Element, other.Gate, other.Sizes.Count)
        && Offsets.SequenceEqual(other.Offsets)
        && Sizes.All(size => other.Sizes.TryGetValue(size.Key, out var same) && same == size.Value);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Heads, Element, Gate, Sequences, Tokens);

    /// <summary>The size of a dimension, or of the features of one.</summary>
    internal long Size(string dimension) => FeatureMaps.SizeOf(dimension, of => Size(of)) ?? Sizes[dimension];

    /// <summary>Whether rows of a dimension have a multiple of <see cref="TensorMemory.Alignment"/> bytes in all tensors.</summary>
    internal bool IsAligned(string dimension) => Size(dimension) * Bytes(Element) % TensorMemory.Alignment == 0; // no others are narrower

    /// <summary>The bytes of an element.</summary>
    internal static long Bytes(ScalarType type) => type == ScalarType.Float32 ? 4 : 2;

    /// <summary>What a call comes to for kernels.</summary>
    internal static Workload Of(RecurrenceCall call)
    {
        var arguments = call.DeclaredArguments.Zip(call.Arguments).Where(pair => pair.Second is not null).ToArray();
        var vectors = arguments.Where(pair => pair.First is { Role: ArgumentRole.Token, Dimensions.Count: > 0 }).ToLookup(
            pair => pair.First.IsLogDecay, pair => pair.Second!.Type);
        var element = Common(vectors[false]);
        var gate = vectors[true].All(type => type == element) ? element : ScalarType.Float32;

        var sizes = new Dictionary<string, long>();
        foreach (var (argument, bound) in arguments) Add(argument.Dimensions, bound!.Shape);
        foreach (var (state, bound) in call.Op.States.Zip(call.States)) Add(state.Dimensions, bound.Shape);
        return new(sizes, call.Offsets, call.Heads, element, gate);

        // What is not of one type is kept in the one that loses nothing.
        static ScalarType Common(IEnumerable<ScalarType> types) => types.Distinct().ToArray() is [var only] ? only : ScalarType.Float32;

        void Add(IReadOnlyList<string> dimensions, long[] shape)
        {
            for (var i = 0; i < dimensions.Count; i++) sizes[dimensions[i]] = shape[shape.Length - dimensions.Count + i];
        }
    }

    /// <summary>In what kernels have an argument per token: one number a token is fp32 always.</summary>
    internal ScalarType TypeOf(Argument argument) =>
        argument.Dimensions.Count == 0 ? ScalarType.Float32 : argument.IsLogDecay ? Gate : Element;

    /// <summary>Before how many chunks each sequence's first one stands, and how many there are.</summary>
    public long[] Rows(int chunk)
    {
        var rows = new long[Offsets.Count];
        for (var n = 0; n < Sequences; n++) rows[n + 1] = rows[n] + ((Offsets[n + 1] - Offsets[n] + chunk - 1) / chunk);
        return rows;
    }
}
