using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>The vectors of tokens. That of a padding token gets no gradient.</summary>
internal sealed class Embedding : nn.Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    private readonly int? paddingIdx;

    public Embedding(long vocabSize, long hiddenSize, int? paddingIdx)
        : base(nameof(Embedding))
    {
        this.paddingIdx = paddingIdx;
        register_parameter(nameof(weight), weight = new Parameter(empty(vocabSize, hiddenSize)));
    }

    /// <summary><c>[B, T]</c> to <c>[B, T, D]</c>.</summary>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var vectors = weight.index_select(0, ids.flatten()).view([.. ids.shape, weight.shape[1]]);
        if (paddingIdx is { } padding && is_grad_enabled())
            vectors = where(ids.eq(Dsl.Runtime.Scalars.Of(padding)).unsqueeze(-1), vectors.detach(), vectors);
        return scope.MoveToOuter(vectors);
    }

    public override string ToString() =>
        $"Embedding({weight.shape[0]}, {weight.shape[1]}{(paddingIdx is { } padding ? $", padding_idx={padding}" : "")})";
}

/// <summary>The map to logits by the vectors of the tokens themselves, which stay the embedding's.</summary>
internal sealed class TiedHead(Embedding embeddings) : nn.Module<Tensor, Tensor>("Linear")
{
    public override Tensor forward(Tensor x) => nn.functional.linear(x, embeddings.weight);

    public override string ToString() =>
        $"Linear(in_features={embeddings.weight.shape[1]}, out_features={embeddings.weight.shape[0]}, bias=False)";
}
