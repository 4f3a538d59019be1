using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

public sealed partial class RWKV7Attention
{
    /// <summary>The parameters a layer begins with, which depend on its depth: the paper's appendix on initialisation.</summary>
    private void Initialise(int layer, int layers)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var size = x_r.shape[2];
        var depth = layers == 1 ? 0 : (double)layer / (layers - 1);
        var above = 1 - (double)layer / layers;
        var n = arange(size, dtype: ScalarType.Float32);
        var place = n / size;

        Set(x_r, Rising(0.2));
        Set(x_w, Rising(0.9));
        Set(x_k, Rising(0.7));
        Set(x_v, Rising(0.7));
        Set(x_a, Rising(0.9));
        Set(x_g, Rising(0.2));

        var linear = n / (size - 1) - 0.5;
        var headDim = (double)(size / heads);
        var within = (n % headDim - (headDim - 1) / 2) / ((headDim - 1) / 2);
        var zigzag = within * within.abs();
        Set(k_k, 0.71 - 0.1 * linear);
        Set(k_a, full_like(n, 1.02));
        Set(r_k, full_like(r_k, -0.04));
        Set(Bias(w_lora), -6 + 6 * (n / (size - 1)).pow(1 + Math.Pow(depth, 0.3)) + 0.5 + 2.5 * zigzag);
        Set(Bias(a_lora), -0.19 + 0.3 * zigzag + 0.4 * linear);
        if (v_lora is not null)
        {
            var values = Bias(v_lora);
            Set(values, 0.73 - 0.4 * (arange(values.shape[0], dtype: ScalarType.Float32) / (values.shape[0] - 1) - 0.5));
        }

        if (g_norm.weight is not null)
            nn.init.constant_(g_norm.weight, Math.Pow((layer + 1.0) / layers, 0.7));
        nn.init.orthogonal_(r_proj.weight!);
        nn.init.orthogonal_(k_proj.weight!, 0.1);
        nn.init.orthogonal_(v_proj.weight!);
        nn.init.zeros_(o_proj.weight!);

        Tensor Rising(double power) => 1 - place.pow(power * above);

        static void Set(Parameter parameter, Tensor value) => parameter.copy_(value.view(parameter.shape));

        static Parameter Bias(LoRA lora) => lora.named_parameters().Single(entry => entry.name.EndsWith("bias")).parameter;
    }
}
