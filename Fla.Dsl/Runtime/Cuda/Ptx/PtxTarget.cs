using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>What a PTX text is written for.</summary>
/// <param name="Architecture">The compute capability as one number: 90 for 9.0.</param>
/// <param name="Version">The oldest version of PTX that knows it.</param>
internal sealed record PtxTarget(int Architecture, string Version)
{
    /// <summary>The oldest that the kernels run on: they use asynchronous copies and matrix products of bf16.</summary>
    public const int Oldest = 80;

    private static readonly PtxTarget[] Known =
    [
        new(Oldest, "7.0"), new(86, "7.1"), new(87, "7.4"), new(89, "7.8"), new(90, "7.8"),
        new(100, "8.6"), new(103, "8.8"), new(120, "8.7"), new(121, "8.8"),
    ];

    // What is copied asynchronously or read as matrices lies at multiples of up to 128 bytes.
    private const int SharedAlignment = 128;

    /// <summary>The newest target that a device of some compute capability runs: the driver translates for newer devices.</summary>
    /// <exception cref="ArgumentException">The device is too old.</exception>
    public static PtxTarget For(int architecture) =>
        Known.LastOrDefault(target => target.Architecture <= architecture) ?? throw new ArgumentException(
            $"expected a device of compute capability {Oldest / 10}.{Oldest % 10} or above, got {architecture / 10}.{architecture % 10}",
            nameof(architecture));

    /// <summary>Its name in PTX.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"sm_{Architecture}");

    /// <summary>A line of a module, where it says what the module is for, or how dynamic shared memory is aligned.</summary>
    public string Apply(string line)
    {
        if (line.StartsWith(".version ", StringComparison.Ordinal)) return $".version {Version}";
        if (line.StartsWith(".target ", StringComparison.Ordinal)) return $".target {Name}";
        const string dynamic = ".b8 __dyn_shared_alloca[];";
        return line.StartsWith(".extern .shared ", StringComparison.Ordinal) && line.EndsWith(dynamic, StringComparison.Ordinal)
            ? $".extern .shared .align {SharedAlignment} {dynamic}"
            : line;
    }
}
