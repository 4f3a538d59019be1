using static TorchSharp.torch;

namespace Fla.Layers.Checkpoints;

/// <summary>
/// The element types that both the format and TorchSharp have. The format's F8_*, U16, U32 and U64 have no TorchSharp
/// <see cref="ScalarType"/> to go to and are refused.
/// </summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, ScalarType Type, int Size)[] Table =
    [
        ("F64", ScalarType.Float64, 8),
        ("F32", ScalarType.Float32, 4),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8),
        ("I32", ScalarType.Int32, 4),
        ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    /// <summary>The names the format gives them, for messages.</summary>
    public static string Names { get; } = string.Join(", ", Table.Select(row => row.Name));

    /// <summary>The types, in the order of the table.</summary>
    public static IEnumerable<ScalarType> All => Table.Select(row => row.Type);

    /// <summary>The type of a name of the format, or null where there is none.</summary>
    public static ScalarType? Find(string name)
    {
        foreach (var row in Table)
        {
            if (row.Name == name) return row.Type;
        }

        return null;
    }

    /// <summary>Whether the format has the type.</summary>
    public static bool Has(ScalarType type) => Table.Any(row => row.Type == type);

    /// <summary>The format's name of a type.</summary>
    public static string NameOf(ScalarType type) => Table.First(row => row.Type == type).Name;

    /// <summary>The bytes of one element.</summary>
    public static int SizeOf(ScalarType type) => Table.First(row => row.Type == type).Size;
}
