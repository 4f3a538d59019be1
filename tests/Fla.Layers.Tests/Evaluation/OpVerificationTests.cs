using Fla.Dsl.Testing;
using Fla.Layers.Evaluation;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

public class OpVerificationTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void A_right_op_agrees_with_the_peer_in_every_execution(ScalarType type)
    {
        using var figures = OpFigures.Read(RepositoryFiles.Golden("ops/hgrn.safetensors"));
        var op = HandmadeOps.Hgrn();
        foreach (var execution in Execution.All.Where(execution => execution.ExistsFor(op)))
        {
            var errors = OpVerification.Run(op, figures, execution, type, CPU);
            Assert.True(errors.Within(OpVerification.ToleranceOf(type)), $"{execution}: {errors}");
            Assert.NotNull(errors.States);
            Assert.NotNull(errors.WorstGradient);
        }
    }

    [Fact]
    public void A_wrong_gradient_is_found_by_name()
    {
        using var figures = OpFigures.Read(RepositoryFiles.Golden("ops/hgrn.safetensors"));
        foreach (var execution in new[] { new Execution(Fla.Dsl.Mode.Chunk), Execution.Step })
        {
            var errors = OpVerification.Run(HandmadeOps.Hgrn(gradientFactor: 1.01), figures, execution, ScalarType.Float32, CPU);
            Assert.False(errors.Within(1e-4));
            Assert.Equal("x", errors.WorstGradient!.Value.Name);
            Assert.InRange(errors.WorstGradient.Value.Error, 0.0099, 0.0101);
            Assert.InRange(errors.Output, 0, 1e-6);
        }
    }

    [Fact]
    public void A_mode_an_op_has_not_is_refused()
    {
        using var figures = OpFigures.Read(RepositoryFiles.Golden("ops/hgrn.safetensors"));
        var parallel = new Execution(Fla.Dsl.Mode.Parallel);
        Assert.Throws<ArgumentException>(() => OpVerification.Run(HandmadeOps.Hgrn(), figures, parallel, ScalarType.Float32, CPU));
    }

    [Theory]
    [InlineData(0, double.NaN, 0)]
    [InlineData(double.NaN, 0, 0)]
    [InlineData(0, 0, double.NaN)]
    [InlineData(0, 0, double.PositiveInfinity)]
    [InlineData(0, 2e-4, 0)]
    public void Any_error_over_the_tolerance_fails(double output, double states, double gradient) =>
        Assert.False(new OpErrors(output, states, ("q", gradient)).Within(1e-4));

    [Fact]
    public void What_the_figures_do_not_have_does_not_fail() => Assert.True(new OpErrors(1e-5, null, null).Within(1e-4));

    [Fact]
    public void Executions_have_the_fields_names() =>
        Assert.Equal(["chunk", "fused_chunk", "fused_recurrent", "parallel", "step"], Execution.All.Select(execution => execution.Name));

    [Theory]
    [InlineData("gla", "GatedLinearAttention")]
    [InlineData("gla_strong_decay", "GatedLinearAttention")]
    [InlineData("based_unnormalized", "BasedUnnormalized")]
    [InlineData("MyOwnOp", "MyOwnOp")]
    public void Figures_are_for_an_op_by_their_name(string figures, string op) => Assert.Equal(op, CatalogueNames.OpOf(figures));
}
