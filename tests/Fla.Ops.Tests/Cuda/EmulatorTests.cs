using System.Reflection;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Emulator;
using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Cuda;

public class EmulatorTests
{
    [Theory]
    [InlineData(nameof(Kernels.Floats), ScalarType.Float32)]
    [InlineData(nameof(Kernels.Ints), ScalarType.Int32)]
    [InlineData(nameof(Kernels.Longs), ScalarType.Int64)]
    [InlineData(nameof(Kernels.Halves), ScalarType.Float16)]
    [InlineData(nameof(Kernels.BFloats), ScalarType.BFloat16)]
    public void A_kernel_reads_and_writes_tensors_of(string kernel, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var from = arange(0, 100, dtype: type);
        var to = zeros_like(from);
        Prepare(kernel).Launch(2, 64, 0, to, from, 90);
        Assert.Equal(cat([from[..90] + 1, zeros(10, dtype: type)]), to);
    }

    [Fact]
    public void Blocks_have_three_coordinates()
    {
        using var scope = NewDisposeScope();
        var to = zeros(2, 2, 3);
        Prepare(nameof(Kernels.Coordinates)).Launch(new Dim3(3, 2, 2), 32, 0, to, 0.5f);
        Assert.Equal([0.5f, 1.5f, 2.5f, 10.5f, 11.5f, 12.5f, 100.5f, 101.5f, 102.5f, 110.5f, 111.5f, 112.5f], to.data<float>().ToArray());
    }

    [Theory]
    [InlineData(32)]
    [InlineData(256)]
    public void Threads_of_a_block_share_memory_and_wait_for_one_another(int block)
    {
        using var to = zeros(1);
        Prepare(nameof(Kernels.Sum)).Launch(1, block, 4 * block, to);
        Assert.Equal(block * (block - 1) / 2f, to.item<float>());
    }

    [Fact]
    public void Threads_of_a_warp_exchange_and_know_that_there_is_no_assembly()
    {
        using var to = zeros(64, 2, dtype: ScalarType.Int32);
        Prepare(nameof(Kernels.Exchange)).Launch(1, 64, 0, to);
        Assert.Equal(Enumerable.Range(0, 64).SelectMany(i => new[] { i ^ 1, 0 }), to.data<int>().ToArray());
    }

    [Fact]
    public void A_way_that_depends_on_a_local_array_is_each_threads_own()
    {
        using var to = zeros(32, dtype: ScalarType.Int32);
        Prepare(nameof(Kernels.PartByLocal)).Launch(1, 32, 0, to, 1);
        Assert.Equal(Enumerable.Range(0, 32).Select(i => i + 3 > 5 ? 1 : 2), to.data<int>().ToArray());
    }

    [Fact]
    public void A_tensor_that_is_a_part_of_another_begins_at_its_own_elements()
    {
        using var scope = NewDisposeScope();
        var to = zeros(4, 8);
        Prepare(nameof(Kernels.Floats)).Launch(1, 32, 0, to[2], ones(8), 8);
        Assert.Equal([0f, 0f, 2f, 0f], to.mean([1]).data<float>().ToArray());
    }

    [Fact]
    public void Tensors_are_passed_with_their_sizes() => TensorsArePassed(CPU);

    [Fact]
    public void A_kernel_that_cannot_be_compiled_is_named_and_does_no_harm_to_others()
    {
        using var to = zeros(1);
        var refused = Prepare(nameof(Kernels.Stack));
        Assert.Contains("Kernels.Stack", Assert.Throws<KernelCompilationException>(() => refused.Launch(1, 32, 0, to)).Message);
        Prepare(nameof(Kernels.Sum)).Launch(1, 32, 128, to);
        Assert.Equal(496f, to.item<float>());
    }

    internal static void TensorsArePassed(Device device)
    {
        using var to = zeros(7, device: device);
        var kernel = KernelDevice.Of(to).Prepare(Method(nameof(Kernels.Tensors)));
        kernel.Launch(1, 32, 0, new GpuTensor(0, 2, 3), 0.5f, new GpuTensor(TensorMemory.Pointer(to), 4, 5), 6);
        Assert.Equal([1f, 2f, 3f, 0.5f, 4f, 5f, 6f], to.cpu().data<float>().ToArray());
    }

    private static PreparedKernel Prepare(string name) => EmulatedDevice.Instance.Prepare(Method(name));

    internal static MethodInfo Method(string name) => typeof(Kernels).GetMethod(name)!;
}
