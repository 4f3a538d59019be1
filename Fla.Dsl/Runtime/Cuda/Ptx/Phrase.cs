using System.Buffers;
using System.Collections.Immutable;
using System.Text;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A piece of text that is not looked into but for the names in it.</summary>
internal sealed class Phrase : Operand
{
    private static readonly SearchValues<char> WordCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$");

    // A name, and what follows it; before the first there may be text alone.
    private readonly ImmutableArray<(Register? Name, string Text)> pieces;

    public Phrase(string text, RegisterFile registers)
    {
        List<(Register?, string)> found = [];
        Register? name = null;
        int from = 0;
        for (int at = 0; at < text.Length;)
        {
            int start = at++;
            if (text[start] != '%' && !IsWord(text[start])) continue;
            while (at < text.Length && IsWord(text[at])) at++;
            bool named = text[start] == '%' || text.AsSpan(start).StartsWith(Depot.Prefix);
            if (!named || registers.Find(text[start..at]) is not { } register) continue;
            found.Add((name, text[from..start]));
            (name, from) = (register, at);
        }
        pieces = [.. found, (name, text[from..])];
    }

    private Phrase(ImmutableArray<(Register? Name, string Text)> pieces) => this.pieces = pieces;

    public bool HasNames => pieces.Length > 1;

    /// <inheritdoc/>
    public override bool IsPlace => pieces[0].Text.StartsWith('[');

    /// <inheritdoc/>
    public override void AddNames(List<Register> names)
    {
        foreach (var (name, _) in pieces) name?.AddNames(names);
    }

    /// <inheritdoc/>
    public override Phrase Renamed(Func<Register, Register> name) =>
        new([.. pieces.Select(piece => (piece.Name is { } register ? name(register) : null, piece.Text))]);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (name, rest) in pieces) text.Append(name).Append(rest);
        return text.ToString();
    }

    private static bool IsWord(char c) => WordCharacters.Contains(c);
}
