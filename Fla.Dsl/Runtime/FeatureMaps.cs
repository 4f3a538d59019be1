using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// The feature maps of the language over tiles <c>[..., D]</c>, and their gradients. The numbers of features are here, too: whoever asks
/// for the size of a dimension that a map makes asks here.
/// </summary>
public static class FeatureMaps
{
    private static readonly TorchSharp.Scalar Root2 = Scalars.Of(Math.Sqrt(2));

    /// <summary>The features of <see cref="Quadratic"/> for <paramref name="size"/> elements.</summary>
    public static long QuadraticSize(long size) => size * (size + 1) / 2;

    /// <summary>The features of <see cref="Taylor2"/> for <paramref name="size"/> elements.</summary>
    public static long Taylor2Size(long size) => 1 + size + QuadraticSize(size);

    /// <summary>The products of two elements, row by row of the upper triangle, times the square root of 2 off the diagonal.</summary>
    public static Tensor Quadratic(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var pairs = new Pairs(x);
        return (pairs.First(x) * pairs.Second(x) * pairs.Weights).MoveToOuterDisposeScope();
    }

    /// <summary>From x and the gradient of its <see cref="Quadratic"/> features, the gradient of x.</summary>
    public static Tensor QuadraticGradient(Tensor x, Tensor gradient)
    {
        using var scope = torch.NewDisposeScope();
        var pairs = new Pairs(x);
        var weighted = gradient * pairs.Weights;
        var sum = torch.zeros_like(x);
        pairs.AddToFirst(sum, weighted * pairs.Second(x));
        pairs.AddToSecond(sum, weighted * pairs.First(x));
        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>1, the elements, and <see cref="Quadratic"/> over the square root of 2.</summary>
    public static Tensor Taylor2(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return torch.cat([torch.ones_like(x.narrow(-1, 0, 1)), x, Quadratic(x).div(Root2)], -1).MoveToOuterDisposeScope();
    }

    /// <summary>From x and the gradient of its <see cref="Taylor2"/> features, the gradient of x.</summary>
    public static Tensor Taylor2Gradient(Tensor x, Tensor gradient)
    {
        using var scope = torch.NewDisposeScope();
        var size = x.shape[^1];
        var products = gradient.narrow(-1, 1 + size, QuadraticSize(size)).div(Root2);
        return QuadraticGradient(x, products).add_(gradient.narrow(-1, 1, size), Scalars.One).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The size of a dimension of this name, such as <c>Taylor2&lt;K&gt;</c>, where it is made by a map of one whose size
    /// <paramref name="sizeOf"/> gives (which may ask here again); null for any other, and where that one is not known.
    /// </summary>
    internal static long? SizeOf(string dimension, Func<string, long?> sizeOf)
    {
        if (dimension.IndexOf('<') is not (var open and > 0)) return null;
        var of = dimension[(open + 1)..^1];
        return (sizeOf(of), dimension[..open]) switch
        {
            ({ } size, nameof(Quadratic)) => QuadraticSize(size),
            ({ } size, nameof(Taylor2)) => Taylor2Size(size),
            _ => null,
        };
    }

    /// <summary>The pairs of elements i and j with i at most j, row by row.</summary>
    private sealed class Pairs
    {
        private readonly Tensor first;
        private readonly Tensor second;

        public Pairs(Tensor x)
        {
            var size = x.shape[^1];
            var both = torch.triu_indices(size, size, device: x.device);
            (first, second) = (both[0], both[1]);
            Weights = torch.where(first.eq(second), torch.ones(1, x.dtype, x.device), torch.full([1], Root2, x.dtype, x.device));
        }

        public Tensor Weights { get; }

        public Tensor First(Tensor x) => x.index_select(-1, first);

        public Tensor Second(Tensor x) => x.index_select(-1, second);

        public void AddToFirst(Tensor sum, Tensor terms) => sum.index_add_(-1, first, terms, Scalars.One);

        public void AddToSecond(Tensor sum, Tensor terms) => sum.index_add_(-1, second, terms, Scalars.One);
    }
}
