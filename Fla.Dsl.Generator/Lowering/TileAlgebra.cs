namespace Fla.Dsl.Generator.Lowering;

/// <summary>The algebra by which a builder leaves operations out.</summary>
internal sealed partial class TileBuilder
{
    private bool IsConstant(int id, double value) => this[id].Op == TileOp.Constant && this[id].Number == value;

    /// <summary>An operand repeated only to fit the other one need not be repeated: elementwise operations do that themselves.</summary>
    private int Narrowed(int operand, int other, Shape shape) =>
        this[operand] is { Op: TileOp.Broadcast } repeated && Join(this[repeated.Operands[0]].Shape, this[other].Shape) == shape ? repeated.Operands[0] : operand;

    private int? SimplifyUnary(TileOp op, int operand)
    {
        var tile = this[operand];
        if (tile.Op == TileOp.Constant)
        {
            double? value = op switch
            {
                TileOp.Negate => -tile.Number,
                TileOp.Exp => Math.Exp(tile.Number),
                TileOp.Log => Math.Log(tile.Number),
                TileOp.Sqrt => Math.Sqrt(tile.Number),
                TileOp.Sigmoid => 1 / (1 + Math.Exp(-tile.Number)),
                TileOp.Tanh => Math.Tanh(tile.Number),
                TileOp.Relu => Math.Max(tile.Number, 0),
                TileOp.Heaviside => tile.Number > 0 ? 1 : 0,
                TileOp.Softplus => Math.Max(tile.Number, 0) + Math.Log(1 + Math.Exp(-Math.Abs(tile.Number))),
                _ => null,
            };
            if (value is { } number) return Constant(number, tile.Shape);
        }

        return (op, tile.Op) switch
        {
            (TileOp.Negate, TileOp.Negate) => tile.Operands[0],
            (TileOp.Negate, TileOp.Subtract) => Subtract(tile.Operands[1], tile.Operands[0]),
            (TileOp.Log, TileOp.Exp) => tile.Operands[0],
            _ => null,
        };
    }

    private int? SimplifyBinary(TileOp op, int left, int right, Shape shape)
    {
        var (a, b) = (this[left], this[right]);
        if (a.Op == TileOp.Constant && b.Op == TileOp.Constant && op is not (TileOp.LogAddExp or TileOp.LogShare))
        {
            return Constant(op switch
            {
                TileOp.Add => a.Number + b.Number,
                TileOp.Subtract => a.Number - b.Number,
                TileOp.Multiply => a.Number * b.Number,
                _ => a.Number / b.Number,
            }, shape);
        }

        return op switch
        {
            TileOp.Add when IsConstant(left, 0) => Broadcast(right, shape),
            TileOp.Add or TileOp.Subtract when IsConstant(right, 0) => Broadcast(left, shape),
            TileOp.Subtract when IsConstant(left, 0) => Negate(Broadcast(right, shape)),
            TileOp.Add when b.Op == TileOp.Negate => Subtract(left, b.Operands[0]),
            TileOp.Add when a.Op == TileOp.Negate => Subtract(right, a.Operands[0]),
            TileOp.Add when MergeableSums(a, b) => CumulativeSum(Add(a.Operands[0], b.Operands[0]), a.Reverse, a.Exclusive),
            TileOp.Subtract when MergeableSums(a, b) => CumulativeSum(Subtract(a.Operands[0], b.Operands[0]), a.Reverse, a.Exclusive),
            TileOp.Subtract when b.Op == TileOp.Negate => Add(left, b.Operands[0]),
            TileOp.Multiply when IsConstant(left, 0) || IsConstant(right, 0) => Constant(0, shape),
            TileOp.Divide when IsConstant(left, 0) => Constant(0, shape),
            TileOp.Multiply when IsConstant(left, 1) => Broadcast(right, shape),
            TileOp.Multiply or TileOp.Divide when IsConstant(right, 1) => Broadcast(left, shape),
            TileOp.Multiply when IsConstant(left, -1) => Negate(Broadcast(right, shape)),
            TileOp.Multiply when IsConstant(right, -1) => Negate(Broadcast(left, shape)),
            TileOp.Multiply when a.Op == TileOp.Negate && b.Op == TileOp.Negate => Multiply(a.Operands[0], b.Operands[0]),
            TileOp.Multiply when a.Op == TileOp.Negate => Negate(Multiply(a.Operands[0], right)),
            TileOp.Multiply when b.Op == TileOp.Negate => Negate(Multiply(left, b.Operands[0])),
            _ => null,
        };
    }

    /// <summary>Sums down the tokens add up before they are summed.</summary>
    public static bool MergeableSums(Instruction a, Instruction b) =>
        a.Op == TileOp.CumulativeSum && b.Op == TileOp.CumulativeSum && a.Reverse == b.Reverse && a.Exclusive == b.Exclusive && a.Shape == b.Shape;
}
