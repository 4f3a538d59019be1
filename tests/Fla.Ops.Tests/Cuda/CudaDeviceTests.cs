using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Cuda;

public class CudaDeviceTests
{
    [CudaTheory]
    [InlineData(nameof(Kernels.Floats), ScalarType.Float32)]
    [InlineData(nameof(Kernels.Ints), ScalarType.Int32)]
    [InlineData(nameof(Kernels.Longs), ScalarType.Int64)]
    [InlineData(nameof(Kernels.Halves), ScalarType.Float16)]
    [InlineData(nameof(Kernels.BFloats), ScalarType.BFloat16)]
    public void A_kernel_reads_and_writes_tensors_of(string kernel, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var from = arange(0, 100, dtype: type, device: CUDA);
        var to = zeros_like(from);
        KernelDevice.Of(to, from).Prepare(EmulatorTests.Method(kernel)).Launch(2, 64, 0, to, from, 90);
        Assert.Equal(cat([from[..90] + 1, zeros(10, dtype: type, device: CUDA)]), to);
    }

    [CudaFact]
    public void Tensors_are_passed_with_their_sizes() => EmulatorTests.TensorsArePassed(CUDA);

    [CudaTheory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_condition_is_one_or_zero(int n)
    {
        using var to = zeros(1, device: CUDA);
        KernelDevice.Of(to).Prepare(EmulatorTests.Method(nameof(Kernels.Condition))).Launch(1, 32, 0, to, n);
        Assert.Equal(n > 0 ? 1f : 0f, to.item<float>());
    }

    [CudaFact]
    public void Shared_memory_beyond_48_kilobytes_is_there_and_beyond_the_devices_is_refused()
    {
        using var to = zeros(1, device: CUDA);
        var kernel = KernelDevice.Of(to).Prepare(EmulatorTests.Method(nameof(Kernels.Sum)));
        kernel.Launch(1, 256, kernel.MostSharedBytes, to);
        Assert.Equal(255 * 128f, to.item<float>());
        var e = Assert.Throws<ArgumentException>(() => kernel.Launch(1, 256, kernel.MostSharedBytes + 1, to));
        Assert.Contains($"{kernel.MostSharedBytes + 1} bytes", e.Message);
        Assert.Contains($"has {kernel.MostSharedBytes}", e.Message);
    }

    [CudaFact]
    public void A_way_that_depends_on_a_local_array_is_each_threads_own()
    {
        using var to = zeros(32, dtype: ScalarType.Int32, device: CUDA);
        KernelDevice.Of(to).Prepare(EmulatorTests.Method(nameof(Kernels.PartByLocal))).Launch(1, 32, 0, to, 1);
        Assert.Equal(Enumerable.Range(0, 32).Select(i => i + 3 > 5 ? 1 : 2), to.cpu().data<int>().ToArray());
    }

    [CudaFact]
    public void Matrix_products_need_no_local_memory()
    {
        var method = KernelCompilerTests.Products.MakeGenericMethod(typeof(Size128), typeof(Size128), typeof(Size64));
        var kernel = (CudaKernel)CudaDevice.Number(0).Prepare(method);
        Assert.Equal(0, kernel.LocalBytes);
        Assert.InRange(kernel.Registers, 64, 255);
    }

    [CudaFact]
    public void Text_that_the_driver_refuses_is_quoted_with_its_reason()
    {
        var kernel = new PtxKernel("Kernel_Test", PtxText.Kernel("nonsense.b32\t%r1, %r2;\nret;"));
        var e = Assert.Throws<KernelCompilationException>(() => CudaLinker.Link(CudaDevice.Number(0), kernel, "Test"));
        Assert.Contains("Compiling Test failed", e.Message);
        Assert.Contains("nonsense", e.Message);
    }

    [CudaFact]
    public void A_kernel_that_is_too_large_to_launch_says_so()
    {
        using var to = zeros(1, device: CUDA);
        var kernel = KernelDevice.Of(to).Prepare(EmulatorTests.Method(nameof(Kernels.Sum)));
        var e = Assert.Throws<CudaException>(() => kernel.Launch(new Dim3(1, 1, 70_000), 32, 128, to));
        Assert.Contains("Kernels.Sum with 1 x 1 x 70000 blocks of 32 threads", e.Message);
        Assert.Contains("CUDA_ERROR_INVALID_VALUE", e.Message);
    }

    [CudaFact]
    public void A_device_tells_what_schedules_depend_on()
    {
        var device = CudaDevice.Number(0);
        Assert.InRange(device.ComputeCapability.Major, 8, 20);
        Assert.InRange(device.Multiprocessors, 1, 1000);
        Assert.InRange(device.SharedBytesPerBlock, 48 * 1024, device.SharedBytesPerMultiprocessor);
        Assert.InRange(device.CacheBytes, 1 << 20, 1 << 30);
        Assert.True(device.BytesPerSecond is 0 or > 1e11);
    }

    [CudaFact]
    public void A_device_that_there_is_not_is_refused() =>
        Assert.Contains("got number 99", Assert.Throws<ArgumentException>(() => CudaDevice.Number(99)).Message);

    [CudaFact]
    public void Tensors_of_several_devices_are_refused()
    {
        using var scope = NewDisposeScope();
        var e = Assert.Throws<ArgumentException>(() => KernelDevice.Of(zeros(1, device: CUDA), zeros(1)));
        Assert.Contains("cuda:0", e.Message);
    }
}
