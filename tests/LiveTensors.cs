using TorchSharp;

namespace Fla.Tests;

/// <summary>
/// Tensors of this thread that nobody disposed. Unlike <see cref="torch.Tensor.TotalCount"/> it counts those that a garbage collection
/// freed: one left behind is seen whenever a collection comes, and what other tests left goes without being missed here.
/// </summary>
internal static class LiveTensors
{
    public static long Count => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
