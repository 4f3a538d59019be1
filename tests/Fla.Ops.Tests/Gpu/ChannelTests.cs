using Fla.Ops.Tests.Cuda;
using static Fla.Ops.Tests.Gpu.Blocks;

namespace Fla.Ops.Tests.Gpu;

public class ChannelTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    public void A_lane_has_the_sum_over_the_warp_of_the_number_that_its_place_stands_for(int n)
    {
        float[] numbers = Random(256 * n, seed: 1), sums = New(256);
        Run(typeof(ChannelKernels), nameof(ChannelKernels.Lanes), [Size(n)], 0, Address(numbers), Address(sums));
        for (var thread = 0; thread < 256; thread++)
        {
            var expected = Enumerable.Range(thread / 32 * 32, 32).Sum(lane => (double)numbers[(lane * n) + (thread % n)]);
            Assert.Equal(expected, sums[thread], 1e-5);     // 32 numbers below 1
        }
    }

    [PtxasFact]
    public void Sums_stay_in_registers()
    {
        var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(ChannelKernels), nameof(ChannelKernels.Lanes), Size(16)));
        Assert.Equal((0, 0), (stack, spills));
    }
}
