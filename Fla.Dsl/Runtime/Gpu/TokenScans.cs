namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Recurrences by element down the tokens of [C]xN tiles, which lie in shared memory as <see cref="Shared{M, N, T}"/> of fp32. A thread
/// has a column: all threads call these after a barrier, and what comes out is there for others after the next one. What comes out may
/// take the place of what goes in.
/// </summary>
public static class TokenScans
{
    /// <summary><c>to[j] = sum_i x[i] (product of a between j and i)</c> over the i for which j counts at a point.</summary>
    public static void LinearTransposed<C, N>(SharedAddress to, SharedAddress x, SharedAddress a, ReadPoint point)
        where C : struct, ISize
        where N : struct, ISize
    {
        if (!Rows.IsMine<N>()) return;

        // What later tokens give: as far as the factor of the token after this one, or before the decay as far as that of the one after it.
        var sum = 0f;
        for (var i = 0; i < C.Value; i++)
        {
            var token = C.Value - 1 - i;
            float factor = Get<C, N>(a, token), given = Get<C, N>(x, token), own = given + sum;
            Set<C, N>(to, token, point == ReadPoint.AfterWrite ? own : sum);
            sum = point == ReadPoint.BeforeDecay ? given + (factor * sum) : factor * own;
        }
    }

    /// <summary>
    /// <c>to[i] = log(sum_j exp(x[j]))</c> over the j that count for i at a point; minus infinity where none does.
    /// </summary>
    public static void Logarithmic<W, C, N>(SharedAddress to, SharedAddress x, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
    {
        if (!Rows.IsMine<N>()) return;
        var sum = float.NegativeInfinity;
        for (var i = 0; i < C.Value; i++)
        {
            var next = Numbers.LogAddExp<W>(sum, Get<C, N>(x, i));
            Set<C, N>(to, i, point == ReadPoint.AfterWrite ? next : sum);
            sum = next;
        }
    }

    private static float Get<C, N>(SharedAddress tile, int token)
        where C : struct, ISize
        where N : struct, ISize => SingleElement.ReadShared(tile + Shared<C, N, SingleElement>.At(token, Rows.Column));

    private static void Set<C, N>(SharedAddress tile, int token, float value)
        where C : struct, ISize
        where N : struct, ISize => SingleElement.WriteShared(tile + Shared<C, N, SingleElement>.At(token, Rows.Column), value);
}
