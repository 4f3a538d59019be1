using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>What of a program is computed on its own and what is written within what uses it.</summary>
internal sealed class GpuPlan
{
    private readonly Dictionary<int, List<int>> users = [];
    private readonly HashSet<int> results;
    private readonly HashSet<int> gates;
    private readonly bool isDifferentiated;
    private readonly Dictionary<int, int> levels = [];

    /// <param name="program">What is to be computed.</param>
    /// <param name="gates">The tiles that come in a type of their own.</param>
    public GpuPlan(TileProgram program, IEnumerable<int> gates)
    {
        this.gates = new HashSet<int>(gates);
        Program = program;
        results = new HashSet<int>(program.Outputs.Concat(program.Next).Select(result => result.Id));
        Needed = program.Ancestors(results).OrderBy(id => id).ToList();
        foreach (var (operand, user) in Needed.SelectMany(id => program[id].Operands.Select(operand => (operand, id))))
        {
            if (!users.TryGetValue(operand, out var all)) users.Add(operand, all = []);
            all.Add(user);
        }

        isDifferentiated = Needed.Any(id => IsSolution(id) && Program[id].TransposeLeft);
        Dimensions = Needed.Select(id => program[id].Shape).SelectMany(shape => new[] { shape.Rows, shape.Columns })
            .Where(dimension => dimension is not (Dim.One or Dim.Time)).Distinct().OrderBy(name => name, StringComparer.Ordinal).ToList();
    }

    public TileProgram Program { get; }

    /// <summary>What the results follow from, in order.</summary>
    public IReadOnlyList<int> Needed { get; }

    /// <summary>The dimensions of its tiles besides the tokens.</summary>
    public IReadOnlyList<string> Dimensions { get; }

    public Place PlaceOf(int id) => Places.Of(Program[id].Shape)!.Value;

    /// <summary>Uses of a value as an operand of operations that take it from shared memory.</summary>
    public int StoredUses(int id) => users.TryGetValue(id, out var all)
        ? all.Count(user => Places.IsProduct(Program[user].Op) || Program[user].Op == TileOp.DecayedDot || IsScaledOperand(user))
        : 0;

    /// <summary>
    /// What is computed on its own, all that is of one level together: between two levels there is a barrier. Registers are scarce where
    /// gradients are computed; elsewhere the program's own order is the faster one.
    /// </summary>
    public IEnumerable<int> Order
    {
        get
        {
            var turns = Needed.Where(id => !IsWithin(id) && !IsAtHand(id)).GroupBy(TurnOf).OrderBy(turn => turn.Key);
            return IsOfGradients ? new RegisterOrder(this).Of(turns) : turns.SelectMany(turn => turn);
        }
    }

    /// <summary>What a value is computed from that is computed on its own or at hand.</summary>
    public IEnumerable<int> Sources(int id) =>
        Program[id].Operands.SelectMany(operand => IsWithin(operand) ? Sources(operand) : [operand]).Distinct();

    /// <summary>What reads a tile where it is in registers.</summary>
    public IEnumerable<int> RegisterReaders(int id) => users.TryGetValue(id, out var all)
        ? all.Where(user => IsSum(user) || Places.IsElementwise(Program[user].Op) && !IsScaledOperand(user))
            .SelectMany(user => IsWithin(user) ? Readers(user) : [user])
        : [];

    /// <summary>What of that reads a value.</summary>
    public IEnumerable<int> Readers(int id) => users.TryGetValue(id, out var all) ? all.SelectMany(user => IsWithin(user) ? Readers(user) : [user]) : [];

    /// <summary>Whether a value is a line of tokens that follows from such lines and numbers alone, so that it can be there before the chunk begins.</summary>
    public bool IsEarlyLine(int id) => PlaceOf(id) == Place.Line && Places.Along(Program[id].Shape) == Dim.Time && IsEarly(id);

    /// <summary>
    /// Whether a value is a tile at hand times a line along what all its products sum over, which they take as two operands.
    /// </summary>
    public bool IsScaledOperand(int id) => Program[id].Op == TileOp.Multiply && PlaceOf(id) == Place.Tile && !results.Contains(id)
        && Program[id].Operands is var factors && Program.IsInput(factors[0]) && PlaceOf(factors[0]) == Place.Tile && !IsGateTile(factors[0]) && PlaceOf(factors[1]) == Place.Line
        && users.TryGetValue(id, out var all) && all.All(user => Program[user] is { Op: TileOp.MatMul } product && !(product.TransposeLeft && product.TransposeRight)
            && product.Operands[1] == id && product.Operands[0] != id && Program[factors[1]].Shape.Columns == Dim.One != product.TransposeRight);

    /// <summary>
    /// Whether products take what rounding leaves of a value, too: of right-hand sides and solutions of triangular systems where the systems
    /// are differentiated, and of gradients of weights that are divided by their sum. There one's rounding goes through the transposed system
    /// and comes back in each gradient; here rows add up to little, of which it would be much.
    /// </summary>
    public bool HasRest(int id) => IsDifference(Program[id])
        || isDifferentiated && (IsSolution(id) || users.TryGetValue(id, out var all) && all.Any(user => IsSolution(user) && Program[user].Operands[1] == id));

    /// <summary>Whether a value is a sum over rows or columns.</summary>
    public bool IsSum(int id) => Program[id].Op is TileOp.SumRows or TileOp.SumColumns;

    /// <summary>Whether a number is the sum of all of a tile.</summary>
    public bool IsTotal(int id) =>
        PlaceOf(id) == Place.Scalar && !results.Contains(id) && IsSum(id) && IsSumOfTile(Program[id].Operands[0]);

    /// <summary>Whether all that a value is used for takes it from shared memory in the type of elements.</summary>
    public bool IsOnlyStored(int id) => !results.Contains(id) && users.TryGetValue(id, out var all) && all.All(user => Places.IsProduct(Program[user].Op));

    /// <summary>Whether the rows of a tile are summed, as are weights that a normaliser divides by.</summary>
    public bool IsSummed(int id) => users.TryGetValue(id, out var all) && all.Any(user => Program[user].Op == TileOp.SumColumns
        || Program[user].Op == TileOp.Multiply && Program[user].Operands.Any(factor => PlaceOf(factor) != Place.Tile) && IsSummed(user));

    /// <summary>Whether a value is written where it is used.</summary>
    public bool IsWithin(int id)
    {
        if (IsScaledOperand(id)) return true;
        if (results.Contains(id) || !users.TryGetValue(id, out var all) || all.Count != 1) return false;
        if (IsTotal(all[0])) return true;
        var (tile, user, place) = (Program[id], Program[all[0]], PlaceOf(id));
        if (!Places.IsElementwise(user.Op) || PlaceOf(user.Id) != place || !IsSameLine(tile, user)) return false;
        if (Places.IsProduct(tile.Op)) return user.Op == TileOp.Add;
        return Places.IsElementwise(tile.Op) && (user.Op == TileOp.Add || !Addends(id).Any(addend => Places.IsProduct(Program[addend].Op)));
    }

    /// <summary>The terms of a sum, those of sums written within it among them.</summary>
    public IEnumerable<int> Addends(int id) => Program[id].Op == TileOp.Add
        ? Program[id].Operands.SelectMany(operand => Program[operand].Op == TileOp.Add && Program[operand].Shape == Program[id].Shape && IsWithin(operand) ? Addends(operand) : [operand])
        : [id];

    /// <summary>
    /// The level at which a value is computed. Sums of a tile are begun with it, and what is stored for products alone, from what is there in
    /// any case, takes memory as late as can be.
    /// </summary>
    private int TurnOf(int id) => IsSumOfTile(id) || IsTotal(id) ? LevelOf(id) - 1
        : IsOnlyStored(id) && Places.IsElementwise(Program[id].Op) && !Program.Ancestors([id]).Any(ancestor => Places.IsProduct(Program[ancestor].Op)) ? Readers(id).Min(LevelOf) - 1
        : LevelOf(id);

    /// <summary>Whether a value is what solves a triangular system, by its inverse.</summary>
    private bool IsSolution(int id) => Program[id] is { Op: TileOp.MatMul } product && Program[product.Operands[0]].Op == TileOp.InverseUnitLower;

    /// <summary>Whether a tile of pairs of tokens follows from another and a line, as the gradient of weights that are divided by their sum.</summary>
    private bool IsDifference(Instruction tile) => tile.Shape is { Rows: Dim.Time, Columns: Dim.Time } && Places.IsElementwise(tile.Op)
        && (tile.Op is TileOp.Add or TileOp.Subtract && tile.Operands.Select(PlaceOf).OrderBy(place => place).SequenceEqual([Place.Line, Place.Tile])
            || tile.Operands.Any(operand => IsDifference(Program[operand])));

    private bool IsOfGradients => Program.Inputs.Any(input => input.Kind == InputKind.OutputGradient);

    private bool IsAtHand(int id) => Program[id].Op is TileOp.Input or TileOp.Constant;

    private bool IsGateTile(int id) => gates.Contains(id);

    private bool IsSumOfTile(int id) => IsSum(id) && PlaceOf(Program[id].Operands[0]) == Place.Tile;

    private bool IsEarly(int id) => PlaceOf(id) != Place.Tile && (Program[id].Op != TileOp.Input || Program.Inputs.First(input => input.Id == id).Kind is InputKind.Argument or InputKind.Validity && Along(id) is null or Dim.Time)
        && Program[id].Operands.All(IsEarly);

    private string? Along(int id) => PlaceOf(id) == Place.Line ? Places.Along(Program[id].Shape) : null;

    /// <summary>How many barriers there are before a value is there for a thread that has not computed it.</summary>
    private int LevelOf(int id)
    {
        if (levels.TryGetValue(id, out var known)) return known;
        var tile = Program[id];
        var level = IsAtHand(id) || IsEarlyLine(id) ? 0 : tile.Operands.Select(operand => LevelFor(tile, operand)).DefaultIfEmpty(0).Max();
        levels.Add(id, level);
        return level;
    }

    private int LevelFor(Instruction user, int operand)
    {
        if (IsAtHand(operand) || IsEarlyLine(operand)) return 0;
        var level = LevelOf(operand);
        if (IsScaledOperand(operand) || IsTotal(user.Id)) return level;
        if (Places.IsProduct(user.Op) || Places.IsShared(user.Op) || IsSumOfTile(user.Id) || user.Op == TileOp.Softmax || Places.IsShared(Program[operand].Op)) return level + 1;
        return PlaceOf(operand) == Place.Line && PlaceOf(user.Id) != Place.Line ? level + 1 : level;
    }

    private static bool IsSameLine(Instruction tile, Instruction user) =>
        Places.Of(tile.Shape) != Place.Line || Places.Along(tile.Shape) == Places.Along(user.Shape);
}
