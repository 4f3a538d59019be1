using System.Globalization;
using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes what a block does in one chunk, instruction by instruction: numbers of tokens by its first warp, tiles by all. An elementwise
/// operation that is used once is written where it is used, a product that is added to something is added in its registers. A barrier
/// stands where shared memory is read that was written since the last one, or written that was read or written.
/// </summary>
internal sealed class GpuBody
{
    private readonly TileProgram program;
    private readonly Names names = new("tokens", "head", "heads", "sequence", "first", "rows", "start", "stage", "offsets", "i", "token", "row", "column");
    private readonly List<int> needed;
    private readonly Dictionary<int, int> consumers = [];
    private readonly Dictionary<int, int> uses = [];
    private readonly Dictionary<int, string> variables = [];
    private readonly Dictionary<int, string> operands = [];
    private readonly HashSet<int> inputTiles = [];
    private readonly HashSet<int> inputColumns = [];
    private readonly HashSet<string> written = [];
    private readonly HashSet<string> read = [];
    private readonly List<(string Name, string Bytes)> memory = [];
    private readonly List<(string Name, Shape Shape)> tiles = [];

    public GpuBody(TileProgram program)
    {
        this.program = program;
        var results = program.Outputs.Concat(program.Next).Select(result => result.Id).ToList();
        needed = program.Ancestors(results).OrderBy(id => id).ToList();
        foreach (var (operand, user) in needed.SelectMany(id => program[id].Operands.Select(operand => (operand, id))).Concat(results.Select(id => (id, -1))))
        {
            uses[operand] = uses.TryGetValue(operand, out var count) ? count + 1 : 1;
            consumers[operand] = user;
        }

        DimensionNames = needed.Select(id => program[id].Shape).SelectMany(shape => new[] { shape.Rows, shape.Columns })
            .Where(dimension => dimension is not (Dim.One or Dim.Time)).Distinct().OrderBy(name => name, StringComparer.Ordinal).ToList();
    }

    /// <summary>The dimensions that a kernel is generic over.</summary>
    public IReadOnlyList<string> DimensionNames { get; }

    public IEnumerable<string> TypeParameters => ["TBlock", "TChunk", .. DimensionNames.Select(name => $"T{name}"), "TElement"];

    public IEnumerable<string> Constraints => TypeParameters.Select(name => $"where {name} : struct, {(name switch { "TElement" => "IElement", "TBlock" => "IBlock", _ => "ISize" })}");

    /// <summary>Shared memory besides that of inputs.</summary>
    public IReadOnlyList<(string Name, string Bytes)> Memory => memory;

    /// <summary>Tiles in registers besides those carried.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> Tiles => tiles;

    public string Dimensions(Shape shape) => $"{Size(shape.Rows)}, {Size(shape.Columns)}";

    public string Generic(Shape shape) => $"TBlock, {Dimensions(shape)}";

    public string Variable(int id) => variables[id];

    /// <summary>Makes what a chunk begins with known by name.</summary>
    public void Prepare(
        IEnumerable<(int Id, string Name)> loaded, IEnumerable<(int Id, string Name)> columns, IEnumerable<(int Id, string Name)> scalars, IEnumerable<(int Id, string Name)> carried)
    {
        foreach (var (id, name) in loaded)
        {
            inputTiles.Add(id);
            operands.Add(id, name);
        }

        inputColumns.UnionWith(columns.Select(column => column.Id));

        foreach (var (id, name) in loaded.Concat(columns).Concat(scalars).Concat(carried)) variables.Add(id, name);
    }

    public void Write(CodeWriter code)
    {
        var waiting = needed.Where(id => program[id].Op is not (TileOp.Input or TileOp.Constant) && !IsWithin(id)).ToList();
        while (waiting.Count > 0)
        {
            var columns = new List<int>();
            while (waiting.FirstOrDefault(id => Places.Of(program[id].Shape) == Place.Column && program[id].Op != TileOp.SumColumns && IsReady(id, columns)) is var id and > 0)
            {
                columns.Add(id);
                waiting.Remove(id);
            }

            if (columns.Count > 0)
            {
                ByFirstWarp(code, columns);
                continue;
            }

            var next = waiting.First(id => IsReady(id, columns));
            waiting.Remove(next);
            switch (Places.Of(program[next].Shape))
            {
                case Place.Scalar:
                    Scalar(code, next);
                    break;
                default:
                    Tile(code, next);
                    break;
            }
        }
    }

    /// <summary>Whether a value is written where it is used.</summary>
    private bool IsWithin(int id)
    {
        var (tile, place) = (program[id], Places.Of(program[id].Shape));
        if (uses[id] != 1 || consumers[id] < 0) return false;
        var user = program[consumers[id]];
        if (Places.Of(user.Shape) != place) return place == Place.Column && tile.Op == TileOp.Transpose;
        if (!IsElementwise(user)) return false;
        if (tile.Op == TileOp.MatMul) return user.Op == TileOp.Add;
        return IsElementwise(tile) && (user.Op == TileOp.Add || !Addends(id).Any(addend => program[addend].Op == TileOp.MatMul));
    }

    private static bool IsElementwise(Instruction tile) => tile.Op is TileOp.Broadcast or TileOp.Negate or TileOp.Exp or TileOp.Log or TileOp.Sqrt or TileOp.Sigmoid or TileOp.Tanh
        or TileOp.Relu or TileOp.Heaviside or TileOp.Softplus or TileOp.Add or TileOp.Subtract or TileOp.Multiply or TileOp.Divide or TileOp.CausalMask or TileOp.Transpose;

    /// <summary>The terms of a sum, those of sums written within it among them.</summary>
    private IEnumerable<int> Addends(int id) => program[id].Op == TileOp.Add
        ? program[id].Operands.SelectMany(operand => program[operand].Op == TileOp.Add && uses[operand] == 1 && Places.Of(program[operand].Shape) == Place.Tile ? Addends(operand) : [operand])
        : [id];

    /// <summary>The sums of a column up to each token, the last of which is its total.</summary>
    private string SumsOf(int column) =>
        variables[needed.First(id => program[id] is { Op: TileOp.CumulativeSum, Reverse: false, Exclusive: false } sums && sums.Operands[0] == column)];

    private bool IsReady(int id, IReadOnlyCollection<int> soon) => program[id].Operands.All(operand => IsKnown(operand, soon));

    private bool IsKnown(int id, IReadOnlyCollection<int> soon) => program[id].Op == TileOp.Constant || variables.ContainsKey(id) || soon.Contains(id) || Validity(id)
        || IsWithin(id) && IsReady(id, soon);

    private bool Validity(int id) => program.Inputs.Any(input => input.Id == id && input.Kind == InputKind.Validity);

    private void ByFirstWarp(CodeWriter code, IReadOnlyList<int> columns)
    {
        // What other warps wrote or read.
        var inner = code.Inner(1);
        foreach (var id in columns)
        {
            var name = Allocate(Name(id), "Columns.Bytes<TChunk>()");
            Touch(code, name, write: true);
            if (program[id].Op == TileOp.CumulativeSum)
            {
                inner.Line($"Columns.CumulativeSum<TBlock, TChunk>({name}, {Variable(program[id].Operands[0])}, {Flag(program[id].Reverse)}, {Flag(program[id].Exclusive)});");
            }
            else
            {
                var text = Term(null, id, "token", "token", top: true);
                inner.Block("for (var i = 0; i < TChunk.Value / 32; i++)", () => inner.Line("var token = Columns.Token<TChunk>(i);").Line($"Columns.Set({name}, token, {text});"));
            }

            variables.Add(id, name);
        }

        code.Block("if (Columns.IsMine)", () => code.Append(inner));
    }

    private void Scalar(CodeWriter code, int id)
    {
        var tile = program[id];
        if (tile.Op == TileOp.SumRows)
        {
            var sums = SumsOf(tile.Operands[0]);
            Touch(code, sums, write: false);
            variables.Add(id, Name(id));
            code.Line($"var {Variable(id)} = Columns.Get({sums}, TChunk.Value - 1);");
            return;
        }

        var text = Term(code, id, "0", "0", top: true);
        variables.Add(id, Name(id));
        code.Line($"var {Variable(id)} = {text};");
    }

    private void Tile(CodeWriter code, int id)
    {
        var shape = program[id].Shape;
        var addends = Addends(id).ToList();
        var products = addends.Where(addend => program[addend].Op == TileOp.MatMul && !variables.ContainsKey(addend)).ToList();
        var others = addends.Except(products).ToList();
        var name = Name(id);
        var stored = products.Select(product => (product, program[product].Operands.Select(operand => Operand(code, operand)).ToList())).ToList();

        tiles.Add((name, shape));
        if (others.Count == 0)
        {
            code.Line($"Tile.Fill<{Generic(shape)}>({name}, 0f);");
        }
        else
        {
            var text = string.Join(" + ", others.Select(other => Term(code, other, "row", "column", top: products.Count == 0 && other == id)));
            code.Block($"for (var i = 0; i < Layout<{Generic(shape)}>.Count; i++)", () =>
            {
                if (text.Contains("row")) code.Line($"var row = Layout<{Generic(shape)}>.Row(i);");
                if (text.Contains("column")) code.Line($"var column = Layout<{Generic(shape)}>.Column(i);");
                code.Line($"{name}[i] = {text};");
            });
        }

        variables.Add(id, name);
        foreach (var (product, pair) in stored)
        {
            var matmul = program[product];
            foreach (var operand in pair) Touch(code, operand, write: false);
            var left = program[matmul.Operands[0]].Shape;
            var inner = matmul.TransposeLeft ? left.Rows : left.Columns;
            var method = (matmul.TransposeLeft ? "At" : "A") + (matmul.TransposeRight ? "Bt" : "B");
            code.Line($"Products.{method}<{Generic(shape)}, {Size(inner)}, TElement>({name}, {pair[0]}, {pair[1]});");
        }
    }

    /// <summary>A tile in shared memory, for a product.</summary>
    private string Operand(CodeWriter code, int id)
    {
        if (operands.TryGetValue(id, out var known)) return known;
        if (!variables.ContainsKey(id)) Tile(code, id);
        var shape = program[id].Shape;
        var name = Allocate(names.Fresh($"{Variable(id).TrimStart('@')}Shared"), $"Shared<{Dimensions(shape)}, TElement>.Bytes");
        Touch(code, name, write: true);
        code.Line($"Tile.Store<{Generic(shape)}, TElement>({name}, {Variable(id)});");
        operands.Add(id, name);
        return name;
    }

    /// <summary>
    /// An element of a value as C#. Barriers before what it reads of shared memory go to <paramref name="code"/>, which is null within what
    /// the first warp does, as that wrote what it reads.
    /// </summary>
    private string Term(CodeWriter? code, int id, string row, string column, bool top = false)
    {
        var tile = program[id];
        string Of(int operand) => Term(code, tile.Operands[operand], tile.Op == TileOp.Transpose ? column : row, tile.Op == TileOp.Transpose ? row : column);
        if (tile.Op == TileOp.Constant) return Number(tile.Number);
        if (Validity(id)) return $"Columns.IsToken({row}, rows)";
        if (variables.TryGetValue(id, out var variable))
        {
            switch (Places.Of(tile.Shape))
            {
                case Place.Scalar:
                    return variable;
                case Place.Column:
                    if (code is not null && !inputColumns.Contains(id)) Touch(code, variable, write: false);
                    return $"Columns.Get({variable}, {(tile.Shape.Rows == Dim.Time ? row : column)})";
                default:
                    return inputTiles.Contains(id) ? $"TElement.ReadShared({variable} + Shared<{Dimensions(tile.Shape)}, TElement>.At({row}, {column}))" : $"{variable}[i]";
            }
        }

        string Infix(string symbol) => top ? $"{Of(0)} {symbol} {Of(1)}" : $"({Of(0)} {symbol} {Of(1)})";
        return tile.Op switch
        {
            TileOp.Broadcast or TileOp.Transpose => Of(0),
            TileOp.Negate => $"-{Of(0)}",
            TileOp.Add => Infix("+"),
            TileOp.Subtract => Infix("-"),
            TileOp.Multiply => Infix("*"),
            TileOp.Divide => Infix("/"),
            TileOp.CausalMask => $"Numbers.Where({row} {(tile.Point == ReadPoint.AfterWrite ? ">=" : ">")} {column}, {Of(0)})",
            TileOp.Sqrt or TileOp.Relu or TileOp.Heaviside => $"Numbers.{tile.Op}({Of(0)})",
            _ => $"Numbers.{tile.Op}<TBlock>({Of(0)})",
        };
    }

    private void Touch(CodeWriter code, string region, bool write)
    {
        if (written.Contains(region) || write && read.Contains(region))
        {
            code.Line("Group.Barrier();");
            written.Clear();
            read.Clear();
        }

        (write ? written : read).Add(region);
    }

    private string Allocate(string name, string bytes)
    {
        memory.Add((name, bytes));
        return name;
    }

    private string Name(int id) => names.Fresh(program[id].Name.Length > 0 ? program[id].Name : "t");

    private static string Size(string dimension) => dimension == Dim.Time ? "TChunk" : $"T{dimension}";

    private static string Flag(bool value) => value ? "true" : "false";

    private static string Number(double value) => $"{((float)value).ToString("R", CultureInfo.InvariantCulture)}f";
}
