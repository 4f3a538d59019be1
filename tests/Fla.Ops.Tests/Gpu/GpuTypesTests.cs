using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Gpu;

public class GpuTypesTests
{
    [Fact]
    public void Fp32_is_rounded_in_products_only_while_PyTorch_rounds_it_too()
    {
        Assert.Equal(typeof(SingleElement), GpuTypes.Of(ScalarType.Float32));
        backends.cuda.matmul.allow_tf32 = true;
        try
        {
            Assert.Equal(typeof(TensorFloatElement), GpuTypes.Of(ScalarType.Float32));
        }
        finally
        {
            backends.cuda.matmul.allow_tf32 = false;
        }
    }
}
