using Fla.Dsl;
using Fla.Dsl.Runtime.Emulator;
using Fla.Ops.Tests.Runtime;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Launch;

/// <summary>Generated kernels over segments of a sequence, against TorchSharp's operations over the whole of it.</summary>
public class GeneratedSegmentTests
{
    [Theory]
    [InlineData("LinearAttention")]
    [InlineData("Retention")]
    [InlineData("SimpleGatedLinearAttention")]
    [InlineData("GatedLinearAttention")]
    [InlineData("NormalizedLinearAttention")]
    [InlineData("GatedSlotAttention")]
    [InlineData("Hgrn")]
    [InlineData("SelectiveScan")]
    public void A_sequence_is_the_sum_of_its_segments(string name)
    {
        var op = Fla.Ops.Catalogue.All.Single(op => op.Name == name);
        Assert.NotNull(op.Gpu?.Segment);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var random = new Generator(3);
        Tensor Normal(params long[] shape) => randn(shape, generator: random).abs() / 4;    // a normaliser is to stay away from 0
        Tensor?[] arguments =
        [
            .. op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).Select(argument => argument.Default is not null ? null
                : argument.IsLogDecay ? -Normal(Shape([1, 1100], argument.Dimensions)) / 10
                : argument.Role == ArgumentRole.PerHead ? -Normal(Shape([], argument.Dimensions))
                : Normal(Shape([1, 1100], argument.Dimensions))),
        ];
        Tensor?[] initial = [.. op.States.Select(state => Normal(Shape([1], state.Dimensions)))];
        var (expected, expectedFinal) = op.Run(Mode.Chunk, arguments, initialState: initial, outputFinalState: true);

        long[] Shape(long[] outer, IReadOnlyList<string> dimensions) =>
            [.. outer, .. op.HasHeads ? new[] { 1L } : [], .. dimensions.Select(name => name == "N" ? 16L : 20L)];

        using var backend = BackendOf.Emulator;
        var before = EmulatedDevice.Instance.Stated;
        EmulatedDevice.Instance.Stated = before with { Multiprocessors = 2 };
        try
        {
            var (o, final) = op.Run(Mode.Chunk, arguments, initialState: initial, outputFinalState: true);
            Close.Assert(expected, o, 1e-5, "output");
            for (var i = 0; i < op.States.Count; i++) Close.Assert(expectedFinal![i], final![i], 1e-5, op.States[i].Name);
        }
        finally
        {
            EmulatedDevice.Instance.Stated = before;
        }
    }

    [Theory]
    [InlineData("DeltaRule")]
    [InlineData("GatedDeltaRule")]
    public void A_state_that_is_read_before_it_is_written_has_no_segments(string name) =>
        Assert.Null(Fla.Ops.Catalogue.All.Single(op => op.Name == name).Gpu!.Segment);
}
