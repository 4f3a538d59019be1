using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>Embeddings, blocks, and a last normalisation.</summary>
internal sealed class Backbone : nn.Module<Tensor, Tensor>, IPrintedAsTree
{
    private readonly ModuleList<Block> layers;
    private readonly Norm norm;
    private readonly Parameter? lower_bounds;

    public Backbone(PretrainedConfig config)
        : base($"{config.Family}Model")
    {
        if (config.HasLowerBounds)
        {
            lower_bounds = new Parameter(zeros(config.NumHiddenLayers, config.HiddenSize));
            register_parameter(nameof(lower_bounds), lower_bounds);
        }

        Embeddings = new Embedding(config.VocabSize, config.HiddenSize, config.EmbeddingPadding);
        layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(config.CreateBlock)];
        norm = config.CreateFinalNorm();
        register_module("embeddings", Embeddings);
        register_module(nameof(layers), layers);
        register_module(config.FinalNormName, norm);
    }

    public Embedding Embeddings { get; }

    public override Tensor forward(Tensor inputIds) => forward(Embeddings.forward(inputIds), new Flow(null, null, null), null);

    /// <summary>Runs the blocks over vectors.</summary>
    /// <param name="x"><c>[B, T, D]</c></param>
    /// <param name="flow">What accompanies them.</param>
    /// <param name="hiddenStates">Takes the input of each block and the output, if it is not null.</param>
    /// <returns><c>[B, T, D]</c>, normalised.</returns>
    public Tensor forward(Tensor x, Flow flow, List<Tensor>? hiddenStates)
    {
        using var scope = NewDisposeScope();
        if (lower_bounds is not null) flow = flow with { LowerBounds = LowerBounds(lower_bounds) };
        foreach (var layer in layers)
        {
            hiddenStates?.Add(x.alias());
            var next = layer.forward(x, flow);
            // Nobody reads a block's output but the next block: it need not wait for the end of the model.
            if (!ReferenceEquals(x, next) && scope.Contains(x)) x.Dispose();
            x = next;
        }

        var output = norm.forward(x);
        hiddenStates?.Add(output.alias());
        foreach (var hidden in hiddenStates ?? []) hidden.MoveToOuterDisposeScope();
        return scope.MoveToOuter(output);
    }

    /// <summary>Nothing more: fields are not called what the family calls the submodules.</summary>
    protected override void RegisterComponents()
    {
    }

    public override string ToString() => ModuleTree.Text(this);

    // A layer's bound is what the softmax over layers gives to those below it: 0 for the first.
    private static Tensor LowerBounds(Parameter parameter)
    {
        var shares = Precision.Widen(parameter).softmax(0);
        return shares.cumsum(0) - shares.narrow(0, 0, 1);
    }
}
