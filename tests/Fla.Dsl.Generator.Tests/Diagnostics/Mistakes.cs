namespace Fla.Dsl.Generator.Tests.Diagnostics;

/// <summary>Every mistake under test, in groups by what it is in.</summary>
internal static partial class Mistakes
{
    public static IReadOnlyList<Mistake> All => [.. InTheClass, .. InParameters, .. InNames, .. InTheBody, .. InStates];
}
