namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <c>L[i, j] = sum_k x[i, k] y[j, k] e^(sum of g[., k] between j and i)</c> over the tokens j that count for i, else 0, for x and y [C]xK
/// and L [C]x[C] in shared memory. Which count, and which gates lie between them, is the <see cref="ReadPoint"/>.
/// </summary>
public static class DecayedDots
{
    /// <summary>Computes L. It is there after a barrier.</summary>
    /// <param name="to">L, whole.</param>
    /// <param name="x">Of the later token.</param>
    /// <param name="y">Of the earlier token.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void Store<W, C, K, T, TOut>(SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        if (!W.IsCuda || T.TensorCoreType == 0) OneByOne<W, C, K, T, TOut>(to, x, y, sums, point);
        else DecayedSquares.Store<W, C, K, T, TOut>(to, x, y, sums, point);
    }

    private static void OneByOne<W, C, K, T, TOut>(SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        var d = Tile.New<W, C, C>();
        Tile.Fill<W, C, C>(d, 0f);

        // Not a for: the loop over k is not to be unrolled, the one over the elements is.
        var k = 0;
        do
        {
            for (var i = 0; i < Layout<W, C, C>.Count; i++)
            {
                int row = Layout<W, C, C>.Row(i), column = Layout<W, C, C>.Column(i);
                var decay = Decays.Between<W, C, K>(sums, row, column, k, point);
                d[i] += T.ReadShared(x + Shared<C, K, T>.At(row, k)) * T.ReadShared(y + Shared<C, K, T>.At(column, k)) * decay;
            }

            k++;
        }
        while (k < K.Value);

        Tile.Store<W, C, C, TOut>(to, d);
    }
}
