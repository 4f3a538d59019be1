using Fla.Dsl.Runtime;
using Fla.Layers.Kernels;
using Fla.Layers.Modules;
using Fla.Layers.Tests.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

public class DispatchTests
{
    [Fact]
    public void Tensors_in_main_memory_are_the_formulas_unless_the_emulator_is_asked_for()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 8);
        Assert.Null(ModuleKernel.DeviceOf(x));
        InEmulator(() =>
        {
            Assert.Equal("emulator", ModuleKernel.DeviceOf(x, null, x.to(ScalarType.BFloat16))!.Name);
            Assert.Null(ModuleKernel.DeviceOf(x.to(ScalarType.Float64)));
            Assert.Null(ModuleKernel.DeviceOf(x, randn(0)));
            Assert.Null(ModuleKernel.DeviceOf(null, null));
            var norm = new NormFunction(Normalisation.RootMeanSquare(1e-5));
            Assert.NotNull(FusedNorm.DeviceOf(norm, zeros(1, RowShape.MostColumns), null, null, null, null));
            Assert.Null(FusedNorm.DeviceOf(norm, zeros(1, RowShape.MostColumns + 1), null, null, null, null));
        });
    }

    [Fact]
    public void A_model_s_modules_give_the_same_by_kernels()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var x = randn(2, 5, 16);
        var offsets = tensor(new long[] { 0, 3, 5 });
        var (rms, gated, groups) = (new RMSNorm(16), new FusedRMSNormGated(16), new GroupNorm(2, 16, bias: true));
        var (linear, mlp, convolution) = (new RMSNormLinear(16), new GatedMLP(16, intermediateSize: 24), new ShortConvolution(16, 4));
        var (rotary, map, target) = (new RotaryEmbedding(8), randn(9, 16), randint(0, 9, 10));
        var cache = randn(2, 16, 4);

        Tensor[] All()
        {
            var (y, sum) = rms.forward(x, x);
            var (convolved, last) = convolution.forward(x, cache, outputFinalState: true);
            var (packed, _) = convolution.forward(x[..1], cache, outputFinalState: true, cuSeqlens: offsets);
            var (q, k) = rotary.forward(x.view(2, 5, 2, 8), x.view(2, 5, 2, 8));
            return
            [
                y, sum, rms.forward(x), gated.forward(x, x), groups.forward(x), L2Norm.Normalize(x), linear.forward(x, map, null),
                mlp.forward(x), convolution.forward(x), convolved, last!, packed, convolution.forward(x[..1], null, cuSeqlens: offsets).y,
                q, k, new FusedLinearCrossEntropyLoss().forward(x, target, map),
                new FusedCrossEntropyLoss().forward(randn_like(map).copy_(map), target[..9]),
            ];
        }

        var expected = All();
        Tensor[] actual = [];
        InEmulator(() => actual = All());
        foreach (var (i, value) in actual.Index())
            Assert.True(value.From(expected[i]) < 1e-5, $"result {i}");
    }

    [Fact]
    public void A_training_step_by_kernels_gives_the_same_gradients()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 5, 16);
        var offsets = tensor(new long[] { 0, 3, 10 });
        var (convolution, packed) = (new ShortConvolution(16, 4), new ShortConvolution(16, 4, bias: true));
        var (norm, gated, mlp) = (new RMSNorm(16), new FusedRMSNormGated(8), new GatedMLP(16, intermediateSize: 24));
        var rotary = new RotaryEmbedding(8);
        nn.Module[] modules = [convolution, packed, norm, gated, mlp];
        var parameters = modules.SelectMany(module => module.parameters()).ToArray();
        Tensor[] Gradients()
        {
            foreach (var module in modules)
                module.zero_grad();
            using (NewDisposeScope())
            {
                var y = packed.forward(convolution.forward(x).reshape(1, 10, 16), null, cuSeqlens: offsets).y;
                var (q, k) = rotary.forward(y.reshape(1, 10, 2, 8), y.reshape(1, 10, 2, 8), 4);
                var (normed, sum) = norm.forward(gated.forward(L2Norm.Normalize(q), k).flatten(-2), y);
                var logits = mlp.forward(normed).Plus(sum);
                new FusedCrossEntropyLoss(inplaceBackward: true).forward(logits[0], arange(10)).backward();
            }

            return [.. parameters.Select(parameter => parameter.grad!.clone())];
        }

        var expected = Gradients();
        Tensor[] actual = [];
        InEmulator(() => actual = Gradients());
        Assert.NotEmpty(actual);
        foreach (var (i, value) in actual.Index())
            Assert.True(value.From(expected[i]) < 1e-5, $"gradient {i}");
    }

    private static void InEmulator(Action action)
    {
        var before = Environment.GetEnvironmentVariable(Backend.Variable);
        Environment.SetEnvironmentVariable(Backend.Variable, "emulator");
        try
        {
            action();
        }
        finally
        {
            Environment.SetEnvironmentVariable(Backend.Variable, before);
        }
    }
}
