using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Writes the statements of one turn of a loop, of which the counter is known: without those that only work out a number from it, which
/// stands where it is needed. Of a loop over fragments that is most, and the sooner it is gone, the less there is to go through.
/// </summary>
internal sealed class Specialization
{
    // What lives within a block: nobody misses it behind.
    private readonly HashSet<string> passing;
    private readonly Dictionary<string, Known> waiting = [];
    private readonly List<Statement> written = [];

    /// <summary>A known value that no instruction has put into its register.</summary>
    private sealed record Known(Value Value, string Type);

    /// <summary>For the blocks of a function, and for copies of them.</summary>
    public Specialization(ControlFlow flow) => passing = PassingIn(flow);

    /// <summary>The statements of a block, given what is known before it; that is brought up to date.</summary>
    public IReadOnlyList<Statement> Run(Block block, Facts facts)
    {
        waiting.Clear();
        written.Clear();
        foreach (var statement in block.Statements)
        {
            var value = facts.Pass(statement);
            if (value is { } known && passing.Contains(statement.Writes[0]))
            {
                waiting[statement.Writes[0]] = new(known, ResultOf((Instruction)statement));
                continue;
            }
            Keep(statement);
            foreach (string register in statement.Writes) waiting.Remove(register);
        }
        if (block.Branch is { } branch) Put(branch.Predicate);
        return [.. written];
    }

    private void Keep(Statement statement)
    {
        var kept = statement is Instruction instruction ? WithNumbers(instruction) : statement;
        foreach (string register in kept.Reads) Put(register);
        written.Add(kept);
    }

    private Instruction WithNumbers(Instruction instruction)
    {
        string[]? operands = null;
        bool takesLiterals = Numbering.TakesLiterals(instruction);
        for (int i = 0; i < instruction.Operands.Count; i++)
        {
            string? known = null;
            if (instruction.Place(i) is { } place)
            {
                if (waiting.TryGetValue(place.Base, out var address) && address.Value.Depot is { } depot)
                    known = string.Create(CultureInfo.InvariantCulture, $"[{depot}+{address.Value.Number + place.Offset}]");
            }
            else if (i > 0 && takesLiterals && waiting.TryGetValue(instruction.Operands[i], out var number)
                && number is { Value.Depot: null, Type: not "pred" })
            {
                known = number.Value.Number.ToString(CultureInfo.InvariantCulture);
            }
            if (known is not null) (operands ??= [.. instruction.Operands])[i] = known;
        }
        return operands is null ? instruction : instruction.With(instruction.Guard, operands);
    }

    /// <summary>Puts a value that is waiting into its register.</summary>
    private void Put(string register)
    {
        if (!waiting.Remove(register, out var known)) return;
        var (depot, number) = known.Value;
        string literal = number.ToString(CultureInfo.InvariantCulture);
        if (known.Type == "pred") written.Add(new Instruction(null, "setp.ne.s32", [register, literal, "0"]));
        else written.Add(new Instruction(null, $"mov.{known.Type}", [register, depot ?? literal]));
        if (depot is not null && number != 0) written.Add(new Instruction(null, "add.s64", [register, register, literal]));
    }

    /// <summary>The type of what an instruction gives.</summary>
    private static string ResultOf(Instruction instruction) => instruction switch
    {
        { Root: "setp" } or { Type: "pred" } => "pred",
        { Modifiers: "wide" } => "b64",
        { Root: "cvt" } => Bits(instruction.Modifiers),
        _ => Bits(instruction.Type),
    };

    private static string Bits(string type) => type.EndsWith("64", StringComparison.Ordinal) ? "b64" : "b32";

    /// <summary>The registers that no block reads before it has written them.</summary>
    private static HashSet<string> PassingIn(ControlFlow flow)
    {
        HashSet<string> all = [], lasting = [], own = [];
        foreach (var block in flow.Blocks)
        {
            own.Clear();
            foreach (var statement in block.Statements)
            {
                foreach (string register in statement.Reads)
                    if (!own.Contains(register)) lasting.Add(register);
                if (statement is Instruction { Overwrites: true }) own.UnionWith(statement.Writes);
            }
            if (block.Branch is { } branch && !own.Contains(branch.Predicate)) lasting.Add(branch.Predicate);
            all.UnionWith(own);
        }
        all.ExceptWith(lasting);
        return all;
    }
}
