using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Emulator;
using Fla.Layers.Kernels;
using Fla.Layers.Modules;
using Fla.Layers.Tests.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

public class CrossEntropyKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 5, 0, 1, null, 0)]
    [InlineData(ScalarType.Float32, 4096, 0.1, 1, null, 0.01)]
    [InlineData(ScalarType.Float32, 2500, 0.2, 1.3, 1.5, 0.05)]
    [InlineData(ScalarType.BFloat16, 2064, 0, 0.7, null, 0.01)]
    [InlineData(ScalarType.Float16, 301, 0.1, 1, 2.0, 0)]
    public void Losses_and_the_gradient_of_logits(
        ScalarType type, long classes, double smoothing, double scale, double? cap, double square)
    {
        using var scope = NewDisposeScope();
        var terms = new CrossEntropyTerms(-100, smoothing, scale, cap, square);
        var logits = (randn(7, classes) * 3).to(type);
        var target = randint(0, classes, 7);
        target[2] = -100;
        var counted = terms.Counted(target, classes);
        var upstream = randn(7) * counted.to(ScalarType.Float32);
        var wide = logits.to(ScalarType.Float64);
        var (loss, square1, lse) = terms.Losses(wide, target, counted);
        var expected = zeros_like(wide);
        terms.Gradient(expected, wide, target, lse, upstream.to(ScalarType.Float64));

        Unwritten.HoldsNaN = true;
        try
        {
            var (own, own1, ownLse) = FusedCrossEntropy.Losses(EmulatedDevice.Instance, terms, logits, target);
            Assert.True(own.From(loss) < 2e-5);
            Assert.True(own1.From(square1) < 2e-5);
            Assert.True(ownLse.From(lse) < 2e-5);

            var apart = full_like(logits, double.NaN, ScalarType.Float32);
            FusedCrossEntropy.Gradient(EmulatedDevice.Instance, terms, apart, logits, target, ownLse, upstream);
            Assert.True(apart.From(expected) < 2e-5);

            FusedCrossEntropy.Gradient(EmulatedDevice.Instance, terms, logits, logits, target, ownLse, upstream);
            Assert.True(logits.From(apart.to(type)) == 0);
        }
        finally
        {
            Unwritten.HoldsNaN = false;
        }
    }
}
