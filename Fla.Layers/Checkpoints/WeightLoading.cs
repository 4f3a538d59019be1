using System.Text;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Checkpoints;

/// <summary>Fills a model's parameters from a checkpoint.</summary>
internal static class WeightLoading
{
    // Beyond these a fault is the same as before, and the message would be no message.
    private const int MostNamed = 20;

    /// <exception cref="CheckpointException">Tensors are missing, unexpected, of another shape or no numbers with a fraction.</exception>
    public static void Load(CausalLM model, CheckpointWeights weights)
    {
        var parameters = model.Weights;
        var sources = WeightLayout.Of(weights, [.. parameters.Keys]);
        Check(weights, parameters, sources);

        using var noGrad = no_grad();
        foreach (var group in sources.GroupBy(source => source.Value.Tensor))
        {
            using var stored = weights.Read(group.Key);
            foreach (var (name, source) in group) Fill(parameters[name], stored, source);
        }
    }

    private static void Fill(Tensor parameter, Tensor stored, WeightSource source)
    {
        using var scope = NewDisposeScope();
        // Of a stack of vectors a row is one vector; of two matrices on top of each other it is one matrix's.
        var rows = source.Shape.Count == stored.dim() ? source.Shape[0] : 1;
        var part = source.FirstRow is { } first ? stored.narrow(0, first, rows) : stored;
        parameter.copy_(part.view(parameter.shape));
    }

    private static void Check(
        CheckpointWeights weights, IReadOnlyDictionary<string, Tensor> parameters, Dictionary<string, WeightSource> sources)
    {
        var problem = new StringBuilder();
        // Of a tensor that has several names, one is enough.
        bool Stored(Tensor parameter) => parameters.Any(other => ReferenceEquals(other.Value, parameter) && sources.ContainsKey(other.Key));
        Append("missing", parameters.Keys.Where(name => !sources.ContainsKey(name) && !Stored(parameters[name])));
        Append("unexpected", sources.Where(source => !parameters.ContainsKey(source.Key)).Select(source => source.Value.Tensor));
        Append("of another shape", sources
            .Where(source => parameters.TryGetValue(source.Key, out var parameter) && !parameter.shape.SequenceEqual(source.Value.Shape))
            .Select(source =>
                $"{source.Key} (expected {Text(parameters[source.Key].shape)}, came {Text(source.Value.Shape)})"));
        Append("of a type that is not floating point", weights.Names
            .Where(name => !CheckpointWeights.IsFloat(weights.Entry(name).Type))
            .Select(name => $"{name} ({weights.Entry(name).Type})"));
        if (problem.Length > 0) throw new CheckpointException(weights.Folder, $"expected the model's tensors, came some{problem}");

        static string Text(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

        void Append(string fault, IEnumerable<string> names)
        {
            var all = names.Distinct().Order(StringComparer.Ordinal).ToArray();
            if (all.Length == 0) return;
            problem.Append(problem.Length == 0 ? " " : "; ").Append(fault).Append(": ").AppendJoin(", ", all.Take(MostNamed));
            if (all.Length > MostNamed) problem.Append($" and {all.Length - MostNamed} more");
        }
    }
}
