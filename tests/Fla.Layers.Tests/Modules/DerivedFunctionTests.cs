using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

/// <summary>Functions with gradients of their own, as nodes of autograd's graph.</summary>
public class DerivedFunctionTests
{
    [Fact]
    public void A_training_step_leaves_no_tensor_behind()
    {
        using var norm = new RMSNormLinear(8);
        using var weight = randn(6, 8).requires_grad_();
        using var x = randn(5, 8).requires_grad_();
        using var target = randint(0, 6, 5);
        Step();
        Step();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var live = Tensor.TotalCount;
        for (var i = 0; i < 3; i++)
            Step();
        GC.Collect(); // nodes go with the outputs' wrappers
        GC.WaitForPendingFinalizers();
        Assert.InRange(Tensor.TotalCount, 0, live);

        void Step()
        {
            using var scope = NewDisposeScope();
            using var map = new FusedLinearCrossEntropyLoss();
            using var plain = new FusedCrossEntropyLoss();
            (map.forward(x, target, weight) + plain.forward(norm.forward(x, weight, null), target)).backward();
            foreach (var leaf in new[] { x, weight, norm.weight! })
            {
                leaf.grad!.Dispose();
                leaf.grad = null;
            }
        }
    }

    [Fact]
    public void A_failing_backward_reaches_the_caller_as_an_exception()
    {
        using var scope = NewDisposeScope();
        var x = randn(3).requires_grad_();
        var y = DerivedFunction.Apply(
            new Derivation((inputs, _) => (inputs[0]!.clone(), []), (_, _, _) => throw new InvalidOperationException("on purpose")), x);
        var errors = Console.Error;
        try
        {
            using var written = new StringWriter();
            Console.SetError(written);
            Assert.ThrowsAny<Exception>(() => y.sum().backward());
            Assert.Contains("on purpose", written.ToString());
        }
        finally
        {
            Console.SetError(errors);
        }
    }

    [Fact]
    public void A_graph_may_be_walked_twice()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(5, 8).requires_grad_(), randn(6, 8));
        var y = new RMSNormLinear(8).forward(x, weight, null).sum();
        y.backward(retain_graph: true);
        var once = x.grad!.clone();
        y.backward();
        Assert.True(x.grad!.From(2 * once) < 1e-6);
    }
}
