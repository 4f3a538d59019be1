using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// Writes tile programs. An operation that is there already is not written twice, and one that algebra makes away with is not written
/// at all: rebuilding a program through a builder is the simplifier.
/// </summary>
internal sealed partial class TileBuilder
{
    private readonly List<Instruction> instructions = [];
    private readonly List<ProgramInput> inputs = [];
    private readonly Dictionary<Instruction, int> known = [];

    public Instruction this[int id] => instructions[id];

    public IReadOnlyList<ProgramInput> Inputs => inputs;

    public int Input(string name, InputKind kind, Shape shape)
    {
        var id = instructions.Count;
        instructions.Add(new Instruction(id, TileOp.Input, default, shape, name));
        inputs.Add(new ProgramInput(name, kind, id));
        return id;
    }

    public int Constant(double value, Shape? shape = null) => Emit(TileOp.Constant, [], shape ?? Shape.Scalar, i => i with { Number = value });

    public int Broadcast(int operand, Shape shape) => this[operand].Shape == shape
        ? operand
        : this[operand].Op == TileOp.Constant ? Constant(this[operand].Number, shape) : Emit(TileOp.Broadcast, [operand], shape);

    public int Unary(TileOp op, int operand) => SimplifyUnary(op, operand) ?? Emit(op, [operand], this[operand].Shape);

    public int Binary(TileOp op, int left, int right)
    {
        var shape = Join(this[left].Shape, this[right].Shape);
        (left, right) = (Narrowed(left, right, shape), Narrowed(right, left, shape));
        return SimplifyBinary(op, left, right, shape) ?? Emit(op, [left, right], shape);
    }

    public int Add(int left, int right) => Binary(TileOp.Add, left, right);

    public int Subtract(int left, int right) => Binary(TileOp.Subtract, left, right);

    public int Multiply(int left, int right) => Binary(TileOp.Multiply, left, right);

    public int Divide(int left, int right) => Binary(TileOp.Divide, left, right);

    public int Negate(int operand) => Unary(TileOp.Negate, operand);

    public int Exp(int operand) => Unary(TileOp.Exp, operand);

    public int Softmax(int operand) => Emit(TileOp.Softmax, [operand], this[operand].Shape);

    public int Features(FeatureMap map, int operand) =>
        Emit(TileOp.Features, [operand], new Shape(this[operand].Shape.Rows, FeatureDimension.Of(map.ToString(), this[operand].Shape.Columns)), i => i with { Map = map });

    public int FeaturesGradient(FeatureMap map, int operand, int gradient) => IsConstant(gradient, 0)
        ? Constant(0, this[operand].Shape)
        : Emit(TileOp.FeaturesGradient, [operand, gradient], this[operand].Shape, i => i with { Map = map });

    public int MatMul(int left, int right, bool transposeLeft = false, bool transposeRight = false)
    {
        if (this[left].Op == TileOp.Transpose) return MatMul(this[left].Operands[0], right, !transposeLeft, transposeRight);
        if (this[right].Op == TileOp.Transpose) return MatMul(left, this[right].Operands[0], transposeLeft, !transposeRight);
        if (!transposeLeft && ProductOfFeatures(left, right, transposeRight) is { } product) return product;
        var a = transposeLeft ? this[left].Shape.Transposed : this[left].Shape;
        var b = transposeRight ? this[right].Shape.Transposed : this[right].Shape;
        var shape = new Shape(a.Rows, b.Columns);
        if (!transposeLeft && b.Columns == Dim.One && this[right].Op == TileOp.Constant) return Multiply(Constant(this[right].Number), SumColumns(left));
        return IsConstant(left, 0) || IsConstant(right, 0)
            ? Constant(0, shape)
            : Emit(TileOp.MatMul, [left, right], shape, i => i with { TransposeLeft = transposeLeft, TransposeRight = transposeRight });
    }

    public int Transpose(int operand) => this[operand] switch
    {
        { Op: TileOp.Transpose } inner => inner.Operands[0],
        { Shape: { Rows: Dim.One, Columns: Dim.One } } => operand,
        { Op: TileOp.Constant } constant => Constant(constant.Number, constant.Shape.Transposed),
        var tile => Emit(TileOp.Transpose, [operand], tile.Shape.Transposed),
    };

    public int SumRows(int operand) => this[operand].Shape.Rows == Dim.One
        ? operand
        : IsConstant(operand, 0) ? Constant(0, new Shape(Dim.One, this[operand].Shape.Columns)) : Emit(TileOp.SumRows, [operand], new Shape(Dim.One, this[operand].Shape.Columns));

    public int SumColumns(int operand) => this[operand].Shape.Columns == Dim.One
        ? operand
        : this[operand] is { Op: TileOp.Multiply, Operands: var factors } && InnerProductOfFeatures(factors[0], factors[1]) is { } product ? product
        : IsConstant(operand, 0) ? Constant(0, new Shape(this[operand].Shape.Rows, Dim.One)) : Emit(TileOp.SumColumns, [operand], new Shape(this[operand].Shape.Rows, Dim.One));

    /// <summary>Sums over the dimensions along which a value of <paramref name="shape"/> was repeated.</summary>
    public int ReduceTo(int operand, Shape shape)
    {
        if (shape.Columns == Dim.One) operand = SumColumns(operand);
        return shape.Rows == Dim.One ? SumRows(operand) : operand;
    }

    public int Flatten(int operand) => this[operand] switch
    {
        { Op: TileOp.Unflatten } inner => inner.Operands[0],
        { Op: TileOp.Constant } constant => Constant(constant.Number, Flat(constant.Shape)),
        var tile => Emit(TileOp.Flatten, [operand], Flat(tile.Shape)),
    };

    public int Unflatten(int operand, Shape shape) => this[operand] switch
    {
        { Op: TileOp.Flatten } inner => inner.Operands[0],
        { Op: TileOp.Constant } constant => Constant(constant.Number, shape),
        _ => Emit(TileOp.Unflatten, [operand], shape),
    };

    public int RowOuter(int x, int y)
    {
        var shape = new Shape(Join(this[x].Shape.Rows, this[y].Shape.Rows), Dim.Product(this[x].Shape.Columns, this[y].Shape.Columns));
        return this[x].Op == TileOp.Constant && this[y].Op == TileOp.Constant
            ? Constant(this[x].Number * this[y].Number, shape)
            : IsConstant(x, 0) || IsConstant(y, 0) ? Constant(0, shape) : Emit(TileOp.RowOuter, [x, y], shape);
    }

    public int RowDotLeft(int x, int z) => RowDot(TileOp.RowDotLeft, x, z, Dim.Factors(this[z].Shape.Columns)[1]);

    public int RowDotRight(int z, int y) => RowDot(TileOp.RowDotRight, z, y, Dim.Factors(this[z].Shape.Columns)[0]);

    private int RowDot(TileOp op, int left, int right, string columns)
    {
        var shape = new Shape(Join(this[left].Shape.Rows, this[right].Shape.Rows), columns);
        return IsConstant(left, 0) || IsConstant(right, 0) ? Constant(0, shape) : Emit(op, [left, right], shape);
    }

    private static Shape Flat(Shape matrix) => new(Dim.One, Dim.Product(matrix.Rows, matrix.Columns));

    public int CumulativeSum(int operand, bool reverse = false, bool exclusive = false) => IsConstant(operand, 0)
        ? operand
        : Emit(TileOp.CumulativeSum, [operand], this[operand].Shape, i => i with { Reverse = reverse, Exclusive = exclusive });

    public int CumulativeProduct(int operand, bool exclusive = false) => IsConstant(operand, 1)
        ? operand
        : Emit(TileOp.CumulativeProduct, [operand], this[operand].Shape, i => i with { Exclusive = exclusive });

    public int Scan(int x, int factors, ReadPoint point) => Scan(TileOp.Scan, x, factors, point);

    public int ScanTransposed(int x, int factors, ReadPoint point) => Scan(TileOp.ScanTransposed, x, factors, point);

    public int LogScan(int x, int g, ReadPoint point) => Emit(TileOp.LogScan, [x, g], this[x].Shape, i => i with { Point = point });

    private int Scan(TileOp op, int x, int factors, ReadPoint point) =>
        IsConstant(x, 0) ? x : Emit(op, [x, factors], this[x].Shape, i => i with { Point = point });

    public int LastRow(int operand) => this[operand].Op == TileOp.Constant
        ? Constant(this[operand].Number, new Shape(Dim.One, this[operand].Shape.Columns))
        : Emit(TileOp.LastRow, [operand], new Shape(Dim.One, this[operand].Shape.Columns));

    public int AtLastRow(int operand) => IsConstant(operand, 0)
        ? Constant(0, new Shape(Dim.Time, this[operand].Shape.Columns))
        : Emit(TileOp.AtLastRow, [operand], new Shape(Dim.Time, this[operand].Shape.Columns));

    public int CausalMask(int operand, ReadPoint point) => IsConstant(operand, 0) || this[operand].Op == TileOp.CausalMask && this[operand].Point == point
        ? operand
        : Emit(TileOp.CausalMask, [operand], this[operand].Shape, i => i with { Point = point });

    public int DecayMatrix(int g, ReadPoint point) => Emit(TileOp.DecayMatrix, [g], new Shape(Dim.Time, Dim.Time), i => i with { Point = point });

    public int DecayedDot(int x, int y, int g, ReadPoint point) => IsConstant(g, 0)
        ? CausalMask(MatMul(x, y, transposeRight: true), point)
        : Emit(TileOp.DecayedDot, [x, y, g], new Shape(Dim.Time, Dim.Time), i => i with { Point = point });

    public int DecayedMix(int a, int y, int g, ReadPoint point) => IsConstant(g, 0)
        ? MatMul(CausalMask(a, point), y)
        : Emit(TileOp.DecayedMix, [a, y, g], Join(this[y].Shape, this[g].Shape), i => i with { Point = point });

    public int DecayedMixTransposed(int a, int x, int g, ReadPoint point) => IsConstant(g, 0)
        ? MatMul(CausalMask(a, point), x, transposeLeft: true)
        : Emit(TileOp.DecayedMixTransposed, [a, x, g], Join(this[x].Shape, this[g].Shape), i => i with { Point = point });

    public int SolveUnitLower(int l, int r, bool transposed = false) => IsConstant(l, 0) || IsConstant(r, 0)
        ? r
        : Emit(TileOp.SolveUnitLower, [l, r], this[r].Shape, i => i with { Reverse = transposed });

    public int InverseUnitLower(int l) => Emit(TileOp.InverseUnitLower, [l], this[l].Shape);

    public int DecayedSolve(int a, int c, int g, int r, ReadPoint point, bool transposed = false) => IsConstant(r, 0)
        ? r
        : Emit(TileOp.DecayedSolve, [a, c, g, r], this[r].Shape, i => i with { Point = point, Reverse = transposed });

    /// <summary>Gives a value the name it has in the literature, if it has none of its own yet.</summary>
    public int Name(int id, string name)
    {
        if (instructions[id].Op is not (TileOp.Input or TileOp.Constant) && instructions[id].Name.Length == 0)
            instructions[id] = instructions[id] with { Name = name };
        return id;
    }

    public TileProgram Build(string name, IEnumerable<ProgramOutput> outputs, IEnumerable<ProgramOutput> next) =>
        new(name, instructions.ToEquatableArray(), inputs.ToEquatableArray(), outputs.ToEquatableArray(), next.ToEquatableArray());

    public static Shape Join(Shape left, Shape right) => new(Join(left.Rows, right.Rows), Join(left.Columns, right.Columns));

    public static string Join(string left, string right) =>
        left == right || right == Dim.One ? left : left == Dim.One ? right : throw new InvalidOperationException($"Dimensions {left} and {right} do not join.");

    private int Emit(TileOp op, int[] operands, Shape shape, Func<Instruction, Instruction>? attributes = null)
    {
        var instruction = new Instruction(-1, op, operands.ToEquatableArray(), shape, string.Empty);
        if (attributes is not null) instruction = attributes(instruction);
        if (known.TryGetValue(instruction, out var id)) return id;
        id = instructions.Count;
        known.Add(instruction, id);
        instructions.Add(instruction with { Id = id });
        return id;
    }
}
