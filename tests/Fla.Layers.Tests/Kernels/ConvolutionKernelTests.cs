using Fla.Dsl.Runtime.Emulator;
using Fla.Layers.Kernels;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

public class ConvolutionKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 2, 21, 16, 4, true, true)]
    [InlineData(ScalarType.Float32, 3, 50, 24, 4, false, false)]
    [InlineData(ScalarType.BFloat16, 1, 70, 8, 3, true, true)]
    [InlineData(ScalarType.Float16, 5, 1, 8, 2, true, false)]
    [InlineData(ScalarType.BFloat16, 2, 19, 5, 4, true, true)]
    [InlineData(ScalarType.Float32, 2, 3, 8, 1, false, true)]
    [InlineData(ScalarType.Float32, 1, 130, 2048, 4, true, false)]
    public void Whole_sequences(ScalarType type, long batch, long tokens, long channels, long width, bool swish, bool bias)
    {
        using var scope = NewDisposeScope();
        Check(type, randn(batch, tokens, channels), width, swish, bias, offsets: null);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Packed_sequences_that_begin_anywhere(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Check(type, randn(1, 90, 16), 4, swish: true, bias: true, tensor(new long[] { 0, 1, 1, 3, 16, 17, 50, 90 }));
    }

    private static void Check(ScalarType type, Tensor x, long width, bool swish, bool bias, Tensor? offsets)
    {
        var channels = x.shape[2];
        var activation = swish ? "silu" : null;
        Emulated.Equals(
            inputs =>
            [
                FusedConvolution.Apply(
                    EmulatedDevice.Instance, inputs[0]!, inputs[1]!, inputs[2], swish, CausalConvolution.Positions(x, offsets)),
            ],
            inputs => [CausalConvolution.Apply(inputs[0]!, inputs[1]!, inputs[2], activation, null, false, offsets).Output],
            roundings: 1,
            x.to(type),
            randn(channels, 1, width).to(type),
            bias ? randn(channels).to(type) : null);
    }
}
