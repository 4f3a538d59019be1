using System.CommandLine;
using Fla.Dsl;
using Fla.Ops;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary>Options that several commands have.</summary>
internal static class Choices
{
    /// <summary>Types by the names users know.</summary>
    public static readonly IReadOnlyDictionary<string, ScalarType> Types = new Dictionary<string, ScalarType>
    {
        ["fp32"] = ScalarType.Float32,
        ["fp64"] = ScalarType.Float64,
        ["bf16"] = ScalarType.BFloat16,
        ["fp16"] = ScalarType.Float16,
    };

    /// <summary>An option with some values, of which the first is the default.</summary>
    public static Option<string> Of(string name, string description, params string[] choices)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => choices[0] };
        return option.AcceptOnlyFromAmong(choices);
    }

    /// <summary>Where to run.</summary>
    public static Option<string> Device() => Of("--device", "Where to run.", "cpu", "cuda");

    /// <summary>The type of a checkpoint's parameters.</summary>
    public static Option<string?> Dtype()
    {
        var option = new Option<string?>("--dtype") { Description = "The type of the parameters; that of the checkpoint by default." };
        option.AcceptOnlyFromAmong([.. Types.Keys]);
        return option;
    }

    /// <summary>The op of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static RecurrenceOp Op(string name) =>
        Catalogue.All.FirstOrDefault(op => op.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? throw new ArgumentException(
            $"expected one of {string.Join(", ", Catalogue.All.Select(op => op.Name))}, came '{name}'");

    /// <summary>Says why the device cannot be used, or null where it can.</summary>
    public static string? WhyNot(string device) => device == "cuda" && !cuda.is_available()
        ? "expected a CUDA device for --device cuda, came none: TorchSharp finds no CUDA libraries or no GPU"
        : null;
}
