using Fla.Dsl.Generator.Emit;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>Where an assembly's catalogue is: in the namespace named as the assembly, if there is room for it.</summary>
/// <param name="Name">That namespace, or another where there is no room.</param>
/// <param name="IsNew">Whether nothing of the assembly is in it, or in the first that it is in.</param>
internal sealed record CatalogueNamespace(string Name, bool IsNew)
{
    private const string Fallback = "Fla.Dsl.Generated";

    public static CatalogueNamespace Of(Microsoft.CodeAnalysis.Compilation compilation)
    {
        var global = compilation.Assembly.GlobalNamespace;
        var parts = (compilation.AssemblyName ?? string.Empty).Split('.').Where(part => part.Length > 0).Select(Identifier).ToList();
        return parts.Count > 0 && HasRoom(global, parts.Append(SourceFiles.CatalogueName))
            ? new CatalogueNamespace(string.Join(".", parts), global.GetNamespaceMembers().All(space => space.Name != parts[0]))
            : new CatalogueNamespace(Fallback, false);
    }

    /// <summary>The namespace for these recurrences: a new one must not hide a recurrence of its name from who uses it by a using directive.</summary>
    public string For(IEnumerable<string> recurrences) =>
        IsNew && recurrences.Any(name => name.Substring(name.LastIndexOf('.') + 1) == Name.Split('.')[0]) ? Fallback : Name;

    /// <summary>A type of the assembly's own may be named as a part of the assembly's name, or as the catalogue itself.</summary>
    private static bool HasRoom(INamespaceSymbol space, IEnumerable<string> parts)
    {
        foreach (var part in parts)
        {
            if (space.GetTypeMembers(part, 0).Length > 0) return false;
            if (space.GetNamespaceMembers().FirstOrDefault(inner => inner.Name == part) is not { } found) return true;
            space = found;
        }

        return false;
    }

    private static string Identifier(string part)
    {
        var letters = new string(part.Select(c => char.IsLetterOrDigit(c) ? c : '_').ToArray());
        return char.IsDigit(letters[0]) ? $"_{letters}" : letters;
    }
}
