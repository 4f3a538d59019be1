using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>What is known of a register: a number, or an address in a local array.</summary>
/// <param name="Depot">The array's name; null for a number.</param>
/// <param name="Number">The number, 32-bit ones as <c>int</c>, predicates as 0 or 1; or the bytes from the start of the array.</param>
internal sealed record Value(string? Depot, long Number);

/// <summary>What is known of the registers at some place in a function.</summary>
internal sealed class Facts : Dictionary<string, Value>
{
    // The addresses of hundreds of arrays are known from the first block on: they are not copied from block to block.
    private readonly Dictionary<string, Value> throughout;

    public Facts() => throughout = [];

    public Facts(Facts other)
        : base(other) => throughout = other.throughout;

    /// <summary>Takes what is known here for known in all that is made from it, but of <paramref name="changed"/> registers.</summary>
    public void KeepThroughout(HashSet<string> changed)
    {
        foreach (var (register, value) in this)
            if (!changed.Contains(register) && Remove(register)) throughout[register] = value;
    }

    /// <summary>What an operand is: a local array, a literal, or a register of which something is known.</summary>
    public Value? Of(string operand)
    {
        if (TryGetValue(operand, out var known) || throughout.TryGetValue(operand, out known)) return known;
        if (operand.StartsWith('%')) return null;
        if (operand.StartsWith(Depot.Prefix, StringComparison.Ordinal)) return new Value(operand, 0);
        return long.TryParse(operand, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? new Value(null, number)
            : null;
    }

    /// <summary>Takes over what a statement changes, and returns the value that it gives its only destination, if that is known.</summary>
    public Value? Pass(Statement statement)
    {
        var value = statement is Instruction { Overwrites: true } instruction && instruction.Operands[0] == instruction.Writes[0]
            ? IntegerArithmetic.Evaluate(instruction, this)
            : null;
        foreach (string register in statement.Writes)
        {
            if (value is { } known) this[register] = known;
            else Remove(register);
        }
        return value;
    }
}
