using System.Globalization;
using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Numbers and operations as kernels have them in C#.</summary>
internal static class GpuText
{
    public static string Flag(bool value) => value ? "true" : "false";

    public static string Number(double value) =>
        double.IsNaN(value) ? "float.NaN" : double.IsInfinity(value) ? value > 0 ? "float.PositiveInfinity" : "float.NegativeInfinity"
        : $"{((float)value).ToString("R", CultureInfo.InvariantCulture)}f";

    /// <summary>An operation element by element.</summary>
    /// <param name="op">The operation.</param>
    /// <param name="of">The operands.</param>
    /// <param name="top">Whether nothing is around it.</param>
    public static string Elementwise(TileOp op, Func<int, string> of, bool top)
    {
        string Infix(string symbol) => top ? $"{of(0)} {symbol} {of(1)}" : $"({of(0)} {symbol} {of(1)})";
        return op switch
        {
            TileOp.Broadcast or TileOp.Transpose => of(0),
            TileOp.Negate => $"-{of(0)}",
            TileOp.Add => Infix("+"),
            TileOp.Subtract => Infix("-"),
            TileOp.Multiply => Infix("*"),
            TileOp.Divide => Infix("/"),
            TileOp.Sqrt or TileOp.Relu or TileOp.Heaviside => $"Numbers.{op}({of(0)})",
            TileOp.Exp or TileOp.Log or TileOp.Sigmoid or TileOp.Tanh or TileOp.Softplus => $"Numbers.{op}<TBlock>({of(0)})",
            TileOp.LogAddExp or TileOp.LogShare => $"Numbers.{op}<TBlock>({of(0)}, {of(1)})",
            _ => throw new InvalidOperationException($"{op} is not computed element by element."),
        };
    }
}
