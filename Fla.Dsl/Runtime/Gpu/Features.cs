using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// The features of the rows of a tile in shared memory, and their gradients: <see cref="FeatureMaps"/> has them of tensors.
/// </summary>
public static class Features
{
    /// <summary>The features of so many elements.</summary>
    public static int Count<P>(int elements)
        where P : struct, IFeatureMap => (elements + P.Ones) * (elements + P.Ones + 1) / 2;

    /// <summary>Adds the features of the first elements of each row of x, CxK, to a tile CxN, and nothing beyond their number.</summary>
    public static void Add<W, C, N, K, P, T>(ArrayView<float> features, SharedAddress x, int elements)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where P : struct, IFeatureMap
        where T : struct, IElement
    {
        for (var across = 0; across < Layout<W, C, N>.Columns; across++)
        {
            var column = Layout<W, C, N>.Column(Layout<W, C, N>.InColumn(across));
            var feature = Numbers.Lesser(column, Count<P>(elements) - 1);
            var first = First<P>(feature, elements);
            var second = first + feature - Place<P>(first, first, elements);
            var weight = Numbers.Where(column == feature, Weight<P>(first, second));
            for (var down = 0; down < Layout<W, C, N>.Rows; down++)
            {
                var i = Layout<W, C, N>.InRow(down) + Layout<W, C, N>.InColumn(across);
                var row = Layout<W, C, N>.Row(i);
                features[i] += weight * Element<C, K, P, T>(x, row, first) * Element<C, K, P, T>(x, row, second);
            }
        }
    }

    /// <summary>Adds the gradient of x, CxK, to a tile, from x and the gradient of its features, CxN.</summary>
    public static void AddGradient<W, C, N, K, P, T>(ArrayView<float> dx, SharedAddress x, SharedAddress gradient, int elements)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where P : struct, IFeatureMap
        where T : struct, IElement
    {
        // Not a for: the loop over the other elements is not to be unrolled, the one over the thread's own is.
        var other = 0;
        do
        {
            for (var i = 0; i < Layout<W, C, K>.Count; i++)
            {
                int row = Layout<W, C, K>.Row(i), own = Layout<W, C, K>.Column(i) + P.Ones;
                var inside = own < elements + P.Ones;
                own = Numbers.Select(inside, own, other);
                var place = Place<P>(Numbers.Lesser(own, other), own + other - Numbers.Lesser(own, other), elements);
                var term = T.ReadShared(gradient + Shared<C, N, T>.At(row, place)) * Element<C, K, P, T>(x, row, other);
                var weight = Numbers.Select(own == other, 2f * P.OfSquares, P.OfPairs);
                dx[i] += Numbers.Where(inside, weight * term);
            }

            other++;
        }
        while (other < elements + P.Ones);
    }

    private static float Weight<P>(int first, int second)
        where P : struct, IFeatureMap => Numbers.Select(first == second & first >= P.Ones, P.OfSquares, P.OfPairs);

    private static float Element<C, K, P, T>(SharedAddress x, int row, int element)
        where C : struct, ISize
        where K : struct, ISize
        where P : struct, IFeatureMap
        where T : struct, IElement
    {
        var value = T.ReadShared(x + Shared<C, K, T>.At(row, Numbers.Select(element < P.Ones, 0, element - P.Ones)));
        return Numbers.Select(element < P.Ones, 1f, value);
    }

    /// <summary>Which feature the product of two elements is, the first not behind the second.</summary>
    private static int Place<P>(int first, int second, int elements)
        where P : struct, IFeatureMap => (first * (elements + P.Ones)) - (first * (first - 1) / 2) + second - first;

    /// <summary>The first of the two elements of a feature.</summary>
    private static int First<P>(int feature, int elements)
        where P : struct, IFeatureMap
    {
        // From the end, rows of the triangle have 1, 2, 3 features: n (n + 1) / 2 of them in n rows, and no root is near a whole number.
        var left = Count<P>(elements) - 1 - feature;
        return elements + P.Ones - 1 - (int)((Numbers.Sqrt((8f * left) + 1.5f) - 1f) / 2f);
    }
}
