using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>
/// A causal language model: it gives each token of a sequence the logits of the next. Which family it is of, and so what its blocks
/// are, its configuration says.
/// </summary>
public sealed class CausalLM : nn.Module<Tensor, CausalLMOutput>, IPrintedAsTree
{
    // The target that FLA and PyTorch leave out of a loss.
    private const long Ignored = -100;

    private readonly Backbone backbone;
    private readonly nn.Module<Tensor, Tensor> lm_head;

    internal CausalLM(PretrainedConfig config)
        : base($"{config.Family}ForCausalLM")
    {
        config.Validate();
        Config = config;
        backbone = new Backbone(config);
        lm_head = config.TieWordEmbeddings
            ? new TiedHead(backbone.Embeddings)
            : nn.Linear(config.HiddenSize, config.VocabSize, hasBias: false);
        register_module(config.BackboneName, backbone);
        register_module(nameof(lm_head), lm_head);
    }

    /// <summary>What it was built from.</summary>
    public PretrainedConfig Config { get; }

    /// <summary>The number of its parameters.</summary>
    public long ParameterCount => parameters().Sum(parameter => parameter.NumberOfElements);

    /// <summary>Where its parameters are.</summary>
    public Device Device => backbone.Embeddings.weight.device;

    /// <summary>The type of its parameters.</summary>
    public ScalarType Dtype => backbone.Embeddings.weight.dtype;

    /// <summary>The logits of whole sequences.</summary>
    /// <param name="inputIds"><c>[B, T]</c>, int64.</param>
    public override CausalLMOutput forward(Tensor inputIds) => forward(inputIds, attentionMask: null);

    /// <summary>Logits, loss and hidden states of sequences that may be padded, go on from a cache, or are packed into one.</summary>
    /// <param name="inputIds"><c>[B, T]</c>, int64.</param>
    /// <param name="attentionMask"><c>[B, L]</c>, 1 for a token and 0 for padding, over all tokens so far: T without a cache.</param>
    /// <param name="cache">What was remembered of earlier tokens. It is updated.</param>
    /// <param name="cuSeqlens">The N + 1 limits of sequences that are packed into one; B is 1 then.</param>
    /// <param name="labels"><c>[B, T]</c>, the tokens themselves: each is compared with the logits before it. -100 does not count.</param>
    /// <param name="outputHiddenStates">Whether the hidden states are given.</param>
    /// <param name="logitsToKeep">The number of last tokens whose logits are computed; null for all.</param>
    /// <returns>What was asked for.</returns>
    /// <exception cref="ArgumentException">A shape or type does not fit, or a token is not in the vocabulary.</exception>
    public CausalLMOutput forward(
        Tensor inputIds, Tensor? attentionMask, Cache? cache = null, Tensor? cuSeqlens = null, Tensor? labels = null,
        bool outputHiddenStates = false, int? logitsToKeep = null)
    {
        CheckIds(inputIds, nameof(inputIds));
        if (labels is not null && !labels.shape.SequenceEqual(inputIds.shape))
            throw new ArgumentException($"expected labels [{Text(inputIds)}], came [{Text(labels)}]", nameof(labels));
        if (logitsToKeep < 1) throw new ArgumentException($"expected at least one token, came {logitsToKeep}", nameof(logitsToKeep));

        using var scope = NewDisposeScope();
        List<Tensor>? hiddenStates = outputHiddenStates ? [] : null;
        var flow = new Flow(attentionMask, cache, cuSeqlens);
        var hidden = backbone.forward(backbone.Embeddings.forward(inputIds), flow, hiddenStates);
        var (logits, loss) = labels is null
            ? (lm_head.forward(Last(hidden, logitsToKeep)), null)
            : Compared(hidden, labels, logitsToKeep);
        foreach (var tensor in (Tensor?[])[logits, loss, .. hiddenStates ?? []]) tensor?.MoveToOuterDisposeScope();
        return new CausalLMOutput(logits, loss, hiddenStates);
    }

    /// <summary>Nothing more: fields are not called what the family calls the submodules.</summary>
    protected override void RegisterComponents()
    {
    }

    /// <summary>The tree of its submodules, as PyTorch prints it.</summary>
    public override string ToString() => ModuleTree.Text(this);

    /// <summary>The parameters by name. Those of tied embeddings stand there once.</summary>
    internal IReadOnlyDictionary<string, Tensor> Weights => state_dict();

    private (Tensor? Logits, Tensor Loss) Compared(Tensor hidden, Tensor labels, int? logitsToKeep)
    {
        var none = full_like(labels.narrow(1, 0, 1), Ignored);
        var next = cat([labels.narrow(1, 1, labels.shape[1] - 1), none], 1);
        if (Config.FuseLinearCrossEntropy)
        {
            using var fused = new FusedLinearCrossEntropyLoss(useL2warp: Config.UseL2warp);
            var weight = lm_head is TorchSharp.Modules.Linear linear ? linear.weight! : backbone.Embeddings.weight;
            return (null, fused.forward(hidden, next, weight));
        }

        var logits = lm_head.forward(hidden);
        var loss = nn.functional.cross_entropy(Precision.Widen(logits).flatten(0, 1), next.flatten(), ignore_index: Ignored);
        if (Config.UseL2warp && training) loss = L2Warp.Apply(loss, logits);
        return (Last(logits, logitsToKeep), loss);
    }

    private static Tensor Last(Tensor x, int? tokens) =>
        tokens is { } count && count < x.shape[1] ? x.narrow(1, x.shape[1] - count, count) : x;

    private void CheckIds(Tensor ids, string name)
    {
        if (ids.dtype != ScalarType.Int64 || ids.dim() != 2 || ids.NumberOfElements == 0)
            throw new ArgumentException($"expected {name} [B, T] of int64 with at least one token, came {ids.dtype} [{Text(ids)}]", name);
        using var scope = NewDisposeScope();
        var (least, most) = (ids.min().item<long>(), ids.max().item<long>());
        if (least < 0 || most >= Config.VocabSize)
        {
            throw new ArgumentException(
                $"expected {name} from 0 to {Config.VocabSize - 1}, came {(least < 0 ? least : most)}", name);
        }
    }

    private static string Text(Tensor tensor) => string.Join(", ", tensor.shape);
}
