using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// The two triangles of eight tokens in a warp's block of <see cref="DecayedMixes"/> on tensor cores: a lane has one token of each, and two
/// columns of a square. What a token gives is handed from lane to lane, a token each time.
/// </summary>
internal readonly struct MixedTriangles<W, C, N, T>(
    SharedAddress a, SharedAddress from, SharedAddress sums, int top, int left, bool transposed)
    where W : struct, IBlock
    where C : struct, ISize
    where N : struct, ISize
    where T : struct, IElement
{
    private readonly uint numbers = Asm.Of(from + Shared<C, N, T>.At(top + (Block.Lane >> 2), left + ((Block.Lane & 3) * 2)));

    private readonly uint upTo = Decays.Place<C, N>(sums, top + (Block.Lane >> 2)) + (uint)(left * 4);

    // The first token has no gate to hand anything on through, whatever is read.
    private readonly uint before = Decays.Place<C, N>(sums, Numbers.Larger(top + (Block.Lane >> 2) - 1, 0)) + (uint)(left * 4);

    /// <summary>
    /// How much of each other token of its eight the lane's token sees, or gives to it: 8 numbers for each triangle, its own first.
    /// </summary>
    public void Seen(ArrayView<float> seen, ReadPoint point)
    {
        var g = Block.Lane >> 2;
        for (var i = 0; i < 16; i++)
        {
            int row = top + (i / 8 * 8) + g, distance = i % 8;
            var counts = (transposed ? g + distance < 8 : g >= distance) & (distance > 0 | point == ReadPoint.AfterWrite);
            var other = Numbers.Select(counts, transposed ? row + distance : row - distance, row);
            var number = T.ReadShared(a + Shared<C, C, T>.At(transposed ? other : row, transposed ? row : other));
            seen[i] = Numbers.Where(counts, number);
        }
    }

    /// <summary>Adds what they see to a square of d.</summary>
    public void Add(ArrayView<float> d, int square, ArrayView<float> seen, ReadPoint point, ArrayView<float> pairs)
    {
        for (var i = 0; i < 2; i++)
        {
            var whole = (uint)((square * 32) + (i * 8 * Shared<C, N, SingleElement>.Stride));
            Asm.LoadPair(pairs, 0, upTo + whole);
            Asm.LoadPair(pairs, 2, (i == 0 ? before : upTo - (uint)Shared<C, N, SingleElement>.Stride) + whole);
            float gate = Decays.Factor<W>(pairs[0], pairs[2], true), nextGate = Decays.Factor<W>(pairs[1], pairs[3], true);
            Asm.LoadHalves<T>(pairs, 0, numbers + (uint)((square * 16) + (i * 8 * Shared<C, N, T>.Stride)));
            float handed = pairs[0], next = pairs[1], sum = seen[8 * i] * handed, nextSum = seen[8 * i] * next;
            for (var distance = 1; distance < 8; distance++)
            {
                // Tokens give on through the gate of the later of the two, or, read before that, had what they saw let through before.
                var gateFirst = transposed & (distance > 1 | point != ReadPoint.BeforeDecay);
                handed = Handed(gateFirst ? handed * gate : handed);
                next = Handed(gateFirst ? next * nextGate : next);
                if (!transposed & point != ReadPoint.BeforeDecay) (handed, next) = (handed * gate, next * nextGate);
                sum += seen[(8 * i) + distance] * handed;
                nextSum += seen[(8 * i) + distance] * next;
                if (!transposed & point == ReadPoint.BeforeDecay) (handed, next) = (handed * gate, next * nextGate);
            }

            d[(4 * square) + (2 * i)] += sum;
            d[(4 * square) + (2 * i) + 1] += nextSum;
        }
    }

    private float Handed(float number) => transposed ? Warp.ShuffleDown(number, 4) : Warp.ShuffleUp(number, 4);
}
