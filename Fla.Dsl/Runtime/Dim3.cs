namespace Fla.Dsl.Runtime;

/// <summary>How many blocks of threads a kernel is launched with, along each axis.</summary>
/// <param name="X">Along the first axis; at least 1.</param>
/// <param name="Y">Along the second axis; at least 1.</param>
/// <param name="Z">Along the third axis; at least 1.</param>
public readonly record struct Dim3(int X, int Y = 1, int Z = 1)
{
    /// <summary>So many blocks along the first axis.</summary>
    public static implicit operator Dim3(int x) => new(x);

    /// <inheritdoc/>
    public override string ToString() => $"{X} x {Y} x {Z}";
}
