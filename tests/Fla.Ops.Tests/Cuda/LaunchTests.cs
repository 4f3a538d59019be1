using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Emulator;
using Fla.Dsl.Runtime.Launch;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Cuda;

/// <summary>What is refused before anything runs, on whatever device.</summary>
public class LaunchTests
{
    private static PreparedKernel Floats => EmulatedDevice.Instance.Prepare(EmulatorTests.Method(nameof(Kernels.Floats)));

    [Fact]
    public void A_block_of_other_than_whole_warps_is_refused() =>
        Refused(() => Floats.Launch(1, 48, 0, 0L, 0L, 0), "block", "Kernels.Floats", "48");

    [Fact]
    public void A_block_of_too_many_threads_is_refused() => Refused(() => Floats.Launch(1, 2048, 0, 0L, 0L, 0), "block", "1024", "2048");

    [Fact]
    public void An_empty_grid_is_refused() => Refused(() => Floats.Launch(new Dim3(1, 0), 32, 0, 0L, 0L, 0), "grid", "1 x 0 x 1");

    [Fact]
    public void More_shared_memory_than_there_is_is_refused_in_bytes() =>
        Refused(() => Floats.Launch(1, 32, 300_000, 0L, 0L, 0), "sharedBytes", "300000", "232448");

    [Fact]
    public void An_argument_too_few_is_refused() => Refused(() => Floats.Launch(1, 32, 0, 0L, 0L), "arguments", "expected 3", "got 2");

    [Fact]
    public void An_argument_of_another_type_is_refused_by_name() =>
        Refused(() => Floats.Launch(1, 32, 0, 0L, 0L, 1f), "arguments", "Int32 for n", "Single");

    [Fact]
    public void A_tensor_that_is_not_contiguous_is_refused_with_its_strides()
    {
        using var scope = NewDisposeScope();
        var transposed = zeros(3, 4).t();
        Refused(() => TensorMemory.Pointer(transposed), "transposed", "strides [1, 4]", "sizes [4, 3]");
    }

    [Fact]
    public void What_does_not_begin_at_a_multiple_of_16_bytes_is_copied()
    {
        using var scope = NewDisposeScope();
        Tensor whole = rand(9), part = whole.slice(0, 1, 9, 1), aligned = part.Aligned();
        Assert.Same(whole, whole.Aligned());
        Assert.NotEqual(0, TensorMemory.Pointer(part) % 16);
        Assert.Equal(0, TensorMemory.Pointer(aligned) % 16);
        Assert.True(aligned.equal(part).all().item<bool>());
    }

    [Fact]
    public void A_method_that_is_no_kernel_is_refused()
    {
        Refused(() => EmulatedDevice.Instance.Prepare(KernelCompilerTests.Products), "method", "TileKernels.Products<M, N, K>");
        Refused(
            () => EmulatedDevice.Instance.Prepare(EmulatorTests.Method(nameof(Kernels.WithTensorType))),
            "method", "Int64, Int32, Single, GpuTensor", "System.Double x");
    }

    [Fact]
    public void A_method_is_prepared_once() => Assert.Same(Floats, Floats);

    [Fact]
    public void Tensors_in_main_memory_are_the_emulators()
    {
        using var tensor = zeros(1);
        Assert.Same(EmulatedDevice.Instance, KernelDevice.Of(tensor, tensor));
    }

    [Fact]
    public void Tensors_of_several_devices_or_of_none_are_refused()
    {
        using var scope = NewDisposeScope();
        Refused(() => KernelDevice.Of(zeros(1), zeros(1, device: META)), "tensors", "cpu", "meta", "number 2");
        Refused(() => KernelDevice.Of(zeros(1, device: META)), "tensors", "cuda or cpu", "meta");
        Refused(() => KernelDevice.Of(), "tensors", "at least one");
    }

    [Fact]
    public void Without_a_driver_that_is_what_is_said()
    {
        if (OnCuda.SkipElsewhere is null) return;
        string message = Assert.Throws<CudaException>(() => CudaDevice.Number(0)).Message;
        Assert.Matches("no CUDA driver on this machine: .* does not load|cuInit failed: CUDA_ERROR_NO_DEVICE", message);
    }

    private static void Refused(Action action, string parameter, params string[] pieces)
    {
        var e = Assert.Throws<ArgumentException>(action);
        Assert.Equal(parameter, e.ParamName);
        foreach (string piece in pieces) Assert.Contains(piece, e.Message);
    }
}
