using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Torch;

/// <summary>The body of one generated method: values given, values computed, results returned.</summary>
internal sealed class TorchPart
{
    /// <summary>An expression longer than this gets a variable of its own, so that generated lines stay readable.</summary>
    private const int LongestInline = 72;

    private readonly TileProgram program;
    private readonly IReadOnlyList<int> computed;
    private readonly IReadOnlyList<int> results;
    private readonly Dictionary<int, int> uses = [];
    private readonly Dictionary<int, TorchTerm> terms = [];
    private readonly Names names = new("inputs", "carry", "local", "scope", "torch", "Tiles", "DecayedProducts", "FeatureMaps", "Scans", "ReadPoint");
    private readonly List<string> unpacking = [];

    // Constants and repetitions take their sizes, type and device from tensors at hand.
    private readonly HashSet<string> wanted;
    private readonly Dictionary<string, string> sizes = new() { [Dim.One] = "1" };
    private string? like;

    public TorchPart(TileProgram program, IReadOnlyList<int> computed, IReadOnlyList<int> results)
    {
        (this.program, this.computed, this.results) = (program, computed, results);
        foreach (var id in computed.SelectMany(id => program[id].Operands).Concat(results))
            uses[id] = uses.TryGetValue(id, out var count) ? count + 1 : 1;

        wanted = new HashSet<string>(computed.Concat(results).Select(id => program[id])
            .Where(tile => tile.Op is TileOp.Constant or TileOp.Broadcast or TileOp.Unflatten or TileOp.AtLastRow)
            .SelectMany(tile => new[] { tile.Shape.Rows, tile.Shape.Columns })
            .SelectMany(Dim.Factors)
            .SelectMany(dimension => new[] { dimension, FeatureDimension.Root(dimension) }));
    }

    /// <summary>Makes a value of the caller's known; it gets a variable if the body uses it.</summary>
    public void Give(int id, string name, string source)
    {
        if (terms.ContainsKey(id)) return;
        var shape = program[id].Shape;
        var givesSize = Missing(shape.Rows) || Missing(shape.Columns) || (wanted.Count > 0 && like is null);
        if (!uses.ContainsKey(id) && !givesSize) return;
        var variable = names.Fresh(name.Length > 0 ? name : "t");
        terms.Add(id, TorchTerm.Primary(variable));
        unpacking.Add($"var {variable} = {source};");
        if (Missing(shape.Rows)) sizes.Add(shape.Rows, $"{variable}.shape[2]");
        if (Missing(shape.Columns)) sizes.Add(shape.Columns, $"{variable}.shape[3]");
        like ??= variable;
        bool Missing(string dimension) => wanted.Contains(dimension) && !sizes.ContainsKey(dimension);
    }

    public void Write(CodeWriter code)
    {
        if (results.Count == 0)
        {
            code.Line("return [];");
            return;
        }

        code.Lines(unpacking);
        code.Line("using var scope = torch.NewDisposeScope();");
        foreach (var id in computed)
        {
            var term = TorchTerm.Of(program[id], operand => Term(operand), Sizes, like);
            var inline = uses.TryGetValue(id, out var count) && count == 1 && !results.Contains(id) && program[id].Name.Length == 0 && term.Text.Length <= LongestInline;
            if (!inline)
            {
                var variable = names.Fresh(program[id].Name.Length > 0 ? program[id].Name : "t");
                code.Line($"var {variable} = {term.Text};");
                term = TorchTerm.Primary(variable);
            }

            terms[id] = term;
        }

        code.Line($"return Tiles.Keep({string.Join(", ", results.Select(Result))});");
    }

    private TorchTerm Term(int id) => terms.TryGetValue(id, out var term) ? term : TorchTerm.Of(program[id], Term, Sizes, like);

    /// <summary>A result must be a tensor of its own, also where it is what was given.</summary>
    private string Result(int id) => computed.Contains(id) ? Term(id).Text : terms.TryGetValue(id, out var given) ? $"{given.Text}.alias()" : TorchTerm.Filled(program[id], Sizes, like);

    private string Sizes(Shape shape) => $"{Size(shape.Rows)}, {Size(shape.Columns)}";

    private string Size(string dimension) => string.Join(" * ", Dim.Factors(dimension).Select(SizeOfOne));

    /// <summary>Where no tensor at hand has features, their number follows from that of what they are of.</summary>
    private string SizeOfOne(string dimension) => sizes.TryGetValue(dimension, out var size) || FeatureDimension.Parse(dimension) is not var (map, of)
        ? size ?? throw new InvalidOperationException($"Nothing at hand has the dimension {dimension}.")
        : $"FeatureMaps.{map}Size({SizeOfOne(of)})";
}
