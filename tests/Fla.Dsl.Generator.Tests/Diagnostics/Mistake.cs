namespace Fla.Dsl.Generator.Tests.Diagnostics;

/// <summary>A mistake a user may make, and all that is then reported.</summary>
/// <param name="Name">The mistake in words.</param>
/// <param name="Source">A source file after the usings, with <c>[|the place|]</c> of each report marked.</param>
/// <param name="Reports">The reports in the order of their places: <c>FLA0001: the whole message</c>.</param>
internal sealed record Mistake(string Name, string Source, params string[] Reports)
{
    public const string Usings = """
        using Fla.Dsl;
        using static Fla.Dsl.Recurrences;


        """;

    public IEnumerable<string> Ids => Reports.Select(report => report[..report.IndexOf(':')]);

    /// <summary>A mistake in <c>Step</c>, in a class of which nothing else matters.</summary>
    public static Mistake InStep(string name, string step, params string[] reports) => new(name, Class(step), reports);

    /// <summary>A class <c>Gated</c> around a method.</summary>
    public static string Class(string members) => $$"""
        [Recurrence]
        public static partial class Gated
        {
            {{members.ReplaceLineEndings("\n    ")}}
        }
        """;

    public override string ToString() => Name;
}
