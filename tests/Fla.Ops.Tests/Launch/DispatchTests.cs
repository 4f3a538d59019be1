using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Emulator;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using Fla.Ops.Tests.Runtime;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Launch;

/// <summary>Which calls go to kernels.</summary>
public class DispatchTests
{
    private static readonly Device Cuda = new("cuda:0");

    [Fact]
    public void Main_memory_is_for_TorchSharp_unless_the_emulator_is_asked_for()
    {
        foreach (var name in (string?[])[null, "", "torch", "emulator"])
        {
            using var backend = new BackendOf(name);
            Assert.Equal(name == "emulator" ? EmulatedDevice.Instance : null, Backend.KernelsOn(CPU));
        }
    }

    [Fact]
    public void TorchSharp_has_CUDA_tensors_when_asked_for()
    {
        using var backend = new BackendOf("torch");
        Assert.Null(Backend.KernelsOn(Cuda));
    }

    [Fact]
    public void A_backend_that_there_is_not_is_refused_by_name()
    {
        using var backend = new BackendOf("triton");
        Refused(() => Backend.KernelsOn(CPU), "FLA_BACKEND: expected torch, gpu, emulator or nothing, got 'triton'");
        Refused(() => Run(Mode.FusedRecurrent), "'triton'");
    }

    [Fact]
    public void The_GPU_has_nothing_in_main_memory()
    {
        using var backend = new BackendOf("gpu");
        Refused(() => Run(), "FLA_BACKEND=gpu: expected tensors on cuda", "got them on cpu");
    }

    [Fact]
    public void The_GPU_that_there_is_not_is_named()
    {
        if (OnCuda.SkipElsewhere is null) return;
        using var backend = new BackendOf("gpu");
        Refused(() => Run(), "of which PyTorch finds none");
        Assert.Throws<CudaException>(() => Backend.KernelsOn(Cuda));
    }

    [Fact]
    public void The_emulator_has_nothing_on_a_GPU()
    {
        using var backend = new BackendOf("emulator");
        Refused(() => Backend.KernelsOn(Cuda), "FLA_BACKEND=emulator: expected tensors on cpu; got them on cuda:0");
    }

    [Fact]
    public void Modes_over_chunks_go_to_kernels()
    {
        using var backend = BackendOf.Emulator;
        Run(Mode.Chunk);
        Run(Mode.FusedChunk);
    }

    [Fact]
    public void Other_modes_and_steps_do_not()
    {
        using var backend = BackendOf.Emulator;
        Run(Mode.FusedRecurrent);
        Assert.Throws<ByTorchException>(() => Run(Mode.Parallel));
        using var scope = NewDisposeScope();
        var inputs = Inputs.Random(KernelOps.DecayingSums, 2, 1, heads: 1, dtype: ScalarType.Float32);
        inputs.Test.Op.Step([.. inputs.Arguments.Select((argument, i) => i == 4 ? argument : argument!.squeeze(1))]);
    }

    [Fact]
    public void What_kernels_cannot_do_goes_to_TorchSharp()
    {
        using var backend = BackendOf.Emulator;
        Assert.Throws<ByTorchException>(() => Run(type: ScalarType.Float64));
        Assert.Throws<ByTorchException>(() => Run(keys: 257));
        var forwardOnly = KernelOps.With(DecayingSumsKernels.Program with { Backward = null });
        Run(op: forwardOnly);
        Assert.Throws<ByTorchException>(() => Run(op: forwardOnly, differentiable: true));
    }

    [Fact]
    public void Gradients_per_head_have_a_kernel_of_their_own_where_nobody_wants_them()
    {
        using var backend = BackendOf.Emulator;
        using var scope = NewDisposeScope();
        var missing = new GpuKernel(typeof(DispatchTests), "Missing", ["K", "V"], "V", []);
        var op = KernelOps.With(DecayingSumsKernels.Program with { Backward = missing, TokenBackward = DecayingSumsKernels.Program.Backward }).Op;
        var inputs = Inputs.Random(KernelOps.DecayingSums, 1, 3, heads: 2).Leaves(ScalarType.Float32);
        var (o, _) = op.Run(Mode.Chunk, [.. inputs.Arguments.Select((argument, i) => i == 4 ? argument!.detach() : argument)]);
        o.sum().backward();
        Assert.Throws<MissingMethodException>(() => op.Run(Mode.Chunk, inputs.Arguments));
    }

    private static void Run(
        Mode mode = Mode.Chunk, ScalarType type = ScalarType.Float32, long keys = 6, TestOp? op = null, bool differentiable = false)
    {
        using var scope = NewDisposeScope();
        var q = ones([1, 3, 1, keys], type).requires_grad_(differentiable);
        var (o, _) = (op ?? KernelOps.DecayingSums).Op.Run(mode, [q, ones_like(q), ones([1, 3, 1, 4], type), zeros([1, 3, 1], type), null]);
        if (differentiable) o.sum().backward();
    }

    private static void Refused(Action action, params string[] pieces)
    {
        var message = Assert.Throws<ArgumentException>(action).Message;
        foreach (var piece in pieces) Assert.Contains(piece, message);
    }
}
