using System.Globalization;
using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Torch;

/// <summary>A C# expression, with how tightly its outermost operator binds: 0 a sum, 1 a product, 2 a sign, 3 a name or a call.</summary>
internal readonly struct TorchTerm
{
    private readonly int binding;

    private TorchTerm(string text, int binding) => (Text, this.binding) = (text, binding);

    public string Text { get; }

    public static TorchTerm Primary(string text) => new(text, 3);

    /// <param name="tile">What to write.</param>
    /// <param name="operand">The expressions of its operands.</param>
    /// <param name="sizes">The sizes of a shape, as C#.</param>
    /// <param name="like">A tensor at hand, for the type and device of constants.</param>
    public static TorchTerm Of(Instruction tile, Func<int, TorchTerm> operand, Func<Shape, string> sizes, string? like)
    {
        TorchTerm Operand(int index) => operand(tile.Operands[index]);
        string Call(string method, string arguments = "") => $"{Operand(0).AtLeast(3)}.{method}({arguments})";
        string Of(string home, string method, IEnumerable<string> more) => $"{home}.{method}({string.Join(", ", tile.Operands.Select(id => operand(id).Text).Concat(more))})";
        string Tiles(string method, params string[] more) => Of("Tiles", method, more);
        string Scans(string method, params string[] more) => Of("Scans", method, more);
        string Products(string method, params string[] more) => Of("DecayedProducts", method, more.Prepend($"ReadPoint.{tile.Point}"));
        string Infix(string symbol, int left, int right) => $"{Operand(0).AtLeast(left)} {symbol} {Operand(1).AtLeast(right)}";

        switch (tile.Op)
        {
            case TileOp.Constant: return tile.Shape == Shape.Scalar ? new TorchTerm(Number(tile.Number), tile.Number < 0 ? 2 : 3) : Primary(Filled(tile, sizes, like));
            case TileOp.Broadcast: return Primary(Call("expand", $"-1, -1, {sizes(tile.Shape)}"));
            case TileOp.Negate: return new TorchTerm($"-{Operand(0).AtLeast(2)}", 2);
            case TileOp.Exp: return Primary(Call("exp"));
            case TileOp.Log: return Primary(Call("log"));
            case TileOp.Sqrt: return Primary(Call("sqrt"));
            case TileOp.Sigmoid: return Primary(Call("sigmoid"));
            case TileOp.Tanh: return Primary(Call("tanh"));
            case TileOp.Relu: return Primary(Call("relu"));
            case TileOp.Heaviside: return Primary(Tiles("Heaviside"));
            case TileOp.Softplus: return Primary(Tiles("Softplus"));
            case TileOp.Features: return Primary($"FeatureMaps.{tile.Map}({Operand(0).Text})");
            case TileOp.FeaturesGradient: return Primary($"FeatureMaps.{tile.Map}Gradient({Operand(0).Text}, {Operand(1).Text})");
            case TileOp.Flatten: return Primary(Tiles("Flatten"));
            case TileOp.Unflatten: return Primary(Tiles("Unflatten", sizes(tile.Shape)));
            case TileOp.RowOuter: return Primary(Tiles("RowOuter"));
            case TileOp.RowDotLeft: return Primary(Tiles("RowDotLeft"));
            case TileOp.RowDotRight: return Primary(Tiles("RowDotRight"));
            case TileOp.Softmax: return Primary(Call("softmax", "-1"));
            case TileOp.Add: return new TorchTerm(Infix("+", 0, 0), 0);
            case TileOp.Subtract: return new TorchTerm(Infix("-", 0, 1), 0);
            case TileOp.Multiply: return new TorchTerm(Infix("*", 1, 1), 1);
            case TileOp.Divide: return new TorchTerm(Infix("/", 1, 2), 1);
            case TileOp.LogAddExp: return Primary($"torch.logaddexp({Operand(0).Text}, {Operand(1).Text})");
            case TileOp.LogShare: return Primary(Scans("Share"));
            case TileOp.CumulativeProduct: return Primary(Scans("CumulativeProduct", Flags(("exclusive", tile.Exclusive))));
            case TileOp.Scan: return Primary(Scans("Linear", $"ReadPoint.{tile.Point}"));
            case TileOp.ScanTransposed: return Primary(Scans("LinearTransposed", $"ReadPoint.{tile.Point}"));
            case TileOp.LogScan: return Primary(Scans("Logarithmic", $"ReadPoint.{tile.Point}"));
            case TileOp.LastRow: return Primary(Scans("LastRow"));
            case TileOp.AtLastRow: return Primary(Scans("AtLastRow", sizes(tile.Shape)));
            case TileOp.MatMul: return Primary($"torch.matmul({Turned(Operand(0), tile.TransposeLeft)}, {Turned(Operand(1), tile.TransposeRight)})");
            case TileOp.Transpose: return Primary($"{Operand(0).AtLeast(3)}.mT");
            case TileOp.SumRows: return Primary(Call("sum", "-2, keepdim: true"));
            case TileOp.SumColumns: return Primary(Call("sum", "-1, keepdim: true"));
            case TileOp.CumulativeSum: return Primary(Tiles("CumulativeSum", Flags(("reverse", tile.Reverse), ("exclusive", tile.Exclusive))));
            case TileOp.CausalMask: return Primary(Tiles("CausalMask", $"ReadPoint.{tile.Point}"));
            case TileOp.DecayMatrix: return Primary(Tiles("DecayMatrix", $"ReadPoint.{tile.Point}"));
            case TileOp.DecayedDot: return Primary(Products("Dot"));
            case TileOp.DecayedMix: return Primary(Products("Mix"));
            case TileOp.DecayedMixTransposed: return Primary(Products("MixTransposed"));
            case TileOp.SolveUnitLower: return Primary(Tiles("SolveUnitLower", Flags(("transposed", tile.Reverse))));
            case TileOp.DecayedSolve: return Primary(Products("Solve", Flags(("transposed", tile.Reverse))));
            default: throw new InvalidOperationException($"{tile.Op} is not computed.");
        }
    }

    /// <summary>A tile of one number.</summary>
    public static string Filled(Instruction tile, Func<Shape, string> sizes, string? like) => $"Tiles.Filled({Number(tile.Number)}, {sizes(tile.Shape)}, {like})";

    private string AtLeast(int needed) => binding >= needed ? Text : $"({Text})";

    private static string Turned(TorchTerm term, bool transposed) => transposed ? $"{term.AtLeast(3)}.mT" : term.Text;

    private static string Flags(params (string Name, bool Value)[] flags) => string.Join(", ", flags.Select(flag => $"{flag.Name}: {(flag.Value ? "true" : "false")}"));

    private static string Number(double value) => double.IsNaN(value) ? "double.NaN"
        : double.IsInfinity(value) ? value > 0 ? "double.PositiveInfinity" : "double.NegativeInfinity"
        : value.ToString("0.0###############E+0", CultureInfo.InvariantCulture) is var scientific && Math.Abs(value) is >= 1e-3 and < 1e6 or 0
            ? value.ToString("0.0################", CultureInfo.InvariantCulture)
            : scientific;
}
