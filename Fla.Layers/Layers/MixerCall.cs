using Fla.Dsl;
using Fla.Layers.Modules;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// One call of a mixer: what it goes on from, and what it leaves for the next call. States are taken and left in the order in which a
/// layer asks for its convolutions and recurrences, so that a layer is written as if there were no cache.
/// </summary>
internal sealed class MixerCall(Mode mode, Tensor? cuSeqlens, LayerState? past, bool remembers)
{
    private readonly List<Tensor> convStates = [], recurrentStates = [];

    /// <summary>A short convolution over x, <c>[B, T, D]</c>; x itself where there is none.</summary>
    public Tensor Convolve(ShortConvolution? convolution, Tensor x)
    {
        if (convolution is null)
            return x;

        var (y, state) = convolution.forward(x, Past(past?.ConvState, convStates), remembers, cuSeqlens);
        Leave(convStates, state);
        return y;
    }

    /// <summary>A short convolution that ends in silu, or silu alone where there is none.</summary>
    public Tensor ConvolveOrSilu(ShortConvolution? convolution, Tensor x) =>
        convolution is null ? nn.functional.silu(x) : Convolve(convolution, x);

    /// <summary>The same with the filters of a convolution that is not one of ours, without its padding, and an activation by its name.</summary>
    public Tensor Convolve(Conv1d convolution, Tensor x, string activation)
    {
        var (y, state) = CausalConvolution.Apply(
            x, convolution.weight!, convolution.bias, activation, Past(past?.ConvState, convStates), remembers, cuSeqlens);
        Leave(convStates, state);
        return y;
    }

    /// <summary>The difference of each token from the one before it, <c>[B, T, D]</c>.</summary>
    public Tensor Shift(TokenShift shift, Tensor x)
    {
        var (delta, last) = shift.forward(x, Past(past?.ConvState, convStates), cuSeqlens);
        Leave(convStates, last);
        return delta;
    }

    /// <summary>A recurrence, on from the state of the last call; arguments as for <see cref="RecurrenceOp.Run"/>.</summary>
    public Tensor Recur(RecurrenceOp op, IReadOnlyList<Tensor?> arguments, double? scale = null, bool l2Norm = false)
    {
        Tensor?[] initial = [.. op.States.Select((_, i) => Past(past?.RecurrentState, recurrentStates, i))];
        var (o, final) = op.Run(mode, arguments, scale, initial, remembers, cuSeqlens, l2Norm);
        foreach (var state in final ?? [])
            Leave(recurrentStates, state);
        return o;
    }

    /// <summary>The position of each token in its sequence, padding not counted: <c>[B, T]</c> or <c>[1, T]</c>.</summary>
    public Tensor Positions(Tensor x)
    {
        var offsets = SequenceOffsets.Of(cuSeqlens, x.shape[0], x.shape[1]);
        var lengths = torch.tensor(offsets.Zip(offsets.Skip(1), (start, end) => end - start).ToArray(), device: x.device);
        var seen = Past(past?.RecurrentState, recurrentStates) ?? torch.zeros_like(lengths);
        Leave(recurrentStates, seen.Plus(lengths));

        var places = torch.arange(x.shape[1], device: x.device).unsqueeze(0);
        if (cuSeqlens is null)
            return places.Plus(seen.unsqueeze(1));

        var first = seen - torch.tensor(offsets[..^1], device: x.device);
        return places.Plus(first.repeat_interleave(lengths).unsqueeze(0));
    }

    /// <summary>Leaves what was asked for to the next call.</summary>
    /// <param name="cache">Where to.</param>
    /// <param name="layerIdx">Under which index.</param>
    /// <param name="tokens">How many tokens this call had, padding included.</param>
    public void Store(Cache cache, int layerIdx, long tokens) =>
        cache.Update(
            layerIdx,
            recurrentStates.Count == 0 ? null : recurrentStates,
            convStates.Count == 0 ? null : convStates,
            offset: tokens);

    private static Tensor? Past(IReadOnlyList<Tensor>? stored, List<Tensor> left, int ahead = 0) => stored?[left.Count + ahead];

    private void Leave(List<Tensor> states, Tensor? state)
    {
        if (remembers)
            states.Add(state!);
    }
}
