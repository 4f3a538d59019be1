namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>What is known of a register: a number, or an address in a local array.</summary>
/// <param name="Array">The array; null for a number.</param>
/// <param name="Number">The number, 32-bit ones as <c>int</c>, predicates as 0 or 1; or the bytes from the start of the array.</param>
internal sealed record Value(Register? Array, long Number);

/// <summary>What is known of the registers at some place in a function.</summary>
internal sealed class Facts : Dictionary<Register, Value>
{
    // What is not copied from place to place: the addresses of hundreds of arrays are known from the first block on.
    private Facts? under;

    public Facts()
    {
    }

    public Facts(Facts other)
        : base(other) => under = other.under;

    /// <summary>Nothing yet, over what holds throughout.</summary>
    public static Facts Over(Facts throughout) => new() { under = throughout };

    /// <summary>Takes what is known here for known in all that is made from it, but of <paramref name="changed"/> registers.</summary>
    public void KeepThroughout(RegisterSet changed)
    {
        var kept = new Facts { under = under };
        foreach (var (register, value) in this)
            if (!changed.Contains(register) && Remove(register)) kept[register] = value;
        under = kept;
    }

    /// <summary>What an operand is: a local array, a literal, or a register of which something is known.</summary>
    public Value? Of(Operand operand) => operand switch
    {
        Register { IsArray: true } array => new Value(array, 0),
        Register register => Find(register),
        Literal literal => literal.Value,
        _ => null,
    };

    /// <summary>Takes over what a statement changes, and returns the value that it gives its only destination, if that is known.</summary>
    public Value? Pass(Statement statement)
    {
        var value = statement is Instruction { Overwrites: true, Operands: [Register, ..] } instruction
            ? IntegerArithmetic.Evaluate(instruction, this)
            : null;
        foreach (var register in statement.Writes)
        {
            if (value is not null) this[register] = value;
            else Remove(register);
        }
        return value;
    }

    private Value? Find(Register register)
    {
        for (var facts = this; facts is not null; facts = facts.under)
            if (facts.TryGetValue(register, out var known)) return known;
        return null;
    }
}
