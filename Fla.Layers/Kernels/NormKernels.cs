using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Layers.Kernels;

/// <summary>
/// Normalisation of rows on a device: <c>n = (s - m) r</c> with <c>s = x + residual</c>, m the mean of s or 0, and
/// <c>r = 1 / sqrt(share sum((s - m)^2) + eps)</c>; <c>y = (n w + b) f(g)</c>, or <c>s = x f(g)</c> where the gate comes first. Of
/// <c>groups</c> rows that lie one after another each has its own part of w and b.
/// </summary>
internal static class NormKernels
{
    /// <summary>The output of each row, the sum where it is kept, and m and r.</summary>
    public static void Forward<W, L, N, P, T, TSum, TWeight>(
        long y, long sum, long means, long scales, long x, long residual, long gate, long weight, long bias,
        long rows, int columns, int groups, float share, float centre, float eps, int swish, int gateFirst)
        where W : struct, IBlock
        where L : struct, ISize
        where N : struct, ISize
        where P : struct, ISize
        where T : struct, IElement
        where TSum : struct, IElement
        where TWeight : struct, IElement
    {
        var scratch = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        long row = Team<W, L>.Index, at = row * columns;
        var there = Numbers.Where(row < rows, columns);
        var values = Row<W, L, N, P>.New();
        var factors = Row<W, L, N, P>.New();
        Row<W, L, N, P>.Read<T>(values, x + (at * T.Bytes), there);
        if (residual != 0)
        {
            Row<W, L, N, P>.Read<TSum>(factors, residual + (at * TSum.Bytes), there);
            for (var i = 0; i < N.Value; i++) values[i] += factors[i];
        }

        if (sum != 0) Row<W, L, N, P>.Write<TSum>(values, sum + (at * TSum.Bytes), there);

        // All that is read is read here, so that it comes while the row is summed up.
        var part = groups == 1 ? 0 : row % groups * columns * TWeight.Bytes;
        var weights = Row<W, L, N, P>.New();
        var biases = Row<W, L, N, P>.New();
        Row<W, L, N, P>.Fill(weights, 1f);
        Row<W, L, N, P>.Fill(biases, 0f);
        if (weight != 0) Row<W, L, N, P>.Read<TWeight>(weights, weight + part, columns);
        if (bias != 0) Row<W, L, N, P>.Read<TWeight>(biases, bias + part, columns);
        Row<W, L, N, P>.Fill(factors, 1f);
        if (gate != 0)
        {
            Row<W, L, N, P>.Read<T>(factors, gate + (at * T.Bytes), there);
            for (var i = 0; i < N.Value; i++) factors[i] = Gate<W>(factors[i], swish);
        }

        if (gateFirst != 0)
            for (var i = 0; i < N.Value; i++) values[i] *= factors[i];

        var mean = 0f;
        if (centre != 0f)
        {
            for (var i = 0; i < N.Value; i++) mean += values[i];
            mean = Team<W, L>.Sum(mean, scratch) * centre;
        }

        var squares = 0f;
        for (var i = 0; i < N.Value; i++)
        {
            values[i] -= mean;
            squares += Numbers.Where(Row<W, L, N, P>.Column(i) < there, values[i] * values[i]);
        }

        var scale = 1f / Numbers.Sqrt((Team<W, L>.Sum(squares, scratch) * share) + eps);
        if (Team<W, L>.Lane == 0 & row < rows)
        {
            if (means != 0) SingleElement.Write(means + (row * 4), mean);
            if (scales != 0) SingleElement.Write(scales + (row * 4), scale);
        }

        for (var i = 0; i < N.Value; i++) values[i] = (values[i] * scale * weights[i]) + biases[i];
        if (gateFirst == 0)
            for (var i = 0; i < N.Value; i++) values[i] *= factors[i];
        Row<W, L, N, P>.Write<T>(values, y + (at * T.Bytes), there);
    }

    /// <summary>
    /// The gradients of s, of the gate, and of w and b as sums over the rows of each team: <c>[teams, columns]</c> in fp32. The number
    /// of teams is a multiple of the groups.
    /// </summary>
    public static void Backward<W, L, N, P, T, TSum, TWeight>(
        long dx, long dgate, long dweight, long dbias, long dy, long dsum, long x, long means, long scales, long gate, long weight,
        long bias, long rows, int columns, int groups, float share, float centre, int swish, int gateFirst)
        where W : struct, IBlock
        where L : struct, ISize
        where N : struct, ISize
        where P : struct, ISize
        where T : struct, IElement
        where TSum : struct, IElement
        where TWeight : struct, IElement
    {
        var scratch = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        long team = Team<W, L>.Index, row = team;
        var part = team % groups * columns * TWeight.Bytes;
        var weights = Row<W, L, N, P>.New();
        var weightSums = Row<W, L, N, P>.New();
        var biasSums = Row<W, L, N, P>.New();
        Row<W, L, N, P>.Fill(weights, 1f);
        if (weight != 0) Row<W, L, N, P>.Read<TWeight>(weights, weight + part, columns);
        Row<W, L, N, P>.Fill(weightSums, 0f);
        Row<W, L, N, P>.Fill(biasSums, 0f);

        // Whole blocks take turns, for a block's teams meet when they sum up.
        var turns = (rows + Team<W, L>.Count - 1) / Team<W, L>.Count;
        var turn = 0L;
        do
        {
            var at = row * columns;
            var there = Numbers.Where(row < rows, columns);
            var place = Numbers.Where(row < rows, row) * 4;
            var (mean, scale) = (means == 0 ? 0f : SingleElement.Read(means + place), SingleElement.Read(scales + place));
            var values = Row<W, L, N, P>.New();
            var gradients = Row<W, L, N, P>.New();
            var gates = Row<W, L, N, P>.New();
            Row<W, L, N, P>.Read<TSum>(values, x + (at * TSum.Bytes), there);
            Row<W, L, N, P>.Read<T>(gradients, dy + (at * T.Bytes), there);
            if (gate != 0)
            {
                Row<W, L, N, P>.Read<T>(gates, gate + (at * T.Bytes), there);
                if (gateFirst != 0)
                    for (var i = 0; i < N.Value; i++) values[i] *= Gate<W>(gates[i], swish);
            }

            for (var i = 0; i < N.Value; i++) values[i] = (values[i] - mean) * scale;
            if (gate != 0 & gateFirst == 0)
            {
                // From here on gradients are those of n w + b.
                var ungated = Row<W, L, N, P>.New();
                Row<W, L, N, P>.Fill(ungated, 0f);
                if (bias != 0) Row<W, L, N, P>.Read<TWeight>(ungated, bias + part, columns);
                for (var i = 0; i < N.Value; i++)
                {
                    ungated[i] = ((values[i] * weights[i]) + ungated[i]) * gradients[i] * Slope<W>(gates[i], swish);
                    gradients[i] *= Gate<W>(gates[i], swish);
                }

                if (dgate != 0) Row<W, L, N, P>.Write<T>(ungated, dgate + (at * T.Bytes), there);
            }

            for (var i = 0; i < N.Value; i++)
            {
                weightSums[i] += gradients[i] * values[i];
                biasSums[i] += gradients[i];
                gradients[i] *= weights[i];
            }

            var along = 0f;
            for (var i = 0; i < N.Value; i++) along += gradients[i] * values[i];
            along = Team<W, L>.Sum(along, scratch) * share;
            var whole = 0f;
            if (centre != 0f)
            {
                for (var i = 0; i < N.Value; i++) whole += gradients[i];
                whole = Team<W, L>.Sum(whole, scratch) * centre;
            }

            for (var i = 0; i < N.Value; i++) gradients[i] = (gradients[i] - whole - (values[i] * along)) * scale;
            if (gateFirst != 0)
            {
                Row<W, L, N, P>.Read<TSum>(values, x + (at * TSum.Bytes), there);
                for (var i = 0; i < N.Value; i++)
                {
                    values[i] *= gradients[i] * Slope<W>(gates[i], swish);
                    gradients[i] *= Gate<W>(gates[i], swish);
                }

                if (dgate != 0) Row<W, L, N, P>.Write<T>(values, dgate + (at * T.Bytes), there);
            }

            if (dsum != 0)
            {
                Row<W, L, N, P>.Read<TSum>(values, dsum + (at * TSum.Bytes), there);
                for (var i = 0; i < N.Value; i++) gradients[i] += values[i];
            }

            Row<W, L, N, P>.Write<TSum>(gradients, dx + (at * TSum.Bytes), there);
            row += Team<W, L>.Count;
            turn++;
        }
        while (turn < turns);

        if (dweight != 0) Row<W, L, N, P>.Write<SingleElement>(weightSums, dweight + (team * columns * 4), columns);
        if (dbias != 0) Row<W, L, N, P>.Write<SingleElement>(biasSums, dbias + (team * columns * 4), columns);
    }

    // x sigmoid(x) or sigmoid(x)
    private static float Gate<W>(float x, int swish)
        where W : struct, IBlock => Numbers.Sigmoid<W>(x) * Numbers.Select(swish != 0, x, 1f);

    private static float Slope<W>(float x, int swish)
        where W : struct, IBlock
    {
        var sigmoid = Numbers.Sigmoid<W>(x);
        return sigmoid * Numbers.Select(swish != 0, 1f + (x * (1f - sigmoid)), 1f - sigmoid);
    }
}
