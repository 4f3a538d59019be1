using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;
using VerifyXunit;

namespace Fla.Dsl.Generator.Tests;

/// <summary>What is generated for the operators of Fla.Ops, from their own source files: a file there is an operator here.</summary>
public class GeneratedCodeTests
{
    public static TheoryData<string> Ops => [.. Directory.GetFiles(RepositoryFiles.Path("Fla.Ops"), "*.cs").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Ops))]
    public async Task An_op_is_generated_as_verified(string op)
    {
        var run = RunOp(op);
        foreach (var (hint, name) in new[] { ($"Fla.Ops.{op}.g.cs", op), ($"Fla.Ops.{op}.Torch.g.cs", $"{op}.Torch") })
            await Verifier.Verify(run.File(hint), extension: "cs").UseDirectory("Snapshots").UseFileName(name);
    }

    [Theory]
    [MemberData(nameof(Ops))]
    public void An_op_compiles_without_warnings(string op)
    {
        var run = RunOp(op);
        Assert.Empty(run.Reported);
        Assert.Empty(run.CompilerDiagnostics);
    }

    private static GeneratorRun RunOp(string op) => GeneratorRun.Of("Fla.Ops", [RepositoryFiles.Read("Fla.Ops", $"{op}.cs")]);
}
