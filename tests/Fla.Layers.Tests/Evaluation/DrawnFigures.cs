using System.Globalization;
using Fla.Dsl;
using Fla.Dsl.Testing;
using Fla.Layers.Checkpoints;
using Fla.Layers.Evaluation;
using Fla.Ops;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

/// <summary>The sizes of drawn figures.</summary>
/// <param name="Batch">The sequences.</param>
/// <param name="Tokens">The tokens of each.</param>
/// <param name="Heads">The heads, of ops that have them.</param>
/// <param name="Dimensions">The size of every dimension of a declaration by name.</param>
internal sealed record FigureSizes(long Batch, long Tokens, long Heads, IReadOnlyDictionary<string, long> Dimensions)
{
    public FigureSizes(long batch, long tokens, long heads, long k, long v, long m, long d, long n)
        : this(batch, tokens, heads, new Dictionary<string, long> { ["K"] = k, ["V"] = v, ["M"] = m, ["D"] = d, ["N"] = n })
    {
    }

    public override string ToString() =>
        $"B={Batch}, T={Tokens}, H={Heads}, {string.Join(", ", Dimensions.Select(item => $"{item.Key}={item.Value}"))}";
}

/// <summary>
/// Files like those in tests/golden/ops at other sizes: the same tensors, inputs that look alike, and as figures what the
/// declaration gives in fp64.
/// </summary>
internal sealed class DrawnFigures
{
    private readonly OpFigures template;
    private readonly RecurrenceOp op;
    private readonly FigureSizes sizes;
    private readonly Generator random = new(1);

    private DrawnFigures(OpFigures template, RecurrenceOp op, FigureSizes sizes) =>
        (this.template, this.op, this.sizes) = (template, op, sizes);

    private IEnumerable<Argument> Arguments => op.Arguments.Where(argument => template.Inputs.ContainsKey(argument.Name));

    private IEnumerable<StateVariable> Finals => op.States.Take(template.States.Count);

    /// <summary>Draws figures of a name and writes them.</summary>
    /// <param name="name">The name of figures, such as <c>gla</c>.</param>
    /// <param name="sizes">Their sizes.</param>
    /// <param name="path">The file.</param>
    public static void Save(string name, FigureSizes sizes, string path)
    {
        using var scope = NewDisposeScope();
        var op = Catalogue.All.Single(op => op.Name == CatalogueNames.OpOf(name));
        using var template = OpFigures.Read(RepositoryFiles.Golden($"ops/{TemplateOf(name)}.safetensors"));
        new DrawnFigures(template, op, sizes).Save(path);
    }

    // Lightning attention is that op with gates per head, and has no figures of its own.
    private static string TemplateOf(string name) => name == "lightning_attn" ? "simple_gla" : name;

    private void Save(string path)
    {
        var arguments = Arguments.ToDictionary(argument => argument.Name, argument => Draw(argument.Name, ShapeOf(argument)));
        if (op.Name == "DplrDeltaRule") arguments["b"] = arguments["a"] * -rand(arguments["a"].shape[..^1], generator: random).unsqueeze(-1);
        var states = template.Inputs.Keys.Except(arguments.Keys).Zip(op.States)
            .ToDictionary(pair => pair.Second.Name, pair => (Input: pair.First, Drawn: Draw(pair.First, ShapeOf(pair.Second))));
        var outputGradient = Normal([sizes.Batch, sizes.Tokens, .. Heads, .. Sizes(op.OutputDimensions)]);
        var stateGradients = Finals.ToDictionary(state => state.Name, state => Normal(ShapeOf(state)));

        var scale = template.Scale is null ? null : (double?)(1 / Math.Sqrt(arguments["q"].shape[^1]));
        var expected = Oracle.Differentiate(
            op.Declaration, arguments, outputGradient, stateGradients, states.ToDictionary(state => state.Key, state => state.Value.Drawn), scale);

        var tensors = new Dictionary<string, Tensor> { ["out.o"] = expected.Result.Output, ["grad_out.o"] = outputGradient };
        foreach (var (name, drawn) in arguments)
        {
            tensors.Add($"in.{name}", drawn);
            tensors.Add($"grad.{name}", expected.Arguments[name]);
        }

        foreach (var (state, (name, drawn)) in states)
        {
            tensors.Add($"in.{name}", drawn);
            tensors.Add($"grad.{name}", expected.InitialStates[state]);
        }

        foreach (var (state, i) in Finals.Select((state, i) => (state.Name, i)))
        {
            tensors.Add($"out.state{i}", expected.Result.FinalStates[state]);
            tensors.Add($"grad_out.state{i}", stateGradients[state]);
        }

        var metadata = new Dictionary<string, string> { ["layout"] = op.HasHeads ? "B,T,H,D" : "B,T,D" };
        if (scale is { } number) metadata.Add("scale", number.ToString("R", CultureInfo.InvariantCulture));
        SafetensorsFile.Save(path, tensors.ToDictionary(item => item.Key, item => item.Value.to(ScalarType.Float32)), metadata);
    }

    // Numbers out of the file that is drawn after; rows of length 1 where it has such rows.
    private Tensor Draw(string name, long[] shape)
    {
        var numbers = template.Inputs[name];
        var lengths = numbers.norm(-1);
        if ((lengths - 1).abs().max().item<float>() < 1e-5) return nn.functional.normalize(Normal(shape), dim: -1);
        var elements = shape.Aggregate(1L, (product, size) => product * size);
        return numbers.flatten().index_select(0, randint(0, numbers.numel(), [elements], ScalarType.Int64, generator: random)).reshape(shape);
    }

    private Tensor Normal(long[] shape) => randn(shape, ScalarType.Float32, generator: random);

    private long[] Heads => op.HasHeads ? [sizes.Heads] : [];

    private long[] ShapeOf(Argument argument) =>
        [.. argument.Role == ArgumentRole.PerHead ? (long[])[] : [sizes.Batch, sizes.Tokens], .. Heads, .. Sizes(argument.Dimensions)];

    private long[] ShapeOf(StateVariable state) => [sizes.Batch, .. Heads, .. Sizes(state.Dimensions)];

    private long[] Sizes(IReadOnlyList<string> dimensions) => [.. dimensions.Select(dimension => sizes.Dimensions[dimension])];
}
