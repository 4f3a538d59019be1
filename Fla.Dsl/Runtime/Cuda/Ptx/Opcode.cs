using System.Collections.Concurrent;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>What instructions do, in one word: <c>root.modifiers.type</c>. For each word there is one object.</summary>
internal sealed class Opcode
{
    private static readonly ConcurrentDictionary<string, Opcode> All = [];

    // What gives nothing but its first operand, from nothing but the others.
    private static readonly HashSet<string> Computing =
    [
        "mov", "cvt", "setp", "selp", "add", "sub", "mul", "mad", "fma", "neg", "abs", "min", "max", "div", "rem",
        "and", "or", "xor", "not", "shl", "shr", "rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh",
    ];

    private static readonly HashSet<string> WithLiterals =
        ["setp", "selp", "add", "sub", "mul", "mad", "min", "max", "div", "rem", "and", "or", "xor", "shl", "shr"];

    private readonly string text;

    private Opcode(string text)
    {
        this.text = text;
        int first = text.IndexOf('.'), last = text.LastIndexOf('.');
        (Root, Modifiers, Type) = first < 0
            ? (text, "", "")
            : (text[..first], first < last ? text[(first + 1)..last] : "", text[(last + 1)..]);
        Computes = Computing.Contains(Root);
        Overwrites = Computes || Root is "ld" or "mma" or "ldmatrix";
        TakesLiterals = Root == "mov" || (WithLiterals.Contains(Root) && IntegerArithmetic.IsInteger(Type));
        Commutes = Root is "add" or "mul" or "and" or "or";
        Kind = RegisterFile.KindOf(Type);
    }

    /// <summary>The first word.</summary>
    public string Root { get; }

    /// <summary>What stands between <see cref="Root"/> and <see cref="Type"/>.</summary>
    public string Modifiers { get; }

    /// <summary>The last word.</summary>
    public string Type { get; }

    /// <summary>Whether it changes nothing but its first operand, of which nothing is left.</summary>
    public bool Overwrites { get; }

    /// <summary>Whether, besides, it gives the same for the same operands, whenever it is carried out.</summary>
    public bool Computes { get; }

    /// <summary>Whether whole numbers may stand where it takes registers.</summary>
    public bool TakesLiterals { get; }

    /// <summary>Whether its two operands may change places.</summary>
    public bool Commutes { get; }

    /// <summary>The kind of registers of its type.</summary>
    public char Kind { get; }

    public static Opcode Of(string text) => All.GetOrAdd(text, static text => new Opcode(text));

    /// <summary>The kind of registers that it takes as one of its operands.</summary>
    public char KindOf(int operand) => (Root, operand) switch
    {
        ("selp", 3) => RegisterFile.Predicate,
        ("shl" or "shr", 2) => RegisterFile.KindOf("b32"),
        ("mad", 3) when Modifiers == "wide" => RegisterFile.KindOf("b64"),
        _ => Kind,
    };

    /// <inheritdoc/>
    public override string ToString() => text;
}
