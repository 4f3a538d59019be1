using Fla.Dsl.Runtime.Emulator;
using Fla.Layers.Kernels;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

public class ElementwiseKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 2048)]
    [InlineData(ScalarType.BFloat16, 2064)]
    [InlineData(ScalarType.BFloat16, 301)]
    [InlineData(ScalarType.Float16, 24)]
    public void A_product_with_a_swish_gate(ScalarType type, long count)
    {
        using var scope = NewDisposeScope();
        Emulated.Equals(
            inputs => [FusedSwishProduct.Apply(EmulatedDevice.Instance, inputs[0]!, inputs[1]!)],
            inputs => [SwishProduct.Of(inputs[0]!, inputs[1]!)],
            roundings: 1,
            randn(count).to(type),
            randn(count).to(type));
    }
}
