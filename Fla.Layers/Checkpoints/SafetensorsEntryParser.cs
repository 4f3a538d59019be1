using System.Text.Json;
using TorchSharp;

namespace Fla.Layers.Checkpoints;

/// <summary>One tensor's part of the header: <c>{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}</c>.</summary>
internal static class SafetensorsEntryParser
{
    /// <summary>Checks what can be said of the tensor alone: types, names, signs, and that shape and offsets agree.</summary>
    public static SafetensorsEntry Parse(string name, JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new SafetensorsException(path, name, $"expected an object with dtype, shape and data_offsets, came {value.ValueKind}");

        var type = ParseType(Field(value, "dtype", JsonValueKind.String, path, name), path, name);
        var shape = ParseIntegers(Field(value, "shape", JsonValueKind.Array, path, name), "shape", path, name);
        var offsets = ParseIntegers(Field(value, "data_offsets", JsonValueKind.Array, path, name), "data_offsets", path, name);
        if (offsets.Length != 2) throw new SafetensorsException(path, name, $"expected two data_offsets, came {offsets.Length}");
        if (offsets[0] > offsets[1])
            throw new SafetensorsException(path, name, $"expected data_offsets in rising order, came [{offsets[0]}, {offsets[1]}]");

        var entry = new SafetensorsEntry(name, type, shape, offsets[0], offsets[1]);
        var bytes = ByteCount(type, shape, path, name);
        if (bytes != entry.Length)
        {
            throw new SafetensorsException(path, name,
                $"{SafetensorsTypes.NameOf(type)} [{string.Join(", ", shape)}] takes {bytes} bytes, its data_offsets hold {entry.Length}");
        }

        return entry;
    }

    private static JsonElement Field(JsonElement entry, string field, JsonValueKind kind, string path, string name)
    {
        if (!entry.TryGetProperty(field, out var value))
            throw new SafetensorsException(path, name, $"expected a field {field}, came none");
        return value.ValueKind == kind
            ? value
            : throw new SafetensorsException(path, name, $"expected {field} to be of kind {kind}, came {value.ValueKind}");
    }

    private static torch.ScalarType ParseType(JsonElement value, string path, string name)
    {
        var dtype = SafetensorsHeader.TextOf(() => value.GetString()!, path, name, "dtype");
        return SafetensorsTypes.Find(dtype)
            ?? throw new SafetensorsException(path, name, $"expected a dtype among {SafetensorsTypes.Names}, came '{dtype}'");
    }

    private static long[] ParseIntegers(JsonElement array, string field, string path, string name)
    {
        var values = new long[array.GetArrayLength()];
        var i = 0;
        foreach (var element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out var value) || value < 0)
            {
                throw new SafetensorsException(
                    path, name, $"expected {field} to hold integers from 0 to {long.MaxValue}, came {element.GetRawText()}");
            }

            values[i++] = value;
        }

        return values;
    }

    /// <summary>The bytes of a shape. A zero does not excuse the other dimensions: strides are their product.</summary>
    private static long ByteCount(torch.ScalarType type, long[] shape, string path, string name)
    {
        try
        {
            var product = shape.Aggregate((long)SafetensorsTypes.SizeOf(type), (size, dimension) => checked(size * Math.Max(dimension, 1)));
            return shape.Contains(0) ? 0 : product;
        }
        catch (OverflowException e)
        {
            throw new SafetensorsException(
                path, name, $"expected a shape of at most {long.MaxValue} bytes, came [{string.Join(", ", shape)}]", e);
        }
    }
}
