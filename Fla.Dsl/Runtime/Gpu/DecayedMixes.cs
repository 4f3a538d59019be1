using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <c>d[i, n] += sum_j a[i, j] y[j, n] e^(sum of g[., n] between j and i)</c> over the tokens j that count for i, and transposed
/// <c>d[j, n] += sum_i a[i, j] x[i, n] e^(..)</c> over the tokens i for which j counts, for a [C]x[C] and x or y [C]xN in shared memory
/// and d [C]xN in registers. Which count, and which gates lie between them, is the <see cref="ReadPoint"/>; nothing else of a is looked at.
/// </summary>
public static class DecayedMixes
{
    /// <summary>Adds to d what the later tokens see of the earlier.</summary>
    /// <param name="d">The result, in registers.</param>
    /// <param name="a">How much each token (row) sees of each earlier token (column).</param>
    /// <param name="y">Of the earlier tokens.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void Add<W, C, N, T>(ArrayView<float> d, SharedAddress a, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement => Mix<W, C, N, T>(d, a, y, sums, point, false);

    /// <summary>Adds to d what the earlier tokens give to the later, of those.</summary>
    /// <param name="d">The result, in registers.</param>
    /// <param name="a">How much each token (row) sees of each earlier token (column).</param>
    /// <param name="x">Of the later tokens.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void AddTransposed<W, C, N, T>(ArrayView<float> d, SharedAddress a, SharedAddress x, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement => Mix<W, C, N, T>(d, a, x, sums, point, true);

    private static void Mix<W, C, N, T>(
        ArrayView<float> d, SharedAddress a, SharedAddress from, SharedAddress sums, ReadPoint point, bool transposed)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (!W.IsCuda || T.TensorCoreType == 0) OneByOne<W, C, N, T>(d, a, from, sums, point, transposed);
        else DecayedBlocks.Add<W, C, N, T>(d, a, from, sums, point, transposed);
    }

    private static void OneByOne<W, C, N, T>(
        ArrayView<float> d, SharedAddress a, SharedAddress from, SharedAddress sums, ReadPoint point, bool transposed)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        // Not a for: the loop over the tokens is not to be unrolled, the one over the elements is.
        var token = 0;
        do
        {
            for (var i = 0; i < Layout<W, C, N>.Count; i++)
            {
                int row = Layout<W, C, N>.Row(i), column = Layout<W, C, N>.Column(i);
                int later = transposed ? token : row, earlier = transposed ? row : token;
                var decay = Decays.Between<W, C, N>(sums, later, earlier, column, point);
                var seen = Numbers.Where(decay > 0f, T.ReadShared(a + Shared<C, C, T>.At(later, earlier)));
                d[i] += seen * decay * T.ReadShared(from + Shared<C, N, T>.At(token, column));
            }

            token++;
        }
        while (token < C.Value);
    }
}
