using Fla.Dsl.Generator.Tests.Running;
using VerifyXunit;

namespace Fla.Dsl.Generator.Tests;

/// <summary>What is generated for the operators of Fla.Ops, from their own source files: a file there is an operator here.</summary>
public class GeneratedCodeTests
{
    private const string Ours = "Fla.Ops";

    /// <summary>All of them in one compilation, which shows besides that they do not get into each other's way.</summary>
    private static readonly Lazy<GeneratorRun> Run = new(() => GeneratorRun.Of(Ours, [.. OpNames.Select(op => RepositoryFiles.Read(Ours, $"{op}.cs"))]));

    private static IEnumerable<string> OpNames =>
        Directory.GetFiles(RepositoryFiles.Path(Ours), "*.cs").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    public static TheoryData<string> Ops => [.. OpNames];

    /// <summary>Ops whose kernels are looked at: one of each kind of decay, one of a triangular system, one of channels, and one of features with a normaliser.</summary>
    public static TheoryData<string> WithKernels => [.. KernelNames];

    private static string[] KernelNames => ["SimpleGatedLinearAttention", "GatedLinearAttention", "DeltaRule", "Hgrn", "Based"];

    [Theory]
    [MemberData(nameof(Ops))]
    public async Task What_a_user_calls_is_as_verified(string op) => await Verify($"{Ours}.{op}.g.cs", op);

    [Theory]
    [MemberData(nameof(Ops))]
    public async Task The_program_over_TorchSharp_is_as_verified(string op) => await Verify($"{Ours}.{op}.Torch.g.cs", $"{op}.Torch");

    [Theory]
    [MemberData(nameof(WithKernels))]
    public async Task The_kernels_are_as_verified(string op) => await Verify($"{Ours}.{op}.Gpu.g.cs", $"{op}.Gpu");

    [Fact]
    public async Task The_catalogue_is_as_verified() => await Verify("Catalogue.g.cs", "Catalogue");

    [Fact]
    public async Task The_loading_of_native_libraries_is_as_verified() => await Verify("NativeLoading.g.cs", "NativeLoading");

    [Fact]
    public void Everything_compiles_without_warnings()
    {
        Assert.Empty(Run.Value.Reported);
        Assert.Empty(Run.Value.CompilerDiagnostics);
    }

    [Fact]
    public void A_snapshot_is_of_an_op_that_is_there()
    {
        string[] others = ["Catalogue", "NativeLoading", "GatedLinearAttention.Passes"];
        var snapshots = Directory.GetFiles(RepositoryFiles.Path("tests", "Fla.Dsl.Generator.Tests", "Snapshots"), "*.verified.*")
            .Select(path => Path.GetFileName(path)).Select(name => name[..name.IndexOf(".verified.", StringComparison.Ordinal)]);
        Assert.Equal(OpNames.SelectMany(op => new[] { op, $"{op}.Torch" }).Concat(KernelNames.Select(op => $"{op}.Gpu")).Concat(others).Order(StringComparer.Ordinal), snapshots.Order(StringComparer.Ordinal));
    }

    private static async Task Verify(string file, string name) =>
        await Verifier.Verify(Run.Value.File(file), extension: "cs").UseDirectory("Snapshots").UseFileName(name);
}
