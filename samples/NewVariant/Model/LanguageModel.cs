using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace NewVariant.Model;

/// <summary>How large a model is.</summary>
/// <param name="Channels">The channels D between blocks; the heads share them as their values.</param>
/// <param name="Heads">The heads of a token mixer.</param>
/// <param name="KeyChannels">The channels K of a head's queries and keys.</param>
/// <param name="Hidden">The hidden channels of an MLP.</param>
/// <param name="Blocks">The blocks.</param>
internal sealed record ModelSize(long Channels = 128, long Heads = 4, long KeyChannels = 16, long Hidden = 320, int Blocks = 3)
{
    /// <summary>The channels V of a head's values.</summary>
    public long ValueChannels => Channels / Heads;
}

/// <summary>A causal language model over bytes.</summary>
internal sealed class LanguageModel : Module<Tensor, Tensor>
{
    /// <summary>The vocabulary: every byte.</summary>
    public const int Bytes = 256;

    private readonly Embedding embedding;
    private readonly ModuleList<Block> blocks;
    private readonly RmsNorm norm;
    private readonly Linear head;

    /// <param name="size">How large it is.</param>
    /// <param name="memory">Makes the memory of a block.</param>
    /// <param name="seed">What its weights are drawn from.</param>
    public LanguageModel(ModelSize size, Func<Memory> memory, int seed)
        : base(nameof(LanguageModel))
    {
        random.manual_seed(seed);
        embedding = Embedding(Bytes, size.Channels);
        blocks = new([.. Enumerable.Range(0, size.Blocks).Select(_ => new Block(size, memory()))]);
        norm = new(size.Channels);
        head = Linear(size.Channels, Bytes, hasBias: false);
        RegisterComponents();
    }

    /// <summary>For whole sequences of bytes <c>[B, T]</c> the logits of each next byte <c>[B, T, 256]</c>.</summary>
    public override Tensor forward(Tensor bytes)
    {
        var x = blocks.Aggregate(embedding.forward(bytes), (x, block) => block.forward(x));
        return head.forward(norm.forward(x));
    }

    /// <summary>For one more byte <c>[B]</c> the logits of the next <c>[B, 256]</c>, and what the blocks carry on; null at first.</summary>
    public (Tensor Logits, MixerState[] States) Step(Tensor bytes, MixerState[]? states)
    {
        var x = embedding.forward(bytes);
        var next = new MixerState[blocks.Count];
        for (var i = 0; i < blocks.Count; i++)
            (x, next[i]) = blocks[i].Step(x, states?[i]);
        return (head.forward(norm.forward(x)), next);
    }
}
