using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Puts local arrays into registers: those that are only ever loaded from and stored to at known places, and whose address goes nowhere
/// else. All others stay in memory.
/// </summary>
internal sealed class Promotion
{
    private readonly Dictionary<string, Depot> depots;
    private readonly Dictionary<(int Block, int Place), Access> accesses = [];
    private readonly Dictionary<(int Block, int Place), string> addresses = [];
    private readonly HashSet<string> escaped = [];
    private readonly Dictionary<string, Slots> slots = [];
    private readonly List<string> read = [];

    // Written-out loops access the same elements again and again.
    private readonly Dictionary<(string Depot, long Offset), string> registers = [];
    private readonly Dictionary<(string? Guard, int Size, string To, string From), Instruction> moves = [];

    /// <summary>A load or store of one or more elements, one after another.</summary>
    private sealed record Access(string Depot, long Offset, int Size, IReadOnlyList<string> Elements);

    /// <summary>The size of what lies at each offset of an array.</summary>
    private sealed class Slots : SortedDictionary<long, int>;

    private Promotion(IEnumerable<Depot> depots) => this.depots = depots.ToDictionary(depot => depot.Name);

    public static PtxFunction Run(PtxFunction function)
    {
        if (function.Depots.Count == 0) return function;
        var promotion = new Promotion(function.Depots);
        var reached = new Propagation(function.Flow, Loop.Of(function.Flow))
        {
            Passing = promotion.Pass,
            Losing = depot => promotion.escaped.Add(depot),
        }.Run();
        promotion.Check();
        return new PtxFunction(
            function.Signature,
            [.. function.Declarations, .. promotion.Registers()],
            [.. function.Depots.Where(depot => promotion.escaped.Contains(depot.Name))],
            new ControlFlow([.. reached.Blocks.Select(promotion.Rewrite)]));
    }

    private void Pass(Block block, int place, Facts facts)
    {
        var statement = block.Statements[place];
        if (TryAccess(statement, facts) is { } access)
        {
            accesses[(block.Id, place)] = access;
            // What is stored may itself be an address.
            foreach (string name in access.Elements)
                if (facts.Of(name) is { Depot: { } stored }) escaped.Add(stored);
            facts.Pass(statement);
            return;
        }

        read.Clear();
        foreach (string name in statement.Reads)
            if (facts.Of(name) is { Depot: { } depot }) read.Add(depot);
        if (facts.Pass(statement) is { Depot: { } address }) addresses[(block.Id, place)] = address;
        else escaped.UnionWith(read);
    }

    /// <summary>What a statement loads or stores of a local array at a known place; null if it does anything else.</summary>
    private static Access? TryAccess(Statement statement, Facts facts)
    {
        if (statement is not Instruction { Modifiers: "local" or "local.v2" or "local.v4", Operands.Count: 2 } instruction) return null;
        if (instruction.Root is not ("ld" or "st")) return null;
        bool loads = instruction.Root == "ld";
        string elements = instruction.Operands[loads ? 0 : 1];
        if (instruction.Place(loads ? 1 : 0) is not { } place || facts.Of(place.Base) is not { Depot: { } depot } address) return null;
        return new Access(
            depot, address.Number + place.Offset, SizeOf(instruction.Type),
            elements.StartsWith('{') ? elements.Trim('{', '}').Split(',', StringSplitOptions.TrimEntries) : [elements]);
    }

    // Of one byte there are no registers; a load of fewer bits than its register has would have to widen them.
    private static int SizeOf(string type) => type switch
    {
        "b16" or "f16" => 2,
        "b32" or "s32" or "u32" or "f32" => 4,
        "b64" or "s64" or "u64" or "f64" => 8,
        _ => 0,
    };

    /// <summary>An array whose accesses overlap, run past its end or have a size that no register has is left in memory.</summary>
    private void Check()
    {
        foreach (var access in accesses.Values)
            for (int i = 0; i < access.Elements.Count; i++)
            {
                if (!slots.TryGetValue(access.Depot, out var known)) slots[access.Depot] = known = [];
                long offset = access.Offset + i * access.Size;
                if (access.Size == 0 || known.TryGetValue(offset, out int size) && size != access.Size) escaped.Add(access.Depot);
                known[offset] = access.Size;
            }
        foreach (var (depot, known) in slots)
        {
            long end = long.MinValue;
            foreach (var (offset, size) in known)
            {
                if (offset < end) escaped.Add(depot);
                end = offset + size;
            }
            bool inside = depots.TryGetValue(depot, out var declared) && known.First().Key >= 0 && end <= declared.Bytes;
            if (!inside) escaped.Add(depot);
        }
    }

    private Block Rewrite(Block block)
    {
        List<Statement> statements = [];
        for (int i = 0; i < block.Statements.Count; i++)
        {
            var statement = block.Statements[i];
            if (accesses.TryGetValue((block.Id, i), out var access) && !escaped.Contains(access.Depot))
                statements.AddRange(Moves((Instruction)statement, access));
            else if (!addresses.TryGetValue((block.Id, i), out var depot) || escaped.Contains(depot))
                statements.Add(statement);
        }
        return block with { Statements = statements };
    }

    private IEnumerable<Statement> Moves(Instruction instruction, Access access)
    {
        for (int i = 0; i < access.Elements.Count; i++)
        {
            string register = Register(access.Depot, access.Offset + i * access.Size), element = access.Elements[i];
            var (to, from) = instruction.Root == "ld" ? (element, register) : (register, element);
            var key = (instruction.Guard, access.Size, to, from);
            if (!moves.TryGetValue(key, out var move))
                moves[key] = move = new Instruction(instruction.Guard, $"mov.b{8 * access.Size}", [to, from]);
            yield return move;
        }
    }

    private IEnumerable<string> Registers() =>
        from pair in slots
        where !escaped.Contains(pair.Key)
        from slot in pair.Value
        select $".reg .b{8 * slot.Value}\t{Register(pair.Key, slot.Key)};";

    private string Register(string depot, long offset)
    {
        if (!registers.TryGetValue((depot, offset), out string? name))
            registers[(depot, offset)] = name = string.Create(CultureInfo.InvariantCulture, $"%{depot.TrimStart('_')}_{offset}");
        return name;
    }
}
