using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Layers.Kernels;

/// <summary>
/// A causal depthwise convolution, <c>y_t = act(sum_d w_d x_{t - d} + b)</c> over the tokens of t's own sequence, d below <c>Taps</c>.
/// A thread has P neighbouring channels and walks along a segment of the tokens, the last few of which it keeps in registers: the one
/// at place u of a turn of <c>Taps</c> tokens in slot u.
/// </summary>
internal static class ConvolutionKernels
{
    /// <summary>The output.</summary>
    /// <param name="y"><c>[tokens, channels]</c>.</param>
    /// <param name="x">The same.</param>
    /// <param name="weight"><c>[channels, width]</c>, the current token last.</param>
    /// <param name="bias"><c>[channels]</c>; 0 for none.</param>
    /// <param name="positions">Of each token in its sequence, int32; 0 where all sequences are <paramref name="length"/> long.</param>
    /// <param name="tokens">Of all sequences together.</param>
    /// <param name="length">The tokens of a sequence.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="width">How many tokens a filter spans; at most Taps.</param>
    /// <param name="segment">How many tokens a thread has.</param>
    /// <param name="swish">1 for <c>act(z) = z sigmoid(z)</c>, 0 for <c>act(z) = z</c>.</param>
    public static void Forward<W, Taps, P, T, TWeight>(
        long y, long x, long weight, long bias, long positions, long tokens, long length, int channels, int width, int segment, int swish)
        where W : struct, IBlock
        where Taps : struct, ISize
        where P : struct, ISize
        where T : struct, IElement
        where TWeight : struct, IElement
    {
        var (channel, number) = Place<W, P>(channels);
        var first = Numbers.Lesser((long)number * segment, tokens);
        var end = Numbers.Lesser(first + segment, tokens);
        var weights = Weights<W, Taps, P, TWeight>(weight, channel, channels, width);
        var biases = Biases<W, P, TWeight>(bias, channel, channels);
        var slots = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var ahead = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var sums = LocalMemory.Allocate1D<float>(P.Value);
        var place = Position<W>(positions, first, tokens, first % length);
        Before<W, Taps, P, T>(slots, x, first, place, channel, channels);

        var token = first;
        while (token < end)
        {
            for (var u = 0; u < Taps.Value; u++) Read<W, P, T>(ahead, u, x, token + u, channel, channels, token + u < tokens);
            for (var u = 0; u < Taps.Value; u++)
            {
                place = Position<W>(positions, token + u, tokens, place);
                Enter<Taps, P>(slots, ahead, u, place);
                Sum<Taps, P>(sums, slots, weights, biases, u);
                for (var c = 0; c < P.Value; c++) sums[c] *= Numbers.Select(swish != 0, Numbers.Sigmoid<W>(sums[c]), 1f);
                Write<W, P, T>(sums, 0, y, token + u, channel, channels, token + u < end);
                place = Next(place, length);
            }

            token += Taps.Value;
        }
    }

    /// <summary>The gradients; those of the weights and the bias as a sum over each segment.</summary>
    /// <param name="dx"><c>[tokens, channels]</c>.</param>
    /// <param name="dweight"><c>[segments, Taps, channels]</c> in fp32, by distance; 0 where not wanted.</param>
    /// <param name="dbias"><c>[segments, channels]</c> in fp32; 0 where not wanted.</param>
    /// <param name="dy"><c>[tokens, channels]</c>.</param>
    /// <param name="x">As in <see cref="Forward"/>, as all that follow.</param>
    /// <param name="weight">As there.</param>
    /// <param name="bias">As there.</param>
    /// <param name="positions">As there.</param>
    /// <param name="tokens">As there.</param>
    /// <param name="length">As there.</param>
    /// <param name="channels">As there.</param>
    /// <param name="width">As there.</param>
    /// <param name="segment">As there.</param>
    /// <param name="swish">As there.</param>
    public static void Backward<W, Taps, P, T, TWeight>(
        long dx, long dweight, long dbias, long dy, long x, long weight, long bias, long positions, long tokens, long length,
        int channels, int width, int segment, int swish)
        where W : struct, IBlock
        where Taps : struct, ISize
        where P : struct, ISize
        where T : struct, IElement
        where TWeight : struct, IElement
    {
        var (channel, number) = Place<W, P>(channels);
        var first = Numbers.Lesser((long)number * segment, tokens);
        var end = Numbers.Lesser(first + segment, tokens);
        var weights = Weights<W, Taps, P, TWeight>(weight, channel, channels, width);
        var biases = Biases<W, P, TWeight>(bias, channel, channels);
        var slots = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var ahead = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var gradients = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var pending = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var weightSums = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        var biasSums = LocalMemory.Allocate1D<float>(P.Value);
        var sums = LocalMemory.Allocate1D<float>(P.Value);
        for (var i = 0; i < Taps.Value * P.Value; i++) pending[i] = 0f;
        for (var i = 0; i < Taps.Value * P.Value; i++) weightSums[i] = 0f;
        for (var c = 0; c < P.Value; c++) biasSums[c] = 0f;
        var place = Position<W>(positions, first, tokens, first % length);
        Before<W, Taps, P, T>(slots, x, first, place, channel, channels);

        // A token's gradient is complete when the Taps - 1 after it have been seen.
        var token = first;
        while (token < end + Taps.Value - 1)
        {
            for (var u = 0; u < Taps.Value; u++)
            {
                Read<W, P, T>(ahead, u, x, token + u, channel, channels, token + u < tokens);
                Read<W, P, T>(gradients, u, dy, token + u, channel, channels, token + u < tokens);
            }

            for (var u = 0; u < Taps.Value; u++)
            {
                place = Position<W>(positions, token + u, tokens, place);
                Enter<Taps, P>(slots, ahead, u, place);
                Sum<Taps, P>(sums, slots, weights, biases, u);
                for (var c = 0; c < P.Value; c++)
                {
                    var slope = Numbers.Select(swish != 0, Swish.Slope(sums[c], Numbers.Sigmoid<W>(sums[c])), 1f);
                    var gradient = gradients[(u * P.Value) + c] * slope;
                    var own = Numbers.Where(token + u < end, gradient);
                    biasSums[c] += own;
                    weightSums[c] += own * slots[(u * P.Value) + c];
                    pending[(u * P.Value) + c] = weights[c] * gradient;
                    for (var d = 1; d < Taps.Value; d++)
                    {
                        weightSums[(d * P.Value) + c] += own * slots[(Slot<Taps>(u - d) * P.Value) + c];
                        pending[(Slot<Taps>(u - d) * P.Value) + c] +=
                            Numbers.Where(place >= d, weights[(d * P.Value) + c] * gradient);
                    }
                }

                var done = token + u - (Taps.Value - 1);
                Write<W, P, T>(pending, Slot<Taps>(u + 1), dx, done, channel, channels, done >= first & done < end);
                place = Next(place, length);
            }

            token += Taps.Value;
        }

        if (dweight != 0)
            for (var d = 0; d < Taps.Value; d++)
                Write<W, P, SingleElement>(weightSums, d, dweight, (number * Taps.Value) + d, channel, channels, first < tokens);
        if (dbias != 0) Write<W, P, SingleElement>(biasSums, 0, dbias, number, channel, channels, first < tokens);
    }

    // The thread's first channel, and the number of its segment.
    private static (int Channel, int Segment) Place<W, P>(int channels)
        where W : struct, IBlock
        where P : struct, ISize
    {
        var thread = (Grid.IdxX * 32 * W.Value) + Group.IdxX;
        var pieces = channels / P.Value;
        return (thread % pieces * P.Value, thread / pieces);
    }

    private static int Slot<Taps>(int u)
        where Taps : struct, ISize => (u + Taps.Value) % Taps.Value;

    // A token's position as it is told, or else as it was counted.
    private static long Position<W>(long positions, long token, long tokens, long counted)
        where W : struct, IBlock =>
        Numbers.Select(positions != 0, Memory.ReadIntIf<W>(positions != 0 & token < tokens, positions + (token * 4)), counted);

    private static long Next(long place, long length) => Numbers.Select(place + 1 == length, 0L, place + 1);

    // By distance.
    private static ArrayView<float> Weights<W, Taps, P, TWeight>(long weight, int channel, int channels, int width)
        where W : struct, IBlock
        where Taps : struct, ISize
        where P : struct, ISize
        where TWeight : struct, IElement
    {
        var weights = LocalMemory.Allocate1D<float>(Taps.Value * P.Value);
        for (var i = 0; i < Taps.Value * P.Value; i++)
        {
            int d = i / P.Value, at = ((channel + (i % P.Value)) * width) + width - 1 - d;
            weights[i] = Memory.ReadIf<W, TWeight>(d < width & channel < channels, weight + (at * TWeight.Bytes));
        }

        return weights;
    }

    private static ArrayView<float> Biases<W, P, TWeight>(long bias, int channel, int channels)
        where W : struct, IBlock
        where P : struct, ISize
        where TWeight : struct, IElement
    {
        var biases = LocalMemory.Allocate1D<float>(P.Value);
        for (var c = 0; c < P.Value; c++)
            biases[c] = Memory.ReadIf<W, TWeight>(bias != 0 & channel < channels, bias + ((channel + c) * TWeight.Bytes));
        return biases;
    }

    // The tokens before a segment's first, of its own sequence.
    private static void Before<W, Taps, P, T>(ArrayView<float> slots, long x, long first, long place, int channel, int channels)
        where W : struct, IBlock
        where Taps : struct, ISize
        where P : struct, ISize
        where T : struct, IElement
    {
        for (var d = 1; d < Taps.Value; d++)
            Read<W, P, T>(slots, Taps.Value - d, x, first - d, channel, channels, place >= d);
    }

    // The next token takes its slot; where a sequence begins nothing came before it.
    private static void Enter<Taps, P>(ArrayView<float> slots, ArrayView<float> ahead, int u, long place)
        where Taps : struct, ISize
        where P : struct, ISize
    {
        for (var i = 0; i < Taps.Value * P.Value; i++) slots[i] = Numbers.Where(place != 0, slots[i]);
        for (var c = 0; c < P.Value; c++) slots[(u * P.Value) + c] = ahead[(u * P.Value) + c];
    }

    private static void Sum<Taps, P>(
        ArrayView<float> sums, ArrayView<float> slots, ArrayView<float> weights, ArrayView<float> biases, int u)
        where Taps : struct, ISize
        where P : struct, ISize
    {
        for (var c = 0; c < P.Value; c++)
        {
            sums[c] = biases[c];
            for (var d = 0; d < Taps.Value; d++) sums[c] += weights[(d * P.Value) + c] * slots[(Slot<Taps>(u - d) * P.Value) + c];
        }
    }

    private static void Read<W, P, T>(ArrayView<float> to, int slot, long from, long token, int channel, int channels, bool there)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement =>
        Piece.Read<W, P, T>(to, slot * P.Value, from + (((token * channels) + channel) * T.Bytes), there);

    private static void Write<W, P, T>(ArrayView<float> from, int slot, long to, long token, int channel, int channels, bool there)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement =>
        Piece.Write<W, P, T>(from, slot * P.Value, to + (((token * channels) + channel) * T.Bytes), there);
}
