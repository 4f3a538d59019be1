using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Sums down the tokens of a [C]xK tile in shared memory. A thread has two columns of a stretch of tokens; the totals of the stretches are
/// exchanged where the sums are going to be.
/// </summary>
public static class RunningSums
{
    /// <summary>The least log-decay that counts: e to the power of it is 0 beside any other number, and sums of it are finite.</summary>
    private const float LeastGate = -100f;

    /// <summary>
    /// The sums of log-decays up to each token, with its own, as fp32: what <see cref="DecayedDots"/> and <see cref="DecayedMixes"/> take.
    /// The sums do not rise from one token to the next. Beside them is marked whether they are mild
    /// (<see cref="Decays.AreMild{C, K, T}"/>). There is a barrier before they may be read.
    /// </summary>
    /// <param name="to">The sums: a tile of <see cref="SingleElement"/>. May be <paramref name="from"/> if that is one, too.</param>
    /// <param name="from">The log-decays.</param>
    public static void OfGates<W, C, K, T>(SharedAddress to, SharedAddress from)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Sum<W, C, K, T>(to, from, LeastGate, reverse: false, exclusive: false, areDecays: true);

    /// <summary>
    /// The sum of the tokens up to each, or from it on; with or without its own. There is a barrier before they may be read.
    /// </summary>
    /// <param name="to">The sums: a tile of <see cref="SingleElement"/>. May be <paramref name="from"/> if that is one, too.</param>
    /// <param name="from">What is summed.</param>
    /// <param name="reverse">Whether from the last token.</param>
    /// <param name="exclusive">Whether without a token's own.</param>
    public static void Of<W, C, K, T>(SharedAddress to, SharedAddress from, bool reverse, bool exclusive)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Sum<W, C, K, T>(to, from, float.NegativeInfinity, reverse, exclusive, areDecays: false);

    private static void Sum<W, C, K, T>(SharedAddress to, SharedAddress from, float least, bool reverse, bool exclusive, bool areDecays)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int length = C.Value / Stretches<W, K>(), column = Group.IdxX % (K.Value / 2) * 2, stretch = Group.IdxX / (K.Value / 2);
        var works = stretch < Stretches<W, K>();
        var first = Numbers.Select(works, stretch, 0) * length;
        var own = LocalMemory.Allocate1D<float>(2 * length);
        var pair = LocalMemory.Allocate1D<float>(2);
        var sum = LocalMemory.Allocate1D<float>(2);
        sum[0] = 0f;
        sum[1] = 0f;
        for (var i = 0; i < length; i++)
        {
            var at = reverse ? length - 1 - i : i;
            Load<W, T>(pair, from + Shared<C, K, T>.At(first + at, column));
            for (var e = 0; e < 2; e++)
            {
                own[(2 * at) + e] = sum[e];
                sum[e] += Numbers.Select(pair[e] < least, least, pair[e]);
                if (!exclusive) own[(2 * at) + e] = sum[e];
            }
        }

        // The total waits in a row of the stretch, which this thread alone has read.
        if (works) Store<W>(to + Shared<C, K, SingleElement>.At(first, column), sum[0], sum[1]);
        var areMild = !works | (Decays.IsMild(sum[0], length) & Decays.IsMild(sum[1], length));
        if (areDecays && Group.IdxX == 0) SingleElement.WriteShared(Decays.Mark<C, K>(to), 1f);
        Group.Barrier();
        if (areDecays && !areMild) SingleElement.WriteShared(Decays.Mark<C, K>(to), 0f);
        sum[0] = 0f;
        sum[1] = 0f;
        for (var i = 0; i < Stretches<W, K>(); i++)
        {
            var other = reverse ? Stretches<W, K>() - 1 - i : i;
            Load<W, SingleElement>(pair, to + Shared<C, K, SingleElement>.At(other * length, column));
            for (var e = 0; e < 2; e++) sum[e] += Numbers.Where(reverse ? other > stretch : other < stretch, pair[e]);
        }

        Group.Barrier();
        if (!works) return;
        for (var i = 0; i < length; i++)
            Store<W>(to + Shared<C, K, SingleElement>.At(first + i, column), sum[0] + own[2 * i], sum[1] + own[(2 * i) + 1]);
    }

    /// <summary>Into how many stretches the tokens are cut: as many as there are threads for, a power of two.</summary>
    private static int Stretches<W, K>()
        where W : struct, IBlock
        where K : struct, ISize => K.Value <= 32 ? 2 * W.Value : K.Value <= 64 ? W.Value : K.Value <= 128 ? W.Value / 2 : W.Value / 4;

    private static void Load<W, T>(ArrayView<float> pair, SharedAddress from)
        where W : struct, IBlock
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0)
        {
            Asm.LoadHalves<T>(pair, 0, Asm.Of(from));
        }
        else if (W.IsCuda)
        {
            Asm.LoadPair(pair, 0, Asm.Of(from));
        }
        else
        {
            pair[0] = T.ReadShared(from);
            pair[1] = T.ReadShared(from + T.Bytes);
        }
    }

    private static void Store<W>(SharedAddress to, float first, float second)
        where W : struct, IBlock
    {
        if (W.IsCuda)
        {
            Asm.StorePair(Asm.Of(to), first, second);
        }
        else
        {
            SingleElement.WriteShared(to, first);
            SingleElement.WriteShared(to + 4, second);
        }
    }
}
