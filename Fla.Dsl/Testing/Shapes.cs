using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>The size of every axis of one call, learnt from the first tensor that has it and checked on all others.</summary>
internal sealed class Shapes(string recurrence, bool hasHeads)
{
    public const string Batch = "B", Tokens = "T", Heads = "H", Sequences = "N";

    // An axis is one of the names above or a dimension's marker type.
    private readonly Dictionary<object, (long Size, string Source)> sizes = [];
    private readonly Dictionary<string, long> headCounts = [];

    public int this[string axis] => (int)sizes[axis].Size;

    public long? this[Type dimension] => sizes.TryGetValue(dimension, out var bound) ? bound.Size : OfFeatures(dimension);

    public bool Knows(string axis) => sizes.ContainsKey(axis);

    public void Set(string axis, long size, string source) => sizes.Add(axis, (size, source));

    /// <summary>The heads of one argument, which may be fewer than the call's.</summary>
    public int HeadsOf(string argument) => headCounts.TryGetValue(argument, out var heads) ? (int)heads : this[Heads];

    /// <summary>Ends the search for the number of heads: the largest one. From here on every tensor must have just so many.</summary>
    public void SetHeads()
    {
        var most = headCounts.Values.DefaultIfEmpty(1).Max();
        foreach (var (name, heads) in headCounts)
            if (heads == 0 || most % heads != 0)
                throw new ArgumentException(
                    $"{recurrence}: '{name}' has {heads} heads, which do not divide the {most} of another argument.", name);
        Set(Heads, most, "the arguments");
    }

    /// <summary>The axes of a tensor of the given part and dimensions.</summary>
    public object[] Axes(Part part, IReadOnlyList<Type> dimensions)
    {
        object[] leading = part switch
        {
            Part.Token => [Batch, Tokens],
            Part.State => [Sequences],
            _ => [],
        };
        object[] heads = hasHeads ? [Heads] : [];
        return [.. leading, .. heads, .. dimensions];
    }

    /// <summary>Checks a tensor's axes, and learns those not known yet.</summary>
    /// <exception cref="ArgumentException">The rank or a size does not fit.</exception>
    public void Bind(string name, Tensor tensor, Part part, IReadOnlyList<Type> dimensions)
    {
        var axes = Axes(part, dimensions);
        var shapes = $"expected [{string.Join(", ", axes.Select(NameOf))}], got [{string.Join(", ", tensor.shape)}]";
        if (tensor.ndim != axes.Length)
            throw new ArgumentException($"{recurrence}: '{name}': {shapes}.", name);
        foreach (var (axis, size) in axes.Zip(tensor.shape))
        {
            if (axis is Type dimension && OfFeatures(dimension) is { } features)
                sizes.TryAdd(axis, (features, "what its features are of"));
            if (axis is Heads && !Knows(Heads))
                headCounts.Add(name, size);
            else if (!sizes.TryAdd(axis, (size, name)) && sizes[axis].Size != size)
                throw new ArgumentException(
                    $"{recurrence}: '{name}': {shapes}; {NameOf(axis)} is {sizes[axis].Size} by {sizes[axis].Source}.", name);
        }
    }

    /// <summary>The shape of a tensor nobody gave.</summary>
    /// <exception cref="ArgumentException">A size is not known.</exception>
    public long[] ShapeOf(string name, Part part, IReadOnlyList<Type> dimensions) =>
        [.. Axes(part, dimensions).Select(axis => (sizes.TryGetValue(axis, out var bound) ? bound.Size : axis is Type type ? this[type] : null)
            ?? throw new ArgumentException($"{recurrence}: nothing given tells {NameOf(axis)}, which '{name}' needs.", name))];

    private long? OfFeatures(Type dimension) => dimension.IsGenericType
        ? FeatureMaps.SizeOf(NameOf(dimension), _ => this[dimension.GetGenericArguments()[0]])
        : null;

    private static string NameOf(object axis) => axis switch
    {
        Type { IsGenericType: true } made => $"{made.Name.Split('`')[0]}<{NameOf(made.GetGenericArguments()[0])}>",
        Type type => type.Name,
        _ => (string)axis,
    };
}
