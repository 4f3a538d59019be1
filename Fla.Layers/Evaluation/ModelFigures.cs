using Fla.Dsl.Testing;
using Fla.Layers.Checkpoints;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>What a reference implementation gave for a checkpoint.</summary>
internal sealed class ModelFigures
{
    /// <summary>How many of the first row's tokens the greedy continuation goes on from.</summary>
    public const long PromptLength = 16;

    private readonly Tensor logits;
    private readonly Tensor[] hidden;

    private ModelFigures(Dictionary<string, Tensor> tensors, string path)
    {
        Tensor Named(string name, int rank) => tensors.TryGetValue(name, out var tensor) && tensor.dim() == rank
            ? tensor
            : throw new InvalidDataException($"{path}: expected a tensor {name} of {rank} dimensions, came none");

        InputIds = Named("input_ids", 2);
        GreedyIds = Named("greedy_ids", 2);
        logits = Named("logits", 3);
        Loss = Named("loss", 1).cpu().item<float>();
        var names = Enumerable.Range(0, tensors.Count).Select(i => $"hidden.{i}").TakeWhile(tensors.ContainsKey);
        hidden = [.. names.Select(name => Named(name, 3))];
    }

    /// <summary>The tokens, <c>[B, T]</c>.</summary>
    public Tensor InputIds { get; }

    /// <summary>The first row's first tokens continued greedily, <c>[1, L]</c>.</summary>
    public Tensor GreedyIds { get; }

    /// <summary>The mean cross entropy of the next tokens.</summary>
    public double Loss { get; }

    public static ModelFigures Read(string path, Device device)
    {
        using var file = SafetensorsFile.Open(path);
        return new(file.ReadAll(device), path);
    }

    /// <summary>Compares logits and hidden states.</summary>
    /// <param name="name">The way they were computed.</param>
    /// <param name="output">What came.</param>
    /// <param name="offsets">By how much each row is shifted to the right; what is shifted out is not compared.</param>
    public ModelCheck Compare(string name, CausalLMOutput output, long[]? offsets = null)
    {
        if (output.HiddenStates!.Count != hidden.Length)
            throw new InvalidDataException($"expected {output.HiddenStates.Count} hidden states, the figures have {hidden.Length}");
        return new(
            name, Error(output.Logits!, logits, offsets),
            output.HiddenStates.Zip(hidden, (actual, expected) => Error(actual, expected, offsets)).Max());
    }

    private static double Error(Tensor actual, Tensor expected, long[]? offsets)
    {
        if (!actual.shape.SequenceEqual(expected.shape))
            throw new InvalidDataException($"expected {Shapes.Text(expected.shape)}, came {Shapes.Text(actual.shape)}");
        if (offsets is null) return RelativeError.Rms(actual, expected);
        var length = expected.shape[1];
        return RelativeError.Rms(
            cat([.. offsets.Select((offset, row) => actual[row].narrow(0, offset, length - offset))]),
            cat([.. offsets.Select((offset, row) => expected[row].narrow(0, 0, length - offset))]));
    }
}
