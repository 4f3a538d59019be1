using Fla.Dsl.Testing;

namespace Fla.Ops.Tests.Operators;

public class CatalogueTests
{
    public static TheoryData<string> Names => [.. Fla.Ops.Catalogue.All.Select(op => op.Name)];

    public static TheoryData<string> NamesOfNormed =>
        [.. Fla.Ops.Catalogue.All.Where(op => op.Arguments.Any(argument => argument.HasL2NormOption)).Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(NamesOfNormed))]
    public void Every_mode_equals_the_declaration_on_vectors_of_unit_length(string name)
    {
        var op = Fla.Ops.Catalogue.All.Single(op => op.Name == name);
        foreach (var lengths in (int[]?[])[null, [40, 0, 30]])
        foreach (var result in Conformance.Check(op, new ConformanceCase { L2Norm = true, SequenceLengths = lengths }))
            Assert.True(result.Worst.Value < 1e-10, $"{result.Execution}: {string.Join(", ", result.Errors)}");
    }

    public static TheoryData<string> NamesInLogarithms => [.. Fla.Ops.Catalogue.All.Where(op => op.States.Any(state => state.IsLogSpace)).Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(NamesInLogarithms))]
    public void Logarithms_begin_with_nothing_and_stay_so_where_there_is_no_token(string name)
    {
        var op = Fla.Ops.Catalogue.All.Single(op => op.Name == name);
        foreach (var result in Conformance.Check(op, new ConformanceCase { InitialState = false, SequenceLengths = [0, 31, 1, 65, 0] }))
            Assert.True(result.Worst.Value < 1e-10, $"{result.Execution}: {string.Join(", ", result.Errors)}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_equals_the_declaration(string name)
    {
        var op = Fla.Ops.Catalogue.All.Single(op => op.Name == name);
        foreach (var result in Conformance.Check(op, new ConformanceCase { Sizes = new Dictionary<string, int> { ["K"] = 12, ["V"] = 20 } }))
            Assert.True(result.Worst.Value < 1e-10, $"{result.Execution}: {string.Join(", ", result.Errors)}");
    }
}
