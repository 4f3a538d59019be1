using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>What of a program is computed on its own and what is written within what uses it.</summary>
internal sealed class GpuPlan
{
    private readonly Dictionary<int, List<int>> users = [];
    private readonly HashSet<int> results;

    public GpuPlan(TileProgram program)
    {
        Program = program;
        results = new HashSet<int>(program.Outputs.Concat(program.Next).Select(result => result.Id));
        Needed = program.Ancestors(results).OrderBy(id => id).ToList();
        foreach (var (operand, user) in Needed.SelectMany(id => program[id].Operands.Select(operand => (operand, id))))
        {
            if (!users.TryGetValue(operand, out var all)) users.Add(operand, all = []);
            all.Add(user);
        }

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
    public int StoredUses(int id) => users.TryGetValue(id, out var all) ? all.Count(user => Places.IsProduct(Program[user].Op) || Program[user].Op == TileOp.DecayedDot) : 0;

    /// <summary>Whether anything takes a value element by element.</summary>
    public bool IsReadByElement(int id) => results.Contains(id) || users.TryGetValue(id, out var all) && all.Any(user => !Places.IsProduct(Program[user].Op));

    /// <summary>Whether all that a value is used for takes it from shared memory in the type of elements.</summary>
    public bool IsOnlyStored(int id) => !results.Contains(id) && users.TryGetValue(id, out var all) && all.All(user => Places.IsProduct(Program[user].Op));

    /// <summary>Whether a value is written where it is used.</summary>
    public bool IsWithin(int id)
    {
        if (results.Contains(id) || !users.TryGetValue(id, out var all) || all.Count != 1) return false;
        var (tile, user, place) = (Program[id], Program[all[0]], PlaceOf(id));
        if (!Places.IsElementwise(user.Op) || PlaceOf(user.Id) != place || !IsSameLine(tile, user)) return false;
        if (tile.Op == TileOp.DecayedDot) return false;
        if (Places.IsProduct(tile.Op)) return user.Op == TileOp.Add;
        return Places.IsElementwise(tile.Op) && (user.Op == TileOp.Add || !Addends(id).Any(addend => Places.IsProduct(Program[addend].Op)));
    }

    /// <summary>The terms of a sum, those of sums written within it among them.</summary>
    public IEnumerable<int> Addends(int id) => Program[id].Op == TileOp.Add
        ? Program[id].Operands.SelectMany(operand => Program[operand].Op == TileOp.Add && Program[operand].Shape == Program[id].Shape && IsWithin(operand) ? Addends(operand) : [operand])
        : [id];

    private static bool IsSameLine(Instruction tile, Instruction user) =>
        Places.Of(tile.Shape) != Place.Line || Places.Along(tile.Shape) == Places.Along(user.Shape);
}
