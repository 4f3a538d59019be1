using Fla.Layers.Generation;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>How one way of running a model compares with the figures.</summary>
/// <param name="Name">The way.</param>
/// <param name="Logits">The error ratio of the logits; null where they were not compared.</param>
/// <param name="Hidden">The worst error ratio of a layer's hidden states; null where they were not compared.</param>
/// <param name="Loss">The difference of the loss; null where it was not compared.</param>
/// <param name="Mismatch">What else differs, or null.</param>
public sealed record ModelCheck(string Name, double? Logits = null, double? Hidden = null, double? Loss = null, string? Mismatch = null)
{
    /// <summary>Whether nothing differs by more than this.</summary>
    public bool Within(double tolerance) =>
        Mismatch is null && (Logits ?? 0) <= tolerance && (Hidden ?? 0) <= tolerance && (Loss ?? 0) <= tolerance;
}

/// <summary>
/// Compares a checkpoint with figures of a reference implementation: logits, hidden states, loss and greedy continuation, computed at
/// once and with a cache, packed and padded, and the printed tree.
/// </summary>
public static class ModelVerification
{
    /// <summary>The error ratio up to which a check passes; the figures are fp32's.</summary>
    public const double Tolerance = 1e-4;

    /// <summary>Whether a folder has figures to compare with.</summary>
    public static bool HasFigures(string folder) => File.Exists(Path.Combine(folder, "expected.safetensors"));

    /// <summary>Runs a checkpoint in every way and compares.</summary>
    /// <param name="folder">A checkpoint with <c>expected.safetensors</c> beside it, and perhaps <c>module.txt</c>.</param>
    /// <param name="device">Where to run; the CPU where it is null.</param>
    /// <returns>A result for each way.</returns>
    /// <exception cref="IOException">The checkpoint or the figures are malformed.</exception>
    /// <exception cref="InvalidDataException">The figures do not fit the model.</exception>
    public static IReadOnlyList<ModelCheck> Run(string folder, Device? device = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var model = AutoModelForCausalLM.FromPretrained(folder, ScalarType.Float32, device);
        var figures = ModelFigures.Read(Path.Combine(folder, "expected.safetensors"), model.Device);
        List<ModelCheck> checks =
        [
            Whole(model, figures), Cached(model, figures), Packed(model, figures), Padded(model, figures),
            Greedy(model, figures, useCache: true), Greedy(model, figures, useCache: false),
        ];
        var tree = Path.Combine(folder, "module.txt");
        if (File.Exists(tree)) checks.Add(Printed(model, File.ReadAllText(tree)));
        return checks;
    }

    private static ModelCheck Whole(CausalLM model, ModelFigures figures)
    {
        // A model whose loss is fused gives no logits with it.
        var loss = model.forward(figures.InputIds, null, labels: figures.InputIds).Loss!;
        var output = model.forward(figures.InputIds, null, outputHiddenStates: true);
        return figures.Compare("whole", output) with { Loss = Math.Abs(loss.item<float>() - figures.Loss) };
    }

    // First a prompt, then a few tokens at once, then one by one.
    private static ModelCheck Cached(CausalLM model, ModelFigures figures)
    {
        using var cache = new Cache();
        var length = figures.InputIds.shape[1];
        var (prompt, piece) = (length / 2, length / 5);
        long[] limits = [0, prompt, .. Enumerable.Range(0, (int)(length - prompt - piece) + 1).Select(i => prompt + piece + i)];
        var outputs = limits.Zip(limits.Skip(1), (begin, end) =>
            model.forward(figures.InputIds.narrow(1, begin, end - begin), null, cache, outputHiddenStates: true)).ToArray();
        return figures.Compare("cached", Joined(outputs));
    }

    private static ModelCheck Packed(CausalLM model, ModelFigures figures)
    {
        var (batch, length) = (figures.InputIds.shape[0], figures.InputIds.shape[1]);
        var limits = arange(0, batch * length + 1, length, device: model.Device);
        var output = model.forward(figures.InputIds.view(1, -1), null, cuSeqlens: limits, outputHiddenStates: true);
        Tensor Unpacked(Tensor x) => x.view([batch, length, .. x.shape[2..]]);
        return figures.Compare("packed", new(Unpacked(output.Logits!), null, [.. output.HiddenStates!.Select(Unpacked)]));
    }

    // Each sequence is shorter than the one before it and filled up on the left; then they go on from the cache.
    private static ModelCheck Padded(CausalLM model, ModelFigures figures)
    {
        using var cache = new Cache();
        var (batch, length) = (figures.InputIds.shape[0], figures.InputIds.shape[1]);
        var (prompt, cut) = (length * 4 / 5, length / 4 / Math.Max(batch - 1, 1));
        var offsets = Enumerable.Range(0, (int)batch).Select(row => row * cut).ToArray();
        Tensor Shifted(long begin, long end) => stack([.. offsets.Select((offset, row) =>
            cat([zeros(Math.Max(offset - begin, 0), dtype: ScalarType.Int64, device: model.Device), figures.InputIds[row].narrow(
                0, Math.Max(begin - offset, 0), end - Math.Max(begin, offset))]))]);

        var mask = stack([.. offsets.Select(offset => arange(length, device: model.Device) >= Dsl.Runtime.Scalars.Of(offset))]);
        List<CausalLMOutput> outputs =
            [model.forward(Shifted(0, prompt), mask.narrow(1, 0, prompt), cache, outputHiddenStates: true)];
        for (var at = prompt; at < length; at++)
            outputs.Add(model.forward(Shifted(at, at + 1), mask.narrow(1, 0, at + 1), cache, outputHiddenStates: true));
        return figures.Compare("left-padded", Joined(outputs), offsets);
    }

    private static ModelCheck Greedy(CausalLM model, ModelFigures figures, bool useCache)
    {
        var name = useCache ? "greedy, cached" : "greedy";
        var (given, length) = (figures.InputIds.shape[1], figures.GreedyIds.shape[1]);
        var prompt = Math.Min(ModelFigures.PromptLength, Math.Min(given, length - 1));
        var config = new GenerationConfig
        {
            MaxNewTokens = (int)(length - prompt), EosTokenIds = [], UseCache = useCache,
        };
        var ids = model.Generate(figures.InputIds.narrow(0, 0, 1).narrow(1, 0, prompt), config);
        var (expected, came) = (figures.GreedyIds.cpu().data<long>().ToArray(), ids.cpu().data<long>().ToArray());
        var at = Enumerable.Range(0, expected.Length).FirstOrDefault(i => expected[i] != came[i], -1);
        return new(name, Mismatch: at < 0 ? null : $"token {at}: expected {expected[at]}, came {came[at]}");
    }

    private static ModelCheck Printed(CausalLM model, string expected)
    {
        var (lines, came) = (expected.TrimEnd().Split('\n'), model.ToString().Split('\n'));
        var at = Enumerable.Range(0, Math.Max(lines.Length, came.Length))
            .FirstOrDefault(i => lines.ElementAtOrDefault(i) != came.ElementAtOrDefault(i), -1);
        return new("printed", Mismatch: at < 0
            ? null
            : $"line {at + 1}: expected '{lines.ElementAtOrDefault(at)}', came '{came.ElementAtOrDefault(at)}'");
    }

    private static CausalLMOutput Joined(IReadOnlyList<CausalLMOutput> outputs) => new(
        cat([.. outputs.Select(output => output.Logits!)], 1), null,
        [.. outputs[0].HiddenStates!.Select((_, i) => cat([.. outputs.Select(output => output.HiddenStates![i])], 1))]);
}
