using Fla.Dsl.Runtime.Launch;

namespace Fla.Ops.Tests.Launch;

public class RecentTests
{
    [Fact]
    public void What_was_asked_for_longest_ago_is_forgotten_and_disposed_of()
    {
        var recent = new Recent<string, Resource>(2);
        Resource a = recent.Of("a", Resource.New), b = recent.Of("b", Resource.New);
        Assert.Same(a, recent.Of("a", Resource.New));
        recent.Of("c", Resource.New);
        Assert.True(b.IsDisposed);
        Assert.False(a.IsDisposed);
        Assert.Same(a, recent.Of("a", Resource.New));
        Assert.NotSame(b, recent.Of("b", Resource.New));
    }

    private sealed class Resource : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public static Resource New(string key) => new();

        public void Dispose() => IsDisposed = true;
    }
}
