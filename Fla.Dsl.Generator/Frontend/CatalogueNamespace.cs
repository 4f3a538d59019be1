using Fla.Dsl.Generator.Emit;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>Where an assembly's catalogue is: in the namespace named as the assembly, if there is room for it.</summary>
internal static class CatalogueNamespace
{
    private const string Fallback = "Fla.Dsl.Generated";

    public static string Of(Microsoft.CodeAnalysis.Compilation compilation)
    {
        var parts = (compilation.AssemblyName ?? string.Empty).Split('.').Where(part => part.Length > 0).Select(Identifier).ToList();
        return parts.Count > 0 && HasRoom(compilation.Assembly.GlobalNamespace, parts.Append(SourceFiles.CatalogueName)) ? string.Join(".", parts) : Fallback;
    }

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
