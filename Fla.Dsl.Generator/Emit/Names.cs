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

    /// <summary>A namespace or a full name, with each part as C# takes it.</summary>
    public static string Qualified(string name) => string.Join(".", name.Split('.').Select(Escaped));

    public static string Escaped(string name) =>
        SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None || SyntaxFacts.GetContextualKeywordKind(name) != SyntaxKind.None ? $"@{name}" : name;
}
