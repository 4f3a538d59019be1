using CsCheck;
using Fla.Dsl.Runtime.Cuda.Ptx;

namespace Fla.Ops.Tests.Cuda;

public class PassesPropertyTests
{
    [Fact]
    public void Every_kernel_stores_the_same_after_the_passes() => Gen.Int.Sample(
        seed =>
        {
            string text = RandomKernel.Of(seed);
            PtxText.Same(text, PtxText.Unrolled(text));
            PtxText.Same(text, PtxText.Promoted(text));
            PtxText.Same(text, PtxText.Numbered(text));
            PtxText.Same(text, PtxPasses.Run(text, PtxText.Target));
        }, iter: 2000, threads: 1);

    [Fact]
    public void The_kernels_are_such_that_the_passes_have_something_to_do_and_something_to_leave()
    {
        string[] kernels = [.. Enumerable.Range(0, 400).Select(RandomKernel.Of)];
        string[] passed = [.. kernels.Select(text => PtxPasses.Run(text, PtxText.Target))];
        Assert.InRange(passed.Count(text => !text.Contains(".local", StringComparison.Ordinal)), 100, 390);
        Assert.InRange(kernels.Count(text => PtxText.Loops(PtxText.Unrolled(text)) < PtxText.Loops(text)), 100, 400);
        Assert.InRange(passed.Count(text => PtxText.Loops(text) > 0), 40, 300);
    }
}
