using Fla.Dsl;
using Fla.Layers.Evaluation;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

public class BenchmarkTests
{
    private static readonly OpShape Small = OpShape.Parse("2,20,3,8,4");

    [Fact]
    public void A_shape_has_one_size_for_keys_and_values_or_two()
    {
        Assert.Equal(new OpShape(2, 20, 3, 8, 4), Small);
        Assert.Equal(new OpShape(2, 20, 3, 8, 8), OpShape.Parse("2,20,3,8"));
    }

    [Theory]
    [InlineData("2,20,3")]
    [InlineData("2,20,3,8,4,1")]
    [InlineData("2,20,3,x")]
    [InlineData("2,0,3,8")]
    public void What_is_no_shape_is_refused_as_it_came(string text) =>
        Assert.Contains($"got '{text}'", Assert.Throws<ArgumentException>(() => OpShape.Parse(text)).Message);

    [Fact]
    public void Arguments_have_the_shapes_that_their_op_takes()
    {
        foreach (var op in Ops.Catalogue.All)
        {
            using var scope = NewDisposeScope();
            Tensor?[] arguments =
            [
                .. op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale)
                    .Select(argument => full(Small.Of(op, argument), -0.1, dtype: ScalarType.Float32)),
            ];
            var (o, _) = op.Run(Mode.FusedRecurrent, arguments);
            Assert.Equal(Small.Batch * Small.Tokens, o.shape[0] * o.shape[1]);
        }
    }

    [Fact]
    public void An_op_is_timed_in_both_directions()
    {
        var op = Ops.Catalogue.All.Single(op => op.Name == "SimpleGatedLinearAttention");
        var timing = OpBenchmark.Run(op, Small, Mode.Chunk, ScalarType.Float32, CPU);
        Assert.InRange(timing.Forward.Seconds, 1e-6, timing.Both.Seconds);

        // q, k, v, g and o, then with the gradient of o the gradients of the others.
        const double tokens = 2 * 20 * 3, inputs = tokens * (8 + 8 + 4 + 1) * 4, outputs = tokens * 4 * 4;
        Assert.Equal(inputs + outputs, timing.Forward.Bytes);
        Assert.Equal((3 * inputs) + (2 * outputs), timing.Both.Bytes);
        Assert.Equal(2 * 2 * tokens * 8 * 4, timing.Forward.Flops);
        Assert.Equal(3.5, timing.Both.Flops / timing.Forward.Flops);
    }

    [Fact]
    public void Time_is_that_of_the_work()
    {
        var count = 0;
        var seconds = Timing.Median(CPU, () =>
        {
            count++;
            Thread.Sleep(20);
        });
        Assert.InRange(seconds, 0.02, 0.2);
        Assert.InRange(count, 5, 20);
    }
}
