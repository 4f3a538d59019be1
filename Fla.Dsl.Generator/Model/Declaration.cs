namespace Fla.Dsl.Generator.Model;

internal enum ParameterRole
{
    Token,
    PerHead,
    Scale,
}

/// <summary>
/// An argument of a recurrence. <paramref name="Default"/> names the method that gives a per-head argument left out;
/// <paramref name="HasL2NormOption"/> says that a caller may have it divided by its length.
/// </summary>
internal sealed record Parameter(string Name, TermType Type, ParameterRole Role, bool IsLogDecay, string? Default, bool HasL2NormOption);

/// <summary>A state. One in log-space holds logarithms, and is empty where these are minus infinity.</summary>
internal sealed record StateParameter(string Name, TermType Type, bool IsLogSpace);

/// <summary>An assignment to a state: its <paramref name="Version"/>-th in the token.</summary>
internal sealed record StateUpdate(string State, int Version, Expr Value);

/// <summary>
/// One declared recurrence. Everything here is compared by value and holds no Roslyn symbol: equal models mean that nothing after the
/// frontend runs again.
/// </summary>
/// <param name="Namespace">The namespace of the declaring class, empty for the global one.</param>
/// <param name="ContainingTypes">The classes around the declaring class, outermost first.</param>
/// <param name="Name">The declaring class.</param>
/// <param name="Accessibility">Its accessibility, as written in C#.</param>
/// <param name="HasHeads">Whether tensors have a head axis.</param>
/// <param name="Parameters">The arguments in order.</param>
/// <param name="States">The states in order.</param>
/// <param name="Updates">The assignments to states in order.</param>
/// <param name="Output">What the token gives.</param>
/// <param name="Source">The text of the class, for the header of the generated file; where it is the same, places in it are.</param>
/// <param name="Summary">The first line of the class's documentation.</param>
internal sealed record Declaration(
    string Namespace,
    EquatableArray<string> ContainingTypes,
    string Name,
    string Accessibility,
    bool HasHeads,
    EquatableArray<Parameter> Parameters,
    EquatableArray<StateParameter> States,
    EquatableArray<StateUpdate> Updates,
    Expr Output,
    string Source,
    string Summary)
{
    /// <summary>The class's name, for problems with no place of their own.</summary>
    public RelativeSpan Place { get; init; }

    public string FullName => string.Join(".", new[] { Namespace }.Concat(ContainingTypes).Append(Name).Where(part => part.Length > 0));

    /// <summary>What an argument is; null for other names.</summary>
    public ParameterRole? RoleOf(string name) => Parameters.FirstOrDefault(parameter => parameter.Name == name)?.Role;
}
