using System.Runtime.InteropServices;
using Fla.Layers.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>Builds models of whatever family their configuration names.</summary>
public static class AutoModelForCausalLM
{
    /// <summary>The names of the families in <c>config.json</c>.</summary>
    public static IReadOnlyCollection<string> ModelTypes => Families.ModelTypes;

    /// <summary>A model with fresh weights.</summary>
    /// <param name="config">What it is built from.</param>
    /// <param name="dtype">The type of its parameters; fp32 where it is null.</param>
    /// <param name="device">Where they are; the CPU where it is null.</param>
    /// <exception cref="ArgumentException">The configuration contradicts itself or is out of range.</exception>
    public static CausalLM FromConfig(PretrainedConfig config, ScalarType? dtype = null, Device? device = null)
    {
        var model = new CausalLM(config);
        Initialisation.Apply(model);
        return Placed(model, dtype, device);
    }

    /// <summary>A model from a folder in Hugging Face's layout, ready for evaluation.</summary>
    /// <param name="folder">It holds <c>config.json</c>, and the weights in one file or several with their index.</param>
    /// <param name="dtype">The type of the parameters; that of the file where it is null.</param>
    /// <param name="device">Where they are; the CPU where it is null.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="CheckpointException">
    /// A file is missing or malformed, or tensors are missing, unexpected or of another shape; they are named.
    /// </exception>
    /// <exception cref="SafetensorsException">A file with weights is malformed.</exception>
    public static CausalLM FromPretrained(string folder, ScalarType? dtype = null, Device? device = null)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"expected a folder with a checkpoint, came {folder}");
        var configPath = Path.Combine(folder, CheckpointFiles.Config);
        if (!File.Exists(configPath)) throw new CheckpointException(folder, $"expected a file {CheckpointFiles.Config}, came none");
        var config = PretrainedConfig.Read(configPath);
        using var weights = CheckpointWeights.Open(folder);
        var tensors = weights.Names.Count();
        if (config.NumHiddenLayers > tensors)
        {
            throw new CheckpointException(
                configPath, $"num_hidden_layers: expected no more than there are tensors, {tensors}, came {config.NumHiddenLayers}");
        }

        CausalLM model;
        try
        {
            model = new CausalLM(config);
        }
        catch (Exception e) when (e is ArgumentException or ArithmeticException or ExternalException)
        {
            // Sizes that no machine has memory for are libtorch's to refuse.
            throw new CheckpointException(configPath, e.Message.Split('\n')[0], e);
        }

        try
        {
            Placed(model, dtype ?? weights.DominantType, device).eval();
            WeightLoading.Load(model, weights);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes a model to a folder in Hugging Face's layout, from which <see cref="FromPretrained"/> reads it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">The folder, made where there is none. Weights that were there are replaced.</param>
    /// <param name="maxShardBytes">How large a file with weights may be, unless a single tensor is larger.</param>
    public static void SavePretrained(this CausalLM model, string folder, long maxShardBytes = 5_000_000_000)
    {
        if (maxShardBytes < 1) throw new ArgumentException($"expected at least one byte, came {maxShardBytes}", nameof(maxShardBytes));
        Directory.CreateDirectory(folder);
        CheckpointWriter.Save(folder, model.Weights, maxShardBytes);
        File.WriteAllText(Path.Combine(folder, CheckpointFiles.Config), model.Config.ToJson() + "\n");
    }

    private static CausalLM Placed(CausalLM model, ScalarType? dtype, Device? device)
    {
        if (dtype is { } type && type != model.Dtype) model.to(type);
        if (device is not null) model.to(device);
        return model;
    }
}
