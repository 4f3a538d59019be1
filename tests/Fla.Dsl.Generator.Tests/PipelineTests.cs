using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Tests.Language;
using Fla.Dsl.Generator.Tests.Running;

namespace Fla.Dsl.Generator.Tests;

/// <summary>The passes between parsing and writing, seen through their dump.</summary>
public class PipelineTests
{
    public static TheoryData<string> Ops => GeneratedCodeTests.Ops;

    [Fact]
    public async Task The_passes_of_an_op_are_as_verified()
    {
        var dump = Compile(RepositoryFiles.Read("Fla.Ops", "GatedLinearAttention.cs")).Select(pass => $"== {pass.Name}\n{PassText.Of(pass.Result)}");
        await VerifyXunit.Verifier.Verify(string.Join('\n', dump)).UseDirectory("Snapshots").UseFileName("GatedLinearAttention.Passes");
    }

    [Theory]
    [MemberData(nameof(Ops))]
    public void Every_pass_over_an_op_leaves_a_sound_program(string op) => AssertSound(Compile(RepositoryFiles.Read("Fla.Ops", $"{op}.cs")));

    [Fact]
    public void Every_pass_over_unusual_declarations_leaves_a_sound_program() => Assert.All(DeclarationCases.Bodies, declaration => AssertSound(Compile(declaration.Source)));

    [Fact]
    public void Compiling_twice_gives_the_same()
    {
        var source = RepositoryFiles.Read("Fla.Ops", "GatedLinearAttention.cs");
        Assert.Equal(Compile(source).Select(pass => PassText.Of(pass.Result)), Compile(source).Select(pass => PassText.Of(pass.Result)));
    }

    private static IReadOnlyList<(string Name, object Result)> Compile(string source)
    {
        var passes = new List<(string, object)>();
        Pipeline.Compile(GeneratorRun.Of(source).Parsed.Single().Declaration!, (name, result) => passes.Add((name, result)));
        return passes;
    }

    private static void AssertSound(IReadOnlyList<(string Name, object Result)> passes)
    {
        Assert.NotEmpty(passes);
        foreach (var (_, result) in passes)
        {
            if (result is TileProgram program) Verifier.Verify(program);
            if (result is SplitProgram split) AssertComplete(split);
        }
    }

    /// <summary>Each part computes its values from what it is given, in order, and all results are there.</summary>
    private static void AssertComplete(SplitProgram split)
    {
        var program = split.Program;
        var written = Enumerable.Range(0, program.Instructions.Count).Where(id => program[id].Op == TileOp.Constant && program[id].Shape == Shape.Scalar);
        var carried = program.Carried.Select(input => input.Id).ToList();
        var inputs = program.Inputs.Select(input => input.Id).Except(carried).ToList();
        AssertPart(split.Local, [.. inputs, .. written], split.Exports);
        AssertPart(split.Advance, [.. carried, .. split.Exports, .. written], program.Next.Select(next => next.Id));
        AssertPart(split.Output, [.. inputs, .. carried, .. split.Exports, .. written], program.Outputs.Select(output => output.Id));

        void AssertPart(IReadOnlyList<int> computed, IEnumerable<int> given, IEnumerable<int> results)
        {
            var known = given.ToHashSet();
            foreach (var id in computed)
            {
                Assert.All(program[id].Operands, operand => Assert.Contains(operand, known));
                Assert.True(known.Add(id), $"%{id} of {program.Name} is computed where it is given");
            }

            // A constant of any shape can be written where it is wanted.
            Assert.All(results.Where(id => program[id].Op != TileOp.Constant), id => Assert.Contains(id, known));
        }
    }
}
