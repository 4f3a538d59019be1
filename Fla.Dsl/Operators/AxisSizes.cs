using Fla.Dsl.Runtime;

namespace Fla.Dsl;

/// <summary>An axis of a tensor: its name in messages, and what it is the same as in other tensors (null: any size).</summary>
internal readonly record struct Axis(string Name, string? Key)
{
    public static Axis Batch => new("B", "batch");

    public static Axis Time => new("T", "time");

    public static Axis Sequences => new("N", "sequences");

    /// <summary>The heads of an argument, which may be fewer than those of another.</summary>
    public static Axis OwnHeads => new("H", null);

    /// <summary>The largest head count.</summary>
    public static Axis Heads => new("H", "heads");

    /// <summary>A dimension that the declaration names, however it names it.</summary>
    public static Axis Declared(string name) => new(name, "dimension " + name);
}

/// <summary>Sizes of axes, bound to the first tensor that shows them; every later one must agree.</summary>
internal sealed class AxisSizes
{
    private readonly Dictionary<string, (long Size, string Origin)> bound = [];

    /// <summary>The size of an axis, if a tensor has shown it.</summary>
    public long? this[Axis axis] => bound.TryGetValue(axis.Key!, out var known) ? known.Size : OfFeatures(axis);

    private long? OfFeatures(Axis axis) => FeatureMaps.SizeOf(axis.Name, of => this[Axis.Declared(of)]);

    /// <summary>Binds an axis to what something other than a tensor's shape says.</summary>
    public void Bind(Axis axis, long size, string origin) => bound[axis.Key!] = (size, origin);

    /// <summary>Checks the shape of a tensor, and binds the axes that it is the first to show.</summary>
    /// <exception cref="ArgumentException">The rank or a size is not as expected.</exception>
    public void Match(string name, long[] shape, IReadOnlyList<Axis> axes)
    {
        if (shape.Length != axes.Count)
            throw Mismatch($"rank {axes.Count} {Expected()}");

        for (var i = 0; i < axes.Count; i++)
        {
            var (label, key) = axes[i];
            if (shape[i] == 0)
                throw Mismatch($"{Expected()} with {label} at least 1");
            if (key is null)
                continue;
            if (OfFeatures(axes[i]) is { } features)
                bound.TryAdd(key, (features, "what its features are of"));
            if (bound.TryAdd(key, (shape[i], name)))
                continue;

            var (size, origin) = bound[key];
            if (size != shape[i])
                throw Mismatch($"{Expected()}, {label}={size} as {origin} says");
        }

        string Expected() => $"[{string.Join(", ", axes.Select(AsKnown))}]";

        string AsKnown(Axis axis) => axis.Key is not null && this[axis] is { } size ? $"{axis.Name}={size}" : axis.Name;

        ArgumentException Mismatch(string expected) => new($"{name}: expected {expected}, came [{string.Join(", ", shape)}].", name);
    }
}
