using System.Globalization;
using Fla.Layers.Checkpoints;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>
/// What a reference implementation computed for one op, read from a safetensors file of this layout: <c>in.NAME</c> the arguments
/// and initial states, <c>out.o</c> the output, <c>out.state0..</c> the final states, <c>grad_out.o</c> and <c>grad_out.state0..</c>
/// the gradients that come in, <c>grad.NAME</c> the gradients of the inputs, and in the metadata <c>scale</c> if the op has one.
/// </summary>
public sealed class OpFigures : IDisposable
{
    private const string InputPrefix = "in.";
    private const string GradientPrefix = "grad.";
    private const string OutputPrefix = "out.";
    private const string IncomingPrefix = "grad_out.";

    private readonly Dictionary<string, Tensor> tensors;

    private OpFigures(string path, double? scale, Dictionary<string, Tensor> tensors)
    {
        this.tensors = tensors;
        Path = path;
        Scale = scale;
        Output = tensors.GetValueOrDefault("out.o") ?? throw new InvalidDataException($"{path}: expected a tensor 'out.o', came none");
        if (Output.dim() < 2)
            throw new InvalidDataException($"{path}: expected 'out.o' to be [B, T, ...], came {Shapes.Text(Output.shape)}");
        OutputGradient = tensors.GetValueOrDefault("grad_out.o");
        States = [.. Numbered("out.state")];
        StateGradients = [.. States.Select((_, i) => tensors.GetValueOrDefault($"grad_out.state{i}"))];
        Inputs = Named(InputPrefix);
        Gradients = Named(GradientPrefix);

        foreach (var name in Gradients.Keys) CheckPair(GradientPrefix + name, InputPrefix + name);
        foreach (var name in tensors.Keys.Where(name => name.StartsWith(IncomingPrefix, StringComparison.Ordinal)))
            CheckPair(name, OutputPrefix + name[IncomingPrefix.Length..]);
        if (Gradients.Count > 0 && OutputGradient is null && StateGradients.All(gradient => gradient is null))
            throw new InvalidDataException($"{path}: expected 'grad_out.o' beside the gradients, came none");
    }

    /// <summary>The file they came from.</summary>
    public string Path { get; }

    /// <summary>The scale; null where the op has none, or its default was used.</summary>
    public double? Scale { get; }

    /// <summary>The arguments and initial states by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Inputs { get; }

    /// <summary>The output, <c>[B, T, ...]</c>.</summary>
    public Tensor Output { get; }

    /// <summary>The states after the last token.</summary>
    public IReadOnlyList<Tensor> States { get; }

    /// <summary>The gradient of the output; null for zero.</summary>
    public Tensor? OutputGradient { get; }

    /// <summary>The gradient of each of <see cref="States"/>; null for zero.</summary>
    public IReadOnlyList<Tensor?> StateGradients { get; }

    /// <summary>The gradients of <see cref="Inputs"/> by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Gradients { get; }

    /// <summary>Reads a file onto the CPU.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SafetensorsException">It is no safetensors file.</exception>
    /// <exception cref="InvalidDataException">It does not have the layout.</exception>
    public static OpFigures Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var scale = ParseScale(path, file.Metadata.GetValueOrDefault("scale"));
        var tensors = file.ReadAll();
        try
        {
            return new OpFigures(path, scale, tensors);
        }
        catch
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    }

    /// <summary>Disposes of the tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in tensors.Values) tensor.Dispose();
    }

    private static double? ParseScale(string path, string? text)
    {
        if (text is null) return null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var scale) && double.IsFinite(scale)
            ? scale
            : throw new InvalidDataException($"{path}: expected the metadata 'scale' to be a number, came '{text}'");
    }

    private void CheckPair(string gradient, string of)
    {
        var shape = tensors[gradient].shape;
        if (!tensors.TryGetValue(of, out var tensor))
            throw new InvalidDataException($"{Path}: expected '{of}' beside '{gradient}', came none");
        if (!tensor.shape.SequenceEqual(shape))
        {
            throw new InvalidDataException(
                $"{Path}: expected '{gradient}' to be {Shapes.Text(tensor.shape)} like '{of}', came {Shapes.Text(shape)}");
        }
    }

    private IEnumerable<Tensor> Numbered(string prefix)
    {
        for (var i = 0; tensors.TryGetValue($"{prefix}{i}", out var tensor); i++) yield return tensor;
    }

    // Sorted, so that what is matched by order does not hang on how the file was written.
    private SortedDictionary<string, Tensor> Named(string prefix)
    {
        var named = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in tensors)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal)) named.Add(name[prefix.Length..], tensor);
        }

        return named;
    }
}
