using Fla.Dsl.Runtime.Emulator;
using Fla.Layers.Kernels;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

public class RotationKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 32, 32, false)]
    [InlineData(ScalarType.Float32, 32, 32, true)]
    [InlineData(ScalarType.BFloat16, 24, 16, false)]
    [InlineData(ScalarType.Float16, 24, 16, true)]
    [InlineData(ScalarType.BFloat16, 7, 6, false)]
    [InlineData(ScalarType.Float32, 7, 6, true)]
    public void Pairs_of_channels_are_turned_and_gradients_turned_back(ScalarType type, long channels, long dim, bool interleaved)
    {
        using var scope = NewDisposeScope();
        var rotary = new RotaryEmbedding(dim, interleaved: interleaved);
        foreach (var positions in new[] { arange(3, 8).unsqueeze(0), tensor(new long[,] { { 0, 1, 0, 1, 2 }, { 4, 5, 6, 7, 8 } }) })
        {
            var (cosine, sine) = rotary.Angles(positions, ScalarType.Float32);
            Emulated.Equals(
                inputs => [FusedRotation.Apply(EmulatedDevice.Instance, inputs[0]!, cosine, sine, interleaved)],
                inputs => [rotary.forward(inputs[0]!, inputs[0]!, positions).Q],
                roundings: 1,
                randn(2, 5, 3, channels).to(type));
        }
    }
}
