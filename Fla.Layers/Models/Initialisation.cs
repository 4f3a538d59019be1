using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>The weights a model begins with, as flash-linear-attention draws them.</summary>
internal static class Initialisation
{
    public static void Apply(CausalLM model)
    {
        var config = model.Config;
        using var noGrad = no_grad();
        foreach (var (name, module) in model.named_modules().ToArray())
        {
            if (!DrawsItsOwn(model, name)) Draw(module, config.InitializerRange);
        }

        var layers = config.NumHiddenLayers;
        // One residual a layer here, two there.
        if (config.RescalesOutput) Rescale(model, ".out_proj.weight", Math.Sqrt(layers));
        if (config is RWKV6Config) Rescale(model, ".o_proj.weight", Math.Sqrt(2 * layers));
        if (config is RWKV7Config) DrawRwkv7(model, config);
    }

    // RWKV-7's layers begin as its paper says; the projection to Mamba's steps as Mamba's does.
    private static bool DrawsItsOwn(CausalLM model, string name) =>
        name.EndsWith(".dt_proj", StringComparison.Ordinal)
        || (model.Config is RWKV7Config && (name.Contains(".attn.") || name.Contains(".ffn.")));

    private static void Draw(nn.Module module, double deviation)
    {
        if (module is Embedding or Linear or Conv1d or ShortConvolution)
        {
            foreach (var (name, parameter) in module.named_parameters(recurse: false))
            {
                if (name == "bias") nn.init.zeros_(parameter);
                else nn.init.normal_(parameter, 0, deviation);
            }
        }
    }

    private static void Rescale(CausalLM model, string ending, double divisor)
    {
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (!name.EndsWith(ending, StringComparison.Ordinal)) continue;
            nn.init.kaiming_uniform_(parameter, Math.Sqrt(5));
            parameter.div_(Dsl.Runtime.Scalars.Of(divisor));
        }
    }

    private static void DrawRwkv7(CausalLM model, PretrainedConfig config)
    {
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (name.EndsWith("embeddings.weight", StringComparison.Ordinal)) nn.init.uniform_(parameter, -1e-4, 1e-4);
            if (name != "lm_head.weight") continue;
            var stretch = config.VocabSize > config.HiddenSize ? Math.Sqrt((double)config.VocabSize / config.HiddenSize) : 1;
            nn.init.orthogonal_(parameter, 0.5 * stretch);
        }
    }
}
