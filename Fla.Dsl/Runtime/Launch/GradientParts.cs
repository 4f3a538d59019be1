using Fla.Dsl.Runtime.Gpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// The gradient of an argument in the parts that blocks write: of each head, though several may read the same one, of each split unless
/// the argument has the dimension that is split, and of what is per head also of each sequence.
/// </summary>
internal sealed class GradientParts
{
    private readonly BoundTensor bound;
    private readonly Argument argument;
    private readonly Tensor whole, parts;
    private readonly long heads;

    public GradientParts(RecurrenceCall call, LaunchPlan plan, Argument argument, BoundTensor bound)
    {
        var work = plan.Work;
        (this.bound, this.argument, heads) = (bound, argument, call.Heads);
        var isSplit = plan.Kernel.Split is { } split && argument.Dimensions.Contains(split);
        if (argument.Role == ArgumentRole.PerHead)
        {
            // Of the columns that are split, each block writes its own.
            long[] shape = [work.Sequences, plan.Splits * heads, .. bound.Canonical[2..]];
            parts = whole = isSplit && plan.Splits > 1
                ? torch.zeros(shape, ScalarType.Float32, call.Device)
                : Unwritten.Tensor(shape, ScalarType.Float32, call.Device);
            return;
        }

        var type = work.TypeOf(argument);
        if (bound.Canonical[2] == heads && (isSplit || plan.Splits == 1))
        {
            (whole, parts) = (bound with { Type = type }).Allocate(call.Device);
            return;
        }

        var (batch, tokens, columns) = (bound.Canonical[0], bound.Canonical[1], bound.Canonical[3]);
        parts = whole = Unwritten.Tensor([batch, tokens, isSplit ? heads : plan.Splits * heads, columns], type, call.Device);
    }

    /// <summary>Has a kernel write them.</summary>
    public void AddTo(KernelLaunch launch)
    {
        if (argument.Role == ArgumentRole.PerHead) launch.AddPerHead(GpuRole.ArgumentGradient, argument.Name, parts);
        else launch.AddTokens(GpuRole.ArgumentGradient, argument.Name, parts);
    }

    /// <summary>The gradient, in the argument's shape and type.</summary>
    public Tensor Total()
    {
        if (argument.Role == ArgumentRole.PerHead)
            return Grouped(parts, 1, bound.Canonical[1]).sum([0L, 1L, 3L]).reshape(bound.Shape).to(bound.Type);
        return ReferenceEquals(whole, parts)
            ? Grouped(parts, 2, bound.Canonical[2]).sum([2L, 4L]).reshape(bound.Shape).to(bound.Type)
            : whole.In(bound.Type);
    }

    // [.., splits * H, ..] as [.., splits, Ha, H / Ha, ..]
    private Tensor Grouped(Tensor tensor, int axis, long own) => tensor.unflatten(axis, -1, own, heads / own);
}
