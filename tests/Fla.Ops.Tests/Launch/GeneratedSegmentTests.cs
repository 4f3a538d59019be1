using Fla.Dsl;
using Fla.Dsl.Runtime.Emulator;
using Fla.Ops.Tests.Runtime;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Launch;

/// <summary>Generated kernels over segments of a sequence, against TorchSharp's operations over the whole of it.</summary>
public class GeneratedSegmentTests
{
    [Theory]
    [InlineData("LinearAttention", false)]
    [InlineData("Retention", true)]
    [InlineData("SimpleGatedLinearAttention", false)]
    [InlineData("GatedLinearAttention", false)]
    [InlineData("NormalizedLinearAttention", true)]
    [InlineData("GatedSlotAttention", false)]
    [InlineData("Hgrn", true)]
    [InlineData("SelectiveScan", false)]
    public void A_sequence_is_the_sum_of_its_segments(string name, bool gradients)
    {
        var op = Fla.Ops.Catalogue.All.Single(op => op.Name == name);
        Assert.NotNull(op.Gpu?.Segment);
        Assert.Equal(op.Gpu.Forward.IsByChannel, op.Gpu.BackwardSegment is null);
        using var scope = NewDisposeScope();
        var random = new Generator(3);
        Tensor Normal(params long[] shape) => randn(shape, generator: random).abs() / 4;    // a normaliser is to stay away from 0
        Tensor?[] arguments =
        [
            .. op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).Select(argument => argument.Default is not null ? null
                : argument.IsLogDecay ? -Normal(Shape([1, 1100], argument.Dimensions)) / 10
                : argument.Role == ArgumentRole.PerHead ? -Normal(Shape([], argument.Dimensions))
                : Normal(Shape([1, 1100], argument.Dimensions))),
        ];
        Tensor[] initial = [.. op.States.Select(state => Normal(Shape([1], state.Dimensions)))];
        Tensor[] inputs = [.. arguments.OfType<Tensor>(), .. initial];
        foreach (var input in inputs) input.requires_grad = gradients;
        Tensor[]? given = null;
        var expected = Results();

        long[] Shape(long[] outer, IReadOnlyList<string> dimensions) =>
            [.. outer, .. op.HasHeads ? new[] { 1L } : [], .. dimensions.Select(name => name == "N" ? 16L : 20L)];

        using var backend = BackendOf.Emulator;
        var before = EmulatedDevice.Instance.Stated;
        EmulatedDevice.Instance.Stated = before with { Multiprocessors = 2 };
        try
        {
            foreach (var (which, (one, other)) in expected.Zip(Results()).Index()) Close.Assert(one, other, 1e-5, $"result {which}");
        }
        finally
        {
            EmulatedDevice.Instance.Stated = before;
        }

        // The output, the final states, and the gradients of what went in.
        Tensor[] Results()
        {
            var (o, final) = op.Run(Mode.Chunk, arguments, initialState: initial, outputFinalState: true);
            Tensor[] results = [o, .. final!];
            given ??= [.. results.Select(result => randn(result.shape, generator: random))];
            return gradients ? [.. results, .. autograd.grad(results, inputs, given)] : results;
        }
    }

    [Theory]
    [InlineData("DeltaRule")]
    [InlineData("GatedDeltaRule")]
    public void A_state_that_is_read_before_it_is_written_has_no_segments(string name) =>
        Assert.Null(Fla.Ops.Catalogue.All.Single(op => op.Name == name).Gpu!.Segment);
}
