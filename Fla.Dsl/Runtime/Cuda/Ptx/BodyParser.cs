using System.Collections.Immutable;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Reads the lines between a function's braces.</summary>
internal sealed class BodyParser
{
    private readonly RegisterFile registers = new();
    private readonly List<Depot> depots = [];
    private readonly List<Block> blocks = [];
    private readonly Dictionary<string, int> labels = [];
    private readonly Dictionary<string, Operand> operands = [];
    private List<Statement> statements = [];
    private int id;
    private int free = 1;
    private bool open = true;

    /// <summary>A function of the given signature and lines; null where jumps go by a table.</summary>
    public static PtxFunction? TryParse(string signature, IReadOnlyList<string> lines)
    {
        if (lines.Any(line => line.Contains("brx.idx", StringComparison.Ordinal))) return null;
        var parser = new BodyParser();
        for (int at = 0; at < lines.Count; at++)
        {
            string line = lines[at];
            if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal)) continue;
            if (line.StartsWith('{')) parser.Opaque(Braced(lines, ref at));
            else if (line.EndsWith(':')) parser.Label(line[..^1]);
            else if (line.StartsWith('.') && parser.blocks.Count == 0 && parser.statements.Count == 0) parser.Declaration(line);
            else if (line.IndexOf(';') != line.Length - 1 || line.StartsWith('.')) parser.Opaque(Whole(lines, ref at));
            else parser.Instruction(line[..^1]);
        }
        // What follows the last jump out is nothing; what runs into the closing brace returns.
        parser.End(null, null);
        return new PtxFunction(signature, parser.registers, parser.depots, new ControlFlow(parser.blocks));
    }

    private static string Braced(IReadOnlyList<string> lines, ref int at)
    {
        int first = at, depth = 0;
        do depth += lines[at].AsSpan().Count('{') - lines[at].AsSpan().Count('}');
        while (depth > 0 && ++at < lines.Count);
        return string.Join('\n', lines.Skip(first).Take(at - first + 1));
    }

    // A statement of several lines, up to its semicolon.
    private static string Whole(IReadOnlyList<string> lines, ref int at)
    {
        int first = at;
        while (!lines[at].EndsWith(';') && at + 1 < lines.Count) at++;
        return string.Join('\n', lines.Skip(first).Take(at - first + 1));
    }

    private void Declaration(string line)
    {
        if (Depot.TryParse(line, registers) is { } depot) depots.Add(depot);
        else registers.Declare(line);
    }

    private void Label(string name)
    {
        int next = BlockOf(name);
        if (open) End(null, next);
        (id, open) = (next, true);
    }

    private void Statement(Statement statement)
    {
        if (!open) (id, open) = (free++, true);
        statements.Add(statement);
    }

    private void Opaque(string text) => Statement(new Opaque(text, registers));

    private void Instruction(string text)
    {
        Guard? guard = null;
        if (text.StartsWith('@'))
        {
            int end = text.AsSpan().IndexOfAny(' ', '\t');
            (guard, text) = (GuardOf(text[1..end]), text[end..].TrimStart());
        }
        int space = text.AsSpan().IndexOfAny(' ', '\t');
        var (opcode, rest) = space < 0 ? (text, "") : (text[..space], text[space..]);
        if (opcode is not ("bra" or "bra.uni"))
        {
            var instruction = new Instruction(guard, Opcode.Of(opcode), OperandsOf(rest));
            Statement(instruction);
            if (instruction is { Guard: null, Root: "ret" or "exit" or "trap" }) End(null, null);
            return;
        }

        if (!open) (id, open) = (free++, true);
        int target = BlockOf(rest.Trim());
        if (guard is null)
        {
            End(null, target);
            return;
        }
        int next = free++;
        End(new Branch(guard, target), next);
        (id, open) = (next, true);
    }

    private void End(Branch? branch, int? next)
    {
        if (open) blocks.Add(new Block(id, statements, branch, next));
        (statements, open) = ([], false);
    }

    private int BlockOf(string label)
    {
        if (!labels.TryGetValue(label, out int block)) labels[label] = block = free++;
        return block;
    }

    private Guard GuardOf(string text)
    {
        bool negated = text.StartsWith('!');
        string name = negated ? text[1..] : text;
        return new Guard(registers.Find(name) ?? registers.Declare(name, RegisterFile.Predicate), negated);
    }

    private ImmutableArray<Operand> OperandsOf(string text)
    {
        var operands = ImmutableArray.CreateBuilder<Operand>(4);
        int depth = 0, from = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : ',';
            if (c is '{' or '[' or '(') depth++;
            else if (c is '}' or ']' or ')') depth--;
            else if (c == ',' && depth == 0)
            {
                var operand = text.AsSpan(from, i - from).Trim();
                if (operand.Length > 0) operands.Add(OperandOf(operand.ToString()));
                from = i + 1;
            }
        }
        return operands.DrainToImmutable();
    }

    // The same few hundred stand in thousands of places.
    private Operand OperandOf(string text)
    {
        if (operands.TryGetValue(text, out var operand)) return operand;
        return operands[text] = Operand.Parse(text, registers);
    }
}
