using static TorchSharp.torch;

namespace NewVariant.Text;

/// <summary>
/// The windows of text that a step trains on: each pass goes over the text in another order and from another place. They depend on
/// nothing but the seed and the step, so that a resumed run, and every model, sees the same.
/// </summary>
internal sealed class Batches(byte[] text, int seed)
{
    /// <summary>Windows a step.</summary>
    public const int Count = 4;

    /// <summary>Bytes that a window predicts.</summary>
    public const int Length = 256;

    // One window fewer than fit, so that a pass can begin anywhere in the first.
    private readonly int windows = text.Length / Length - 1;
    private int[] order = [];
    private int pass = -1;
    private int start;

    /// <summary>The windows of a step, <c>int64 [Count, Length + 1]</c>: a window's bytes and the one after.</summary>
    public Tensor At(int step) => Stack(text, Enumerable.Range(step * Count, Count).Select(StartOf));

    /// <summary>At most so many windows side by side, evenly spread over a text, in batches.</summary>
    public static IEnumerable<Tensor> Spread(byte[] text, int most)
    {
        var fitting = (text.Length - 1) / Length;
        var count = Math.Min(most, fitting);
        var starts = Enumerable.Range(0, count).Select(i => (int)((long)i * fitting / count) * Length);
        return starts.Chunk(Count).Select(some => Stack(text, some));
    }

    private static Tensor Stack(byte[] text, IEnumerable<int> starts)
    {
        long[] bytes = [.. starts.SelectMany(at => text[at..(at + Length + 1)]).Select(value => (long)value)];
        return tensor(bytes, [bytes.Length / (Length + 1), Length + 1]);
    }

    private int StartOf(int window)
    {
        if (pass != window / windows)
        {
            pass = window / windows;
            var random = new Random(HashCode(seed, pass));
            start = random.Next(Length);
            order = [.. Enumerable.Range(0, windows)];
            random.Shuffle(order);
        }

        return start + order[window % windows] * Length;
    }

    // Not System.HashCode, which differs from run to run.
    private static int HashCode(int seed, int pass) => unchecked(seed * 1_000_003 + pass);
}
