namespace Fla.Layers.Models;

/// <summary>The families of models that are known, by their name in <c>config.json</c>.</summary>
internal static class Families
{
    private static readonly Dictionary<string, Type> ByModelType = new PretrainedConfig[]
    {
        new TransformerConfig(),
        new RetNetConfig(),
        new GLAConfig(),
        new DeltaNetConfig(),
        new ABCConfig(),
        new HGRNConfig(),
        new HGRN2Config(),
        new RWKV6Config(),
        new RWKV7Config(),
        new SambaConfig(),
        new MambaConfig(),
        new Mamba2Config(),
        new GSAConfig(),
        new GatedDeltaNetConfig(),
        new KDAConfig(),
        new LinearAttentionConfig(),
    }.ToDictionary(config => config.ModelType, config => config.GetType());

    /// <summary>The names.</summary>
    public static IReadOnlyCollection<string> ModelTypes => ByModelType.Keys;

    /// <summary>The configuration's class.</summary>
    /// <exception cref="ArgumentException">There is no such family.</exception>
    public static Type Find(string modelType) =>
        ByModelType.TryGetValue(modelType, out var family)
            ? family
            : throw new ArgumentException(
                $"model_type: expected one of {string.Join(", ", ByModelType.Keys.Order(StringComparer.Ordinal))}, came '{modelType}'");
}
