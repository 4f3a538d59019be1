namespace Fla.Layers.Checkpoints;

/// <summary>
/// Where the parameters of a model are in a checkpoint. Those of today have them by name; earlier versions of
/// flash-linear-attention put some of them together, or called them otherwise.
/// </summary>
internal static class WeightLayout
{
    /// <summary>The source of each parameter, by its name of today.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="expected">The names of the model's parameters.</param>
    public static Dictionary<string, WeightSource> Of(CheckpointWeights weights, IReadOnlyCollection<string> expected)
    {
        var stored = weights.Names.ToHashSet();
        var wanted = expected.ToHashSet();
        var sources = new Dictionary<string, WeightSource>();
        foreach (var name in stored)
        {
            if (wanted.Contains(name)) AddMlp(name, weights, stored, sources);
            else if (!IsImplied(name, stored, wanted)) AddRenamed(name, weights, stored, wanted, sources);
        }

        return sources;
    }

    // Until February 2025 gate_proj held the rows of up_proj as well.
    private static void AddMlp(string name, CheckpointWeights weights, HashSet<string> stored, Dictionary<string, WeightSource> sources)
    {
        const string gate = "gate_proj.weight";
        var shape = weights.Entry(name).Shape;
        if (name.EndsWith(gate, StringComparison.Ordinal) && shape.Count == 2 && shape[0] % 2 == 0)
        {
            var prefix = name[..^gate.Length];
            if (!stored.Contains(prefix + "up_proj.weight"))
            {
                long[] half = [shape[0] / 2, shape[1]];
                sources[name] = new WeightSource(name, half, 0);
                sources[prefix + "up_proj.weight"] = new WeightSource(name, half, half[0]);
                return;
            }
        }

        sources[name] = new WeightSource(name, shape);
    }

    private static void AddRenamed(
        string name, CheckpointWeights weights, HashSet<string> stored, HashSet<string> wanted, Dictionary<string, WeightSource> sources)
    {
        var shape = weights.Entry(name).Shape;
        if (name.EndsWith(".x_x", StringComparison.Ordinal) && shape is [6, var size])
        {
            // RWKV-7's mixes were the rows of one tensor.
            var rows = "rwkvag".Select((letter, row) => (Name: $"{name[..^1]}{letter}", Row: row)).ToArray();
            if (rows.All(row => wanted.Contains(row.Name)))
            {
                foreach (var row in rows.Where(row => !stored.Contains(row.Name)))
                    sources[row.Name] = new WeightSource(name, [1, 1, size], row.Row);
                return;
            }
        }

        var today = Today(name, wanted);
        if (stored.Contains(today)) today = name;
        sources[today] = new WeightSource(name, shape);
    }

    private static string Today(string name, HashSet<string> wanted)
    {
        (string Before, string Now)[] renamed =
        [
            (".attn.norm.weight", ".attn_norm.weight"), // of layers that normalised their own input
            (".mlp.norm.weight", ".mlp_norm.weight"),
            ("backbone.embedding.weight", "backbone.embeddings.weight"), // Mamba's own checkpoints
            ("lm_head.weight", "model.embeddings.weight"), // one name of two for tied embeddings
            ("lm_head.weight", "backbone.embeddings.weight"),
        ];
        return renamed
            .Where(pair => name.EndsWith(pair.Before, StringComparison.Ordinal))
            .Select(pair => name[..^pair.Before.Length] + pair.Now)
            .FirstOrDefault(wanted.Contains) ?? name;
    }

    // Tied logits are the embeddings' again, and angles follow from the configuration.
    private static bool IsImplied(string name, HashSet<string> stored, HashSet<string> wanted) =>
        name.EndsWith(".rotary.inv_freq", StringComparison.Ordinal)
        || (name == "lm_head.weight"
            && stored.Any(other => other.EndsWith(".embeddings.weight", StringComparison.Ordinal) && wanted.Contains(other)));
}
