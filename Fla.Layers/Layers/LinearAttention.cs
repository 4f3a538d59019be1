using Fla.Dsl;
using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Linear attention over a choice of feature maps. Katharopoulos et al., 2020, arXiv:2006.16236.</summary>
public sealed class LinearAttention : RecurrentMixer
{
    private readonly nn.Module<Tensor, Tensor>? feature_map_q, feature_map_k;
    private readonly Linear q_proj, k_proj, v_proj;
    private readonly nn.Module<Tensor, Tensor> norm;
    private readonly Linear o_proj;
    private readonly RecurrenceOp op;
    private readonly HeadSizes sizes;
    private readonly bool normQ, normK;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="numKvHeads">The number of heads of keys and values, each shared by neighbouring heads; null for all.</param>
    /// <param name="featureMap">elementwise_product, hedgehog, t2r, dpfp, elu (plus 1), relu or identity.</param>
    /// <param name="tieFeatureMapQk">Whether queries and keys have one map.</param>
    /// <param name="outputNorm">rmsnorm or identity.</param>
    /// <param name="normQ">Whether a query's features are divided by their sum.</param>
    /// <param name="normK">Whether a key's features are divided by their sum.</param>
    /// <param name="doFeatureMapNorm">Whether the weights of all tokens are made to sum to 1.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public LinearAttention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandK = 1,
        double expandV = 1,
        long numHeads = 8,
        long? numKvHeads = null,
        string featureMap = "elementwise_product",
        bool tieFeatureMapQk = false,
        string outputNorm = "rmsnorm",
        bool normQ = false,
        bool normK = false,
        bool doFeatureMapNorm = false,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        int? layerIdx = null)
        : base(nameof(LinearAttention), hiddenSize, mode, OpOf(doFeatureMapNorm), layerIdx)
    {
        sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads, numKvHeads);
        (this.normQ, this.normK, op) = (normQ, normK, OpOf(doFeatureMapNorm));

        feature_map_q = FeatureMap(featureMap, sizes.KeyDim);
        feature_map_k = tieFeatureMapQk ? feature_map_q : FeatureMap(featureMap, sizes.KeyDim);
        q_proj = nn.Linear(hiddenSize, sizes.Queries, hasBias: false);
        k_proj = nn.Linear(hiddenSize, sizes.Keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, sizes.Values, hasBias: false);
        norm = Require.OneOf(outputNorm, nameof(outputNorm), "rmsnorm", "identity") == "rmsnorm"
            ? new RMSNorm(sizes.ValueDim, elementwiseAffine, eps: normEps)
            : nn.Identity();
        o_proj = nn.Linear(sizes.Outputs, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Features(feature_map_q, Heads(q_proj.forward(x), sizes.Heads), normQ);
        var k = Features(feature_map_k, Heads(k_proj.forward(x), sizes.KvHeads), normK);
        var o = call.Recur(op, [q, k, Heads(v_proj.forward(x), sizes.KvHeads)]);
        return o_proj.forward(norm.forward(o).flatten(-2));
    }

    private static RecurrenceOp OpOf(bool normalized) => normalized ? Ops.NormalizedLinearAttention.Op : Ops.LinearAttention.Op;

    // elu is no module where models of this kind come from, and so is not printed.
    private static nn.Module<Tensor, Tensor>? FeatureMap(string name, long keyDim) => name switch
    {
        "elementwise_product" => new HadamardFeatureMap(keyDim),
        "hedgehog" => new HedgehogFeatureMap(keyDim),
        "t2r" => new T2RFeatureMap(keyDim),
        "dpfp" => new DPFPFeatureMap(),
        "relu" => nn.ReLU(),
        "identity" => nn.Identity(),
        "elu" => null,
        _ => throw new ArgumentException(
            $"featureMap: expected elementwise_product, hedgehog, t2r, dpfp, elu, relu or identity, came {name}.", "featureMap"),
    };

    private static Tensor Features(nn.Module<Tensor, Tensor>? map, Tensor x, bool divided)
    {
        var features = map is null ? nn.functional.elu(x, 1).Plus(1) : map.forward(x);
        return divided ? features / features.sum(-1, keepdim: true).Plus(1e-4) : features;
    }
}
