using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Decays between tokens of a chunk, from sums of log-decays in shared memory: [C]xK, as <see cref="RunningSums.OfGates"/> leaves them.
/// </summary>
internal static class Decays
{
    /// <summary>
    /// What sums of 16 tokens' log-decays may be in products whose fragments have exponents above 0: they and their products are far from
    /// the largest number of fp32 and of bf16.
    /// </summary>
    private const float LeastOf16 = -60f;

    /// <summary>
    /// Whether 16 tokens of a chunk, wherever they begin, are known to decay so little that products take the exponents of either sign.
    /// </summary>
    public static bool AreMild<C, K, T>(SharedAddress sums)
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Asm.Load(Asm.Of(Mark<C, K>(sums))) != 0f;

    /// <summary>Whether the log-decays of tokens that follow one another are mild, from their sum.</summary>
    public static bool IsMild(float sum, int tokens) => sum >= LeastOf16 / 16 * Numbers.Lesser(tokens, 16);

    /// <summary>Where it says so: in the padding of the first row.</summary>
    public static SharedAddress Mark<C, K>(SharedAddress sums)
        where C : struct, ISize
        where K : struct, ISize => sums + (Shared<C, K, SingleElement>.Stride - 16);

    /// <summary>From a later token's row to that of the sums which its decay ends with: none before its own gate.</summary>
    public static int Shift(ReadPoint point) => point == ReadPoint.BeforeDecay ? -1 : 0;

    /// <summary>Whether a token counts for a later one.</summary>
    public static bool Counts(int later, int earlier, ReadPoint point) =>
        point == ReadPoint.AfterWrite ? earlier <= later : earlier < later;

    /// <summary>The decay from one token to a later one; 0 where the one does not count for the other.</summary>
    public static float Between<W, C, K>(SharedAddress sums, int later, int earlier, int column, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
    {
        var counts = Counts(later, earlier, point);
        var end = Numbers.Select(counts, later + Shift(point), earlier);
        return Numbers.Where(counts, Numbers.Exp<W>(Read<C, K>(sums, end, column) - Read<C, K>(sums, earlier, column)));
    }

    /// <summary>Where the lane's columns of a row of the sums begin, which are those of a fragment: on CUDA.</summary>
    public static uint Place<C, K>(SharedAddress sums, int row)
        where C : struct, ISize
        where K : struct, ISize => Asm.Of(sums + Shared<C, K, SingleElement>.At(row, 2 * (Block.Lane & 3)));

    /// <summary>
    /// Of a pair of a fragment of half type two operands of fp32, scaled by the decay between a reference and the tokens' sums.
    /// </summary>
    /// <param name="fragment">The operands.</param>
    /// <param name="at">Where the first goes.</param>
    /// <param name="step">From there to the second.</param>
    /// <param name="pair">The pair.</param>
    /// <param name="sums">Where the two sums are.</param>
    /// <param name="reference">The sums at the reference.</param>
    /// <param name="later">Whether the fragment is later than the reference.</param>
    /// <param name="numbers">Four registers.</param>
    public static void Operands<W, T>(
        ArrayView<uint> fragment, int at, int step, uint pair, uint sums, ArrayView<float> reference, bool later, ArrayView<float> numbers)
        where W : struct, IBlock
        where T : struct, IElement
    {
        Asm.LoadPair(numbers, 0, sums);
        Asm.Unpack<T>(numbers, 2, pair);
        for (var e = 0; e < 2; e++) fragment[at + (e * step)] = Asm.Operand(numbers[2 + e] * Factor<W>(numbers[e], reference[e], later));
    }

    /// <summary>Puts two numbers beside one another into shared memory: on CUDA.</summary>
    public static void StorePair<T>(SharedAddress to, float first, float second)
        where T : struct, IElement
    {
        if (T.TensorCoreType == 0)
        {
            Asm.StorePair(Asm.Of(to), first, second);
        }
        else
        {
            var address = Asm.Of(to);
            var pair = Asm.Pair<T>(first, second);
            CudaAsm.Emit("st.shared.b32 [%0], %1;", address, pair);
        }
    }

    /// <summary>The decay between a reference and a token.</summary>
    public static float Factor<W>(float sum, float reference, bool later)
        where W : struct, IBlock => Numbers.Exp<W>(later ? sum - reference : reference - sum);

    private static float Read<C, K>(SharedAddress sums, int row, int column)
        where C : struct, ISize
        where K : struct, ISize => SingleElement.ReadShared(sums + Shared<C, K, SingleElement>.At(row, column));
}
