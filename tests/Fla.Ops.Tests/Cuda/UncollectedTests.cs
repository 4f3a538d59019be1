using System.Runtime;
using Fla.Dsl.Runtime.Cuda;

namespace Fla.Ops.Tests.Cuda;

public class UncollectedTests
{
    private const int Mebibyte = 1 << 20;

    [Fact]
    public void Nothing_is_collected_while_a_function_runs()
    {
        var (before, after) = Uncollected.While(() =>
        {
            int before = GC.CollectionCount(0);
            Litter(512);
            return (before, GC.CollectionCount(0));
        });
        Assert.Equal(before, after);
        Assert.False(IsHeld);
    }

    [Fact]
    public void It_lasts_until_the_last_of_several_has_run()
    {
        Uncollected.While(() =>
        {
            Uncollected.While(() => 0);
            Assert.True(IsHeld);
            return 0;
        });
        Assert.False(IsHeld);
    }

    [Fact]
    public void What_is_left_is_collected_soon_after()
    {
        var left = Uncollected.While(() => new WeakReference(new byte[Mebibyte]));
        Assert.True(SpinWait.SpinUntil(() => !left.IsAlive, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void It_ends_with_an_exception()
    {
        Assert.Throws<NotSupportedException>(() => Uncollected.While<int>(() => throw new NotSupportedException()));
        Assert.False(IsHeld);
        Assert.True(Uncollected.While(() => IsHeld));
    }

    [Fact]
    public void It_ends_where_memory_ends()
    {
        int collections = GC.CollectionCount(0);
        Uncollected.While(() =>
        {
            for (int i = 0; i < 8 && IsHeld; i++) Litter(512);
            Assert.False(IsHeld);
            return 0;
        });
        Assert.True(GC.CollectionCount(0) > collections);
        Assert.True(Uncollected.While(() => IsHeld));
    }

    [Fact]
    public void What_a_program_has_asked_for_itself_is_left_alone()
    {
        Assert.True(GC.TryStartNoGCRegion(16 * Mebibyte));
        Uncollected.While(() => 0);
        Assert.True(IsHeld);
        GC.EndNoGCRegion();
    }

    private static bool IsHeld => GCSettings.LatencyMode == GCLatencyMode.NoGCRegion;

    private static void Litter(int mebibytes)
    {
        for (int i = 0; i < mebibytes * 16; i++) GC.KeepAlive(new byte[Mebibyte / 16]);
    }
}
