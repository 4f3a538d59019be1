using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

/// <summary>What C# itself finds wrong is left to C#.</summary>
public class CSharpErrorTests
{
    [Theory]
    [InlineData("CS0103", "S = Exp(gate) * S; return Dot(q, S);")]
    [InlineData("CS1002", "S = Exp(g) * S + Outer(k, v)")]
    [InlineData("CS0103", "S = Decay(g) * S; return Dot(q, S);")]
    [InlineData("CS0161", "S = Exp(g) * S + Outer(k, v);")]
    [InlineData("CS0128", "var o = q; var o = k; return Dot(o, S);")]
    [InlineData("CS1525", "S = ; return Dot(q, S);")]
    [InlineData("CS1002", "S += Outer(k, v) return Dot(q, S);")]
    [InlineData("CS1026", "S += Outer(k, v; return Dot(q, S);")]
    [InlineData("CS0019", "S = S + q; return Dot(q, S);")]
    [InlineData("CS0029", "S = q; return Dot(q, S);")]
    [InlineData("CS0266", "S = Exp(g) * S; double x = g; return x * v;")]
    [InlineData("CS0029", "S = Exp(g) * S; return q;")]
    [InlineData("CS0029", "S = Exp(g) * S; return S;")]
    [InlineData("CS0034", "S = S * S; return Dot(q, S);")]
    [InlineData("CS1503", "S = Exp(S); return Dot(q, S);")]
    [InlineData("CS0023", "S++; return Dot(q, S);")]
    [InlineData("CS0019", "if (g > 0) S += Outer(k, v); return Dot(q, S);")]
    [InlineData("CS0200", "q.Length = 1; return Dot(q, S);")]
    public void An_error_of_CSharp_stands_alone(string id, string body)
    {
        var run = GeneratorRun.Of(Mistake.Usings + Mistake.Class($$"""
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Scalar g, ref State<K, V> S)
            {
                {{body}}
            }
            """));
        Assert.Contains(id, run.OwnErrors.Select(error => error.Id));
        Assert.Empty(run.Reported);
        Assert.Null(run.Result.Exception);
    }

    [Theory]
    [InlineData("CS0019", "S = S + Outer(v, k); return Dot(q, S);")]
    [InlineData("CS0019", "S += Outer(k, k); return Dot(q, S);")]
    [InlineData("CS0019", "S = Exp(v) * S; return Dot(q, S);")]
    [InlineData("CS0019", "S = S * Exp(k); return Dot(q, S);")]
    [InlineData("CS1503", "S += Outer(k, v); return Dot(v, S);")]
    [InlineData("CS1503", "S += Outer(k, v); return Dot(q, v) * v;")]
    [InlineData("CS0019", "S += Outer(k, v - q); return Dot(q, S);")]
    [InlineData("CS0019", "S += Outer(k, v); return q * v;")]
    [InlineData("CS0029", "S = Outer(v, k); return Dot(q, S);")]
    [InlineData("CS0029", "S += Outer(k, v); return Dot(S, v);")]
    public void A_wrong_dimension_is_an_error_of_CSharp(string id, string body)
    {
        var run = GeneratorRun.Of(Mistake.Usings + Mistake.Class($$"""
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S)
            {
                {{body}}
            }
            """));
        Assert.Equal(id, Assert.Single(run.OwnErrors).Id);
        Assert.Empty(run.Reported);
    }

    [Theory]
    [InlineData("Vec<Unknown> q, ref State<Unknown> h")]
    [InlineData("Vec<int> q, ref State<int> h")]
    [InlineData("Unknown q, ref State<K> h")]
    [InlineData("Vec<K> q, , ref State<K> h")]
    [InlineData("Vec<K>, ref State<K> h")]
    [InlineData("Vec<K> q, ref State<K> q")]
    [InlineData("[Unknown] Vec<K> q, ref State<K> h")]
    [InlineData("[PerHead(Default = nameof(Missing))] Scalar p, Vec<K> q, ref State<K> h")]
    public void An_error_of_CSharp_in_the_parameters_stands_alone(string parameters)
    {
        var run = GeneratorRun.Of(Mistake.Usings + Mistake.Class($"static Vec<K> Step({parameters}) => q;"));
        Assert.NotEmpty(run.OwnErrors);
        Assert.Empty(run.Reported);
        Assert.Null(run.Result.Exception);
    }

    [Fact]
    public void A_warning_that_is_turned_into_an_error_keeps_nothing_from_compiling()
    {
        var run = GeneratorRun.Of("Declared", [Mistake.Usings + Mistake.Class("static Vec<K> Step(Vec<K> x, ref State<K> h) { var unused = 1; h += x; return h; }")], ReportDiagnostic.Error);
        Assert.Contains(run.OwnErrors, error => error.Id == "CS0219");
        Assert.Contains(run.Files, file => file.HintName == "Gated.g.cs");
    }

    [Fact]
    public void Two_parts_with_the_attribute_are_an_error_of_CSharp_and_one_recurrence()
    {
        const string Step = "static Vec<K> Step(Vec<K> x, ref State<K> h) { h += x; return h; }";
        var run = GeneratorRun.Of(Mistake.Usings + Mistake.Class(Step) + "\n\n" + Mistake.Class("public static int One => 1;"));
        Assert.Equal("CS0579", Assert.Single(run.OwnErrors).Id);
        Assert.Empty(run.Reported);
        Assert.Contains(run.Files, file => file.HintName == "Gated.g.cs");
    }

    [Fact]
    public void A_mistake_in_one_declaration_leaves_the_others()
    {
        var mistakes = Mistakes.All.Select(mistake => MarkedSource.Parse(mistake.Source).Text);
        var sources = mistakes.Select((source, i) => $"namespace Mistake{i}\n{{\n{source}\n}}")
            .Prepend(Mistake.Class("static Vec<K> Step(Vec<K> x, ref State<K> h) { h += x; return h; }"));
        var run = GeneratorRun.Of("Declared", [.. sources.Select(source => Mistake.Usings + source)]);

        Assert.Null(run.Result.Exception);
        Assert.Contains(run.Files, file => file.HintName == "Gated.g.cs");
        Assert.Contains("global::Gated.Op,", run.File("Catalogue.g.cs"));
        Assert.Equal(
            Mistakes.All.SelectMany(mistake => mistake.Ids).Order(),
            run.Reported.Select(report => report.Id).Order());
    }
}
