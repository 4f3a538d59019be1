namespace Fla.Layers.Generation;

/// <summary>How tokens are chosen, and when to stop.</summary>
public sealed record GenerationConfig
{
    /// <summary>How many tokens are generated at most; null for no such limit.</summary>
    public int? MaxNewTokens { get; init; } = 64;

    /// <summary>How long a sequence becomes at most, its prompt included; null for no such limit.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Whether tokens are drawn; otherwise the likeliest is taken.</summary>
    public bool DoSample { get; init; }

    /// <summary>What logits are divided by before a token is drawn. Above 0; below 1 the likely become likelier.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>How many of the likeliest tokens may be drawn; null for all.</summary>
    public int? TopK { get; init; }

    /// <summary>The likeliest tokens whose probabilities together reach this may be drawn; 1 for all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>
    /// What the logits of tokens that are there already are divided by where they are positive, and multiplied by where they are
    /// negative. Keskar et al., 2019, arXiv:1909.05858, section 4.1.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>The tokens that end a sequence; those of the model's configuration where it is null. Empty for none.</summary>
    public IReadOnlyList<long>? EosTokenIds { get; init; }

    /// <summary>What follows a sequence's end while others go on; the configuration's padding, or its end, where it is null.</summary>
    public long? PadTokenId { get; init; }

    /// <summary>Whether what was computed for earlier tokens is kept; otherwise all tokens are computed anew for each.</summary>
    public bool UseCache { get; init; } = true;

    /// <summary>What drawing begins with, for the same tokens each time; null for others each time.</summary>
    public long? Seed { get; init; }

    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    internal void Validate()
    {
        if (MaxNewTokens is null && MaxLength is null)
            throw new ArgumentException($"expected {nameof(MaxNewTokens)} or {nameof(MaxLength)}, came neither: generation would not end");
        AtLeastOne(MaxNewTokens, nameof(MaxNewTokens));
        AtLeastOne(MaxLength, nameof(MaxLength));
        AtLeastOne(TopK, nameof(TopK));
        if (!(Temperature > 0 && double.IsFinite(Temperature))) throw Wrong(nameof(Temperature), "a finite number above 0", Temperature);
        if (!(TopP > 0 && TopP <= 1)) throw Wrong(nameof(TopP), "a number above 0 and up to 1", TopP);
        if (!(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty)))
            throw Wrong(nameof(RepetitionPenalty), "a finite number above 0", RepetitionPenalty);
    }

    private static void AtLeastOne(int? value, string name)
    {
        if (value < 1) throw Wrong(name, "at least 1", value);
    }

    private static ArgumentException Wrong(string name, string expected, object? came) =>
        new($"{name}: expected {expected}, came {came}", name);
}
