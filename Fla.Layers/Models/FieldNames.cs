using System.Text.Json.Nodes;

namespace Fla.Layers.Models;

/// <summary>Fields that were called otherwise in earlier versions of flash-linear-attention.</summary>
internal static class FieldNames
{
    private static readonly Dictionary<string, string> Misspelt = new() { ["exapnd_k"] = "expand_k", ["exapnd_v"] = "expand_v" };

    private static readonly Dictionary<string, string> Mamba = new()
    {
        ["layer_norm_epsilon"] = "norm_eps",
        ["rms_norm"] = "rmsnorm",
        ["time_step_rank"] = "dt_rank",
        ["time_step_scale"] = "dt_scale",
        ["time_step_min"] = "dt_min",
        ["time_step_max"] = "dt_max",
        ["time_step_init_scheme"] = "dt_init_scheme",
        ["time_step_floor"] = "dt_init_floor",
        ["time_step_limit"] = "dt_limit",
    };

    private static readonly Dictionary<string, Dictionary<string, string>> Renamed = new()
    {
        ["abc"] = Misspelt,
        ["gsa"] = Misspelt,
        ["mamba"] = Mamba,
        ["mamba2"] = Mamba,
    };

    /// <summary>Gives fields their names of today, where they have not been given by these as well.</summary>
    public static void Modernise(string modelType, JsonObject document)
    {
        if (!Renamed.TryGetValue(modelType, out var names)) return;
        foreach (var (before, today) in names)
        {
            if (document.ContainsKey(today) || !document.ContainsKey(before)) continue;
            var value = document[before]?.DeepClone();
            document.Remove(before);
            document.Add(today, value);
        }
    }
}
