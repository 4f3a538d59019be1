namespace Fla.Layers.Evaluation;

/// <summary>Which op of the catalogue figures of flash-linear-attention belong to: that project's name to ours.</summary>
public static class CatalogueNames
{
    private static readonly Dictionary<string, string> Ops = new()
    {
        ["abc"] = "AbcAttention",
        ["based"] = "Based",
        ["based_unnormalized"] = "BasedUnnormalized",
        ["comba"] = "Comba",
        ["delta_rule"] = "DeltaRule",
        ["dplr_delta_rule"] = "DplrDeltaRule",
        ["gated_delta_rule"] = "GatedDeltaRule",
        ["gla"] = "GatedLinearAttention",
        ["gsa"] = "GatedSlotAttention",
        ["hgrn"] = "Hgrn",
        ["kda"] = "KimiDeltaAttention",
        ["lightning_attn"] = "LightningAttention",
        ["linear_attn"] = "LinearAttention",
        ["linear_attn_normalized"] = "NormalizedLinearAttention",
        ["rebased"] = "Rebased",
        ["retention"] = "Retention",
        ["rwkv6"] = "Rwkv6",
        ["selective_scan"] = "SelectiveScan",
        ["simple_gla"] = "SimpleGatedLinearAttention",
    };

    // The same op on inputs that are hard for it.
    private static readonly string[] InputVariants = ["_strong_decay"];

    /// <summary>The op that figures of this name are for; the name itself where it is none of flash-linear-attention's.</summary>
    public static string OpOf(string figures)
    {
        var variant = InputVariants.FirstOrDefault(figures.EndsWith);
        var name = variant is null ? figures : figures[..^variant.Length];
        return Ops.GetValueOrDefault(name, name);
    }
}
