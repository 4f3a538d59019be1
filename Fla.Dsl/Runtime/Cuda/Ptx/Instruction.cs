using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A predicate on which something is carried out: <c>%p1</c> or <c>!%p1</c>.</summary>
/// <param name="Predicate">The register.</param>
/// <param name="IsNegated">Whether it must be false.</param>
internal sealed record Guard(Register Predicate, bool IsNegated)
{
    /// <summary>Whether it holds where the predicate has a value.</summary>
    public bool Holds(bool predicate) => predicate != IsNegated;

    /// <inheritdoc/>
    public override string ToString() => IsNegated ? $"!{Predicate}" : Predicate.ToString();
}

/// <summary>One instruction: <c>@guard root.modifiers.type operands;</c></summary>
internal sealed class Instruction : Statement
{
    /// <param name="guard">On what it is carried out; null if always.</param>
    /// <param name="opcode">For example <c>mul.wide.u32</c>.</param>
    /// <param name="operands">In the order of the text, the destination first.</param>
    public Instruction(Guard? guard, Opcode opcode, params ImmutableArray<Operand> operands)
    {
        (Guard, Opcode, Operands) = (guard, opcode, operands);

        // An address is read even where it says where the result goes.
        var all = operands.AsSpan();
        bool writes = operands is [{ IsPlace: false }, ..];
        Overwrites = writes && guard is null && opcode.Overwrites;
        Writes = writes ? NamesIn(all[..1]) : [];
        Reads = NamesIn(Overwrites ? all[1..] : all, guard?.Predicate);
        Computes = Overwrites && opcode.Computes && operands is [Register { IsArray: false }, _, ..] and { Length: < 5 }
            && opcode.KindOf(1) != '\0' && AreConstant(all[1..]);
    }

    public Guard? Guard { get; }

    public Opcode Opcode { get; }

    public ImmutableArray<Operand> Operands { get; }

    /// <inheritdoc cref="Opcode.Root"/>
    public string Root => Opcode.Root;

    /// <inheritdoc cref="Opcode.Modifiers"/>
    public string Modifiers => Opcode.Modifiers;

    /// <inheritdoc cref="Opcode.Type"/>
    public string Type => Opcode.Type;

    /// <summary>Whether nothing of the old values of <see cref="Statement.Writes"/> is left after it.</summary>
    public bool Overwrites { get; }

    /// <summary>Whether it does nothing but give a register a value, the same from the same operands wherever it stands.</summary>
    public bool Computes { get; }

    /// <inheritdoc/>
    public override Statement Renamed(Renaming names)
    {
        var guard = Guard is null ? null : Guard with { Predicate = names.Read(Guard.Predicate) };
        var operands = new Operand[Operands.Length];
        for (int i = 0; i < operands.Length; i++)
            operands[i] = Operands[i] is Address { Base: Register start } address && names.Place(start) is { } place
                ? new Address(place.Base, place.Offset + address.Offset)
                : Operands[i].Renamed(i == 0 || !Overwrites ? names.Written : names.Read);
        return new Instruction(guard, Opcode, ImmutableCollectionsMarshal.AsImmutableArray(operands));
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(Guard is null ? "" : $"@{Guard} ")}{Opcode}{(Operands.Length == 0 ? "" : "\t" + string.Join(", ", Operands))};";

    private static bool AreConstant(ReadOnlySpan<Operand> operands)
    {
        foreach (var operand in operands)
            if (operand is not (Register or Literal { IsConstant: true })) return false;
        return true;
    }
}
