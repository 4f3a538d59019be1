using System.Collections.Immutable;
using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Puts local arrays into registers: those that are only ever loaded from and stored to at known places, and whose address goes nowhere
/// else. All others stay in memory.
/// </summary>
internal sealed class Promotion
{
    private readonly RegisterFile names;
    private readonly Dictionary<Register, Depot> depots;
    private readonly Dictionary<int, Found?[]> found = [];
    private readonly HashSet<Register> escaped = [];
    private readonly Dictionary<Register, Slots> slots = [];
    private readonly List<Register> read = [];

    // Written-out loops access the same elements again and again.
    private readonly Dictionary<(Register Array, long Offset), Register> registers = [];
    private readonly Dictionary<(Guard? Guard, int Size, Operand To, Operand From), Instruction> moves = [];

    /// <summary>A statement that goes with an array: it gives an address in it.</summary>
    private record Found(Register Array);

    /// <summary>A load or store of one or more elements, one after another.</summary>
    private sealed record Access(Register Array, long Offset, int Size, ImmutableArray<Operand> Elements) : Found(Array);

    /// <summary>The size of what lies at each offset of an array.</summary>
    private sealed class Slots : SortedDictionary<long, int>;

    private Promotion(PtxFunction function) =>
        (names, depots) = (function.Registers, function.Depots.ToDictionary(depot => depot.Name));

    public static PtxFunction Run(PtxFunction function)
    {
        if (function.Depots.Count == 0) return function;
        var promotion = new Promotion(function);
        var reached = new Propagation(function.Flow, Loop.Of(function.Flow))
        {
            Passing = promotion.Pass,
            Losing = array => promotion.escaped.Add(array),
        }.Run();
        promotion.Check();
        promotion.Declare();
        return function with
        {
            Depots = [.. function.Depots.Where(depot => promotion.escaped.Contains(depot.Name))],
            Flow = new ControlFlow([.. reached.Blocks.Select(promotion.Rewrite)]),
        };
    }

    private void Pass(Block block, int place, Facts facts)
    {
        var statement = block.Statements[place];
        if (!found.TryGetValue(block.Id, out var here)) found[block.Id] = here = new Found?[block.Statements.Count];
        if (TryAccess(statement, facts) is { } access)
        {
            here[place] = access;
            // What is stored may itself be an address.
            foreach (var element in access.Elements)
                if (facts.Of(element) is { Array: { } stored }) escaped.Add(stored);
            facts.Pass(statement);
            return;
        }

        read.Clear();
        foreach (var name in statement.Reads)
            if (facts.Of(name) is { Array: { } array }) read.Add(array);
        if (facts.Pass(statement) is { Array: { } address }) here[place] = new Found(address);
        else escaped.UnionWith(read);
    }

    /// <summary>What a statement loads or stores of a local array at a known place; null if it does anything else.</summary>
    private static Access? TryAccess(Statement statement, Facts facts)
    {
        if (statement is not Instruction { Modifiers: "local" or "local.v2" or "local.v4", Operands.Length: 2 } instruction) return null;
        if (instruction.Root is not ("ld" or "st")) return null;
        bool loads = instruction.Root == "ld";
        var (elements, at) = loads
            ? (instruction.Operands[0], instruction.Operands[1])
            : (instruction.Operands[1], instruction.Operands[0]);
        if (elements is Phrase || at is not Address place || facts.Of(place.Base) is not { Array: { } array } start) return null;
        return new Access(
            array, start.Number + place.Offset, SizeOf(instruction.Type), elements is Vector several ? several.Elements : [elements]);
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
        foreach (var access in found.Values.SelectMany(here => here.OfType<Access>()))
            for (int i = 0; i < access.Elements.Length; i++)
            {
                if (!slots.TryGetValue(access.Array, out var known)) slots[access.Array] = known = [];
                long offset = access.Offset + i * access.Size;
                if (access.Size == 0 || known.TryGetValue(offset, out int size) && size != access.Size) escaped.Add(access.Array);
                known[offset] = access.Size;
            }
        foreach (var (array, known) in slots)
        {
            long end = long.MinValue;
            foreach (var (offset, size) in known)
            {
                if (offset < end) escaped.Add(array);
                end = offset + size;
            }
            bool inside = depots.TryGetValue(array, out var declared) && known.First().Key >= 0 && end <= declared.Bytes;
            if (!inside) escaped.Add(array);
        }
    }

    private Block Rewrite(Block block)
    {
        List<Statement> statements = [];
        for (int i = 0; i < block.Statements.Count; i++)
        {
            var with = found[block.Id][i] is { } one && !escaped.Contains(one.Array) ? one : null;
            if (with is Access access) statements.AddRange(Moves((Instruction)block.Statements[i], access));
            else if (with is null) statements.Add(block.Statements[i]);
        }
        return block with { Statements = statements };
    }

    private IEnumerable<Statement> Moves(Instruction instruction, Access access)
    {
        for (int i = 0; i < access.Elements.Length; i++)
        {
            Operand register = registers[(access.Array, access.Offset + i * access.Size)], element = access.Elements[i];
            var (to, from) = instruction.Root == "ld" ? (element, register) : (register, element);
            var key = (instruction.Guard, access.Size, to, from);
            if (!moves.TryGetValue(key, out var move))
                moves[key] = move = new Instruction(instruction.Guard, RegisterFile.MoveOf(KindOf(access.Size)), to, from);
            yield return move;
        }
    }

    /// <summary>A register for each element of the arrays that are left.</summary>
    private void Declare()
    {
        foreach (var (array, elements) in slots)
            if (!escaped.Contains(array))
                foreach (var (offset, size) in elements)
                {
                    string name = string.Create(CultureInfo.InvariantCulture, $"%{array.ToString().TrimStart('_')}_{offset}");
                    registers[(array, offset)] = names.Declare(name, KindOf(size));
                }
    }

    private static char KindOf(int size) => RegisterFile.KindOf(string.Create(CultureInfo.InvariantCulture, $"b{8 * size}"));
}
