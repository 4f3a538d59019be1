using System.Globalization;
using System.Text;
using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>The size of a tile, by the names of its dimensions.</summary>
internal sealed record Shape(string Rows, string Columns)
{
    public static readonly Shape Scalar = new(Dim.One, Dim.One);

    public Shape Transposed => new(Columns, Rows);

    public override string ToString() => $"{Rows}x{Columns}";
}

/// <summary>The operations of the tile IR. Elementwise operations broadcast a dimension of size 1.</summary>
internal enum TileOp
{
    /// <summary>An input of the program.</summary>
    Input,

    /// <summary><see cref="Instruction.Number"/> everywhere.</summary>
    Constant,

    /// <summary>The operand, repeated along dimensions of size 1 to the instruction's shape.</summary>
    Broadcast,

    Negate,
    Exp,
    Log,
    Sqrt,
    Sigmoid,
    Tanh,
    Relu,

    /// <summary>1 where the operand is positive, else 0.</summary>
    Heaviside,
    Softplus,

    /// <summary>Over each row.</summary>
    Softmax,

    /// <summary>The features <see cref="Instruction.Map"/> of each row of x: a tile of more columns.</summary>
    Features,

    /// <summary>From x and the gradient of its features, the gradient of x.</summary>
    FeaturesGradient,

    /// <summary>A matrix RxC as one row of R*C elements, row by row.</summary>
    Flatten,

    /// <summary>One row of R*C elements as the matrix RxC.</summary>
    Unflatten,

    /// <summary>From x [C]xR and y [C]xD: in each row the outer product of its two vectors, flattened: [C]x(R*D).</summary>
    RowOuter,

    /// <summary>From x [C]xR and z [C]x(R*D): in each row <c>x^T z</c>, [C]xD.</summary>
    RowDotLeft,

    /// <summary>From z [C]x(R*D) and y [C]xD: in each row <c>z y</c>, [C]xR.</summary>
    RowDotRight,

    Add,
    Subtract,
    Multiply,
    Divide,

    /// <summary><c>log(exp(x) + exp(y))</c>; minus infinity is the logarithm of nothing.</summary>
    LogAddExp,

    /// <summary>From x and y: the share of <c>exp(x)</c> in <c>exp(x) + exp(y)</c>; all where y is the logarithm of nothing.</summary>
    LogShare,

    /// <summary>The product of two tiles, the first transposed if <see cref="Instruction.TransposeLeft"/>, the second if <see cref="Instruction.TransposeRight"/>.</summary>
    MatMul,
    Transpose,

    /// <summary>The sum over the rows: a tile of one row.</summary>
    SumRows,

    /// <summary>The sum over the columns: a tile of one column.</summary>
    SumColumns,

    /// <summary>Down the tokens: inclusive, or exclusive of the token's own; from the first, or with <see cref="Instruction.Reverse"/> from the last.</summary>
    CumulativeSum,

    /// <summary>The operand [C]x[C] where token j (column) counts for token i (row) at <see cref="Instruction.Point"/>, else 0.</summary>
    CausalMask,

    /// <summary>From a log-decay g [C]x1: <c>exp(sum of g between j and i)</c> where j counts for i at <see cref="Instruction.Point"/>, else 0.</summary>
    DecayMatrix,

    /// <summary>From x, y, g [C]xD: <c>sum_d x[i,d] y[j,d] exp(sum of g[.,d] between j and i)</c>, masked as <see cref="DecayMatrix"/>.</summary>
    DecayedDot,

    /// <summary>From a [C]x[C], y, g [C]xD: <c>sum_j a[i,j] y[j,d] exp(sum of g[.,d] between j and i)</c>, masked.</summary>
    DecayedMix,

    /// <summary>From a [C]x[C], x, g [C]xD: <c>sum_i a[i,j] x[i,d] exp(sum of g[.,d] between j and i)</c>, masked.</summary>
    DecayedMixTransposed,

    /// <summary>Down the tokens: the product of the factors of all tokens so far, with the token's own or without.</summary>
    CumulativeProduct,

    /// <summary>From x and factors a, [C]xD: <c>sum_j x[j] (product of a between j and i)</c> over the j that count for i.</summary>
    Scan,

    /// <summary>From x and factors a, [C]xD: <c>sum_i x[i] (product of a between j and i)</c> over the i for which j counts.</summary>
    ScanTransposed,

    /// <summary>From x and log-decays g, [C]xD: <c>log(sum_j exp(x[j] + sum of g between j and i))</c> over the j that count for i.</summary>
    LogScan,

    /// <summary>The last token's row.</summary>
    LastRow,

    /// <summary>A row as the last token's, the others 0.</summary>
    AtLastRow,

    /// <summary>From l [C]x[C] strictly lower and r: u with <c>(I - l) u = r</c>, or <c>(I - l)^T u = r</c> with <see cref="Instruction.Reverse"/>.</summary>
    SolveUnitLower,

    /// <summary>From l [C]x[C] strictly lower: <c>(I - l)^-1</c>.</summary>
    InverseUnitLower,

    /// <summary>
    /// From a [C]x[C], c, g, r [C]xD: u with <c>u[i,d] = r[i,d] + c[i,d] sum_j a[i,j] u[j,d] exp(sum of g[.,d] between j and i)</c>,
    /// masked, or with <see cref="Instruction.Reverse"/> the transposed system <c>u[j,d] = r[j,d] + sum_i a[i,j] c[i,d] u[i,d] exp(..)</c>.
    /// </summary>
    DecayedSolve,
}

/// <summary>One operation and its result.</summary>
internal sealed record Instruction(int Id, TileOp Op, EquatableArray<int> Operands, Shape Shape, string Name)
{
    public double Number { get; init; }

    public bool TransposeLeft { get; init; }

    public bool TransposeRight { get; init; }

    public bool Reverse { get; init; }

    public bool Exclusive { get; init; }

    public ReadPoint Point { get; init; }

    public FeatureMap Map { get; init; }
}

/// <summary>What the caller passes for an input.</summary>
internal enum InputKind
{
    /// <summary>An argument of the declaration.</summary>
    Argument,

    /// <summary>1 for a token, 0 for padding.</summary>
    Validity,

    /// <summary>A state carried into the chunk, in a backward program: known for every chunk.</summary>
    State,

    /// <summary>The gradient of the output.</summary>
    OutputGradient,

    /// <summary>What the walk carries from chunk to chunk: the states, or backward the gradients of the states.</summary>
    Carry,
}

/// <summary>A named value at the rim of a program.</summary>
internal sealed record ProgramInput(string Name, InputKind Kind, int Id);

/// <summary>A named result of a program.</summary>
internal sealed record ProgramOutput(string Name, int Id)
{
    /// <summary>The same result in a program whose ids a map gives.</summary>
    public ProgramOutput In(IReadOnlyDictionary<int, int> map) => this with { Id = map[Id] };
}

/// <summary>
/// A straight-line program over tiles: what happens in one chunk of one head. <paramref name="Next"/> holds the carried values for the
/// next chunk, in the order of the inputs of kind <see cref="InputKind.Carry"/>.
/// </summary>
internal sealed record TileProgram(
    string Name,
    EquatableArray<Instruction> Instructions,
    EquatableArray<ProgramInput> Inputs,
    EquatableArray<ProgramOutput> Outputs,
    EquatableArray<ProgramOutput> Next)
{
    public Instruction this[int id] => Instructions[id];

    public IEnumerable<ProgramInput> Carried => Inputs.Where(input => input.Kind == InputKind.Carry);

    public bool IsInput(int id) => Instructions[id].Op == TileOp.Input;

    /// <summary>The ids from which <paramref name="roots"/> are computed, themselves included.</summary>
    public HashSet<int> Ancestors(IEnumerable<int> roots)
    {
        var found = new HashSet<int>();
        var open = new Stack<int>(roots);
        while (open.Count > 0)
        {
            var id = open.Pop();
            if (!found.Add(id)) continue;
            foreach (var operand in Instructions[id].Operands) open.Push(operand);
        }

        return found;
    }

    /// <summary>The ids that are computed from a carried value.</summary>
    public HashSet<int> DependentOnCarry()
    {
        var dependent = new HashSet<int>(Carried.Select(input => input.Id));
        foreach (var instruction in Instructions)
            if (instruction.Operands.Any(dependent.Contains)) dependent.Add(instruction.Id);
        return dependent;
    }

    /// <summary>A listing, one instruction a line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(Name).Append('\n');
        foreach (var instruction in Instructions)
            text.Append($"  %{instruction.Id} {instruction.Name}: {instruction.Shape} = {Describe(instruction)}\n");
        foreach (var output in Outputs) text.Append($"  output {output.Name} = %{output.Id}\n");
        foreach (var next in Next) text.Append($"  next {next.Name} = %{next.Id}\n");
        return text.ToString();
    }

    private string Describe(Instruction instruction)
    {
        if (instruction.Op == TileOp.Input)
        {
            var input = Inputs.First(i => i.Id == instruction.Id);
            return $"{input.Kind} {input.Name}";
        }

        var words = new List<string> { instruction.Op.ToString() };
        if (instruction.Op == TileOp.Constant) words.Add(instruction.Number.ToString("R", CultureInfo.InvariantCulture));
        if (instruction.TransposeLeft) words.Add("transpose-left");
        if (instruction.TransposeRight) words.Add("transpose-right");
        if (instruction.Reverse) words.Add("reverse");
        if (instruction.Exclusive) words.Add("exclusive");
        if (instruction.Op is TileOp.CausalMask or TileOp.DecayMatrix or TileOp.DecayedDot or TileOp.DecayedMix or TileOp.DecayedMixTransposed
            or TileOp.DecayedSolve or TileOp.Scan or TileOp.ScanTransposed or TileOp.LogScan)
            words.Add(instruction.Point.ToString());
        if (instruction.Op is TileOp.Features or TileOp.FeaturesGradient) words.Add(instruction.Map.ToString());
        words.AddRange(instruction.Operands.Select(operand => $"%{operand}"));
        return string.Join(" ", words);
    }
}
