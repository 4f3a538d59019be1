using Microsoft.CodeAnalysis.CSharp;

namespace Fla.Dsl.Generator.Emit;

/// <summary>Gives out C# names that no other value of the same scope has.</summary>
internal sealed class Names
{
    private readonly HashSet<string> taken;

    public Names(params string[] reserved) => taken = new HashSet<string>(reserved);

    public string Fresh(string wish)
    {
        var name = wish;
        for (var i = 2; !taken.Add(name); i++) name = $"{wish}{i}";
        return Escaped(name);
    }

    public static string Escaped(string name) =>
        SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None || SyntaxFacts.GetContextualKeywordKind(name) != SyntaxKind.None ? $"@{name}" : name;
}
