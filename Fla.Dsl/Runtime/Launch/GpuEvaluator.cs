using Fla.Dsl.Runtime.Gpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>Evaluates a recurrence with its kernels: one for the walk forward in time, one for the walk back.</summary>
internal sealed class GpuEvaluator : Evaluator
{
    private readonly KernelDevice device;
    private readonly Workload work;
    private readonly LaunchPlan forward;
    private readonly LaunchPlan? backward, segment;

    private GpuEvaluator(RecurrenceCall call, KernelDevice device, Workload work, IReadOnlyList<LaunchPlan> plans)
        : base(call)
    {
        (this.device, this.work) = (device, work);
        forward = plans[0];
        segment = plans.FirstOrDefault(plan => plan.Kernel == call.Op.Gpu!.Segment);
        backward = plans.Skip(1).FirstOrDefault(plan => plan != segment);
    }

    /// <summary>The evaluator of a call; null where there are no kernels for it.</summary>
    /// <inheritdoc cref="Evaluator.For"/>
    public static new GpuEvaluator? For(RecurrenceCall call, IReadOnlyList<bool> wanted)
    {
        if (Backend.KernelsOn(call.Device) is not { } device
            || call.Op.Gpu is not { } program
            || call.Mode is not (Mode.Chunk or Mode.FusedChunk)
            || call.Compute != ScalarType.Float32
            || (wanted.Contains(true) && program.Backward is null))
            return null;

        var work = Workload.Of(call);
        var perHead = call.DeclaredArguments.Where((argument, i) => wanted[i] && argument.Role == ArgumentRole.PerHead).Any();
        var backward = wanted.Contains(true) ? program.BackwardFor(perHead) : null;
        return LaunchPlan.Choose(call.Op, backward, work, new(device.Block, device.Machine)) is { } plans
            ? new(call, device, work, plans)
            : null;
    }

    /// <inheritdoc/>
    public override (Tensor Output, Tensor[] Final, Tensor[] Kept) Forward(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial, bool keep)
    {
        using var scope = torch.NewDisposeScope();
        var launch = Launch(forward, arguments);
        var (output, tokens) = (Call.Output with { Type = OutputType }).Allocate(Call.Device);
        launch.AddTokens(GpuRole.Output, tokens);

        Tensor?[] before =
            [.. initial.Zip(Call.States, (tensor, state) => tensor is null ? Empty(state) : Floats(tensor, state))];
        if (segment is not null) before = BeforeSegments(arguments, before);

        var final = new List<Tensor>();
        var kept = new List<Tensor>();
        for (var i = 0; i < Call.States.Count; i++)
        {
            var state = Call.States[i];
            launch.AddState(GpuRole.InitialState, i, before[i]);

            var after = Call.WantFinal ? StatesOf(forward, state) : null;
            launch.AddState(GpuRole.FinalState, i, after);
            if (after is not null) final.Add(after);

            var carried = keep && IsKept(i) ? Unwritten.Tensor(KeptShape(state), forward.TypeOfKept(Call.Op.States[i]), Call.Device) : null;
            launch.AddState(GpuRole.KeptState, i, carried);
            if (carried is not null) kept.Add(carried);
        }

        launch.Run(device, DeviceNumbers.OfSequences(forward, Call.Device));
        var result = output.In(Call.Output.Type);
        Tensor[] last = [.. final.Select(AfterLastSegment)];
        scope.MoveToOuter([result, .. last, .. kept]);
        return (result, last, [.. kept]);
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(
        IReadOnlyList<Tensor?> arguments,
        Tensor[] kept,
        Tensor? output,
        IReadOnlyList<Tensor?> final,
        IReadOnlyList<bool> wanted)
    {
        using var scope = torch.NewDisposeScope();
        var launch = Launch(backward!, arguments);
        launch.AddTokens(GpuRole.OutputGradient, output is null
            ? torch.zeros(Call.Output.Canonical, OutputType, Call.Device)
            : output.reshape(Call.Output.Canonical).to(OutputType).contiguous());

        // Those per token are written anyhow.
        var sums = Call.DeclaredArguments.Zip(Call.Arguments, wanted)
            .Select(item => item is (var argument, { } bound, var want) && (want || argument.Role == ArgumentRole.Token)
                ? new GradientParts(Call, work, backward!, argument, bound)
                : null).ToArray();
        foreach (var sum in sums) sum?.AddTo(launch);

        var keptOnes = new Queue<Tensor>(kept);
        var states = new Tensor?[Call.States.Count];
        for (var i = 0; i < states.Length; i++)
        {
            var state = Call.States[i];
            launch.AddState(GpuRole.KeptState, i, IsKept(i) ? keptOnes.Dequeue() : null);
            launch.AddState(GpuRole.FinalStateGradient, i, i < final.Count && final[i] is { } gradient ? Floats(gradient, state) : null);
            states[i] = wanted[Call.Arguments.Count + i] ? Unwritten.Tensor(GradientShape(i), ScalarType.Float32, Call.Device) : null;
            launch.AddState(GpuRole.InitialStateGradient, i, states[i]);
        }

        launch.Run(device, DeviceNumbers.OfSequences(backward!, Call.Device));
        Tensor?[] result =
        [
            .. sums.Select((sum, i) => wanted[i] ? sum!.Total() : null),
            .. states.Zip(Call.States, (parts, state) => (parts?.dim() > state.Shape.Length ? parts.sum(1) : parts)?.In(state.Type)),
        ];
        scope.MoveToOuter(result.OfType<Tensor>());
        return result;
    }

    // One number a token is fp32 in kernels.
    private ScalarType OutputType => Call.Op.OutputDimensions.Count == 0 ? ScalarType.Float32 : work.Element;

    private bool IsKept(int state) => Has(backward!, GpuRole.KeptState, state);

    private long[] KeptShape(BoundTensor state) => [work.Rows(forward.Chunk)[^1], .. state.Canonical[1..]];

    // Of a state without the columns that are split, each split has a part of the gradient.
    private long[] GradientShape(int state)
    {
        var shape = Call.States[state].Shape;
        return backward!.Splits == 1 || Call.Op.States[state].Dimensions.Contains(backward.Kernel.Split)
            ? shape
            : [shape[0], backward.Splits, .. shape[1..]];
    }

    private static Tensor Floats(Tensor tensor, BoundTensor state) => tensor.reshape(state.Canonical).to(ScalarType.Float32).contiguous();

    // No tensor stands for zero.
    private Tensor? Empty(BoundTensor state) =>
        state.Empty == 0 ? null : torch.full(state.Canonical, Scalars.Of(state.Empty), ScalarType.Float32, Call.Device);

    /// <summary>The states with which segments begin, from those of the sequences.</summary>
    private Tensor?[] BeforeSegments(IReadOnlyList<Tensor?> arguments, Tensor?[] initial)
    {
        var launch = Launch(segment!, arguments);
        Tensor[] states = [.. Call.States.Select(state => StatesOf(segment!, state))];
        Tensor?[] decays = [.. Call.States.Select((state, i) => Has(segment!, GpuRole.StateDecay, i) ? StatesOf(segment!, state) : null)];
        for (var i = 0; i < states.Length; i++)
        {
            launch.AddState(GpuRole.FinalState, i, states[i]);
            launch.AddState(GpuRole.StateDecay, i, decays[i]);
        }

        launch.Run(device, DeviceNumbers.OfSequences(segment!, Call.Device));
        for (var i = 0; i < states.Length; i++) SegmentStates.Carry(device, (int)Call.Heads, states[i], decays[i], initial[i], FirstSegments);
        return states;
    }

    private long[] FirstSegments => Segments.First(work, segment!.Work);

    // Final states are those after the last segment of each sequence.
    private Tensor AfterLastSegment(Tensor states) => segment is null
        ? states
        : states.index_select(0, DeviceNumbers.Of([.. FirstSegments.Skip(1).Select(next => next - 1)], Call.Device));

    private Tensor StatesOf(LaunchPlan plan, BoundTensor state) =>
        Unwritten.Tensor([plan.Work.Sequences, .. state.Shape[1..]], ScalarType.Float32, Call.Device);

    private bool Has(LaunchPlan plan, GpuRole role, int state) => plan.Kernel.Parameters.Contains(new(role, Call.Op.States[state].Name));

    private KernelLaunch Launch(LaunchPlan plan, IReadOnlyList<Tensor?> arguments)
    {
        var launch = new KernelLaunch(Call, plan);
        foreach (var (argument, tensor, bound) in Call.DeclaredArguments.Zip(arguments, Call.Arguments))
        {
            var canonical = tensor?.reshape(bound!.Canonical)
                ?? DeviceNumbers.Of(Call.Default(argument), Call.Device).view(1, Call.Heads, 1, 1);
            if (argument.Role == ArgumentRole.Token)
                launch.AddTokens(GpuRole.Argument, argument.Name, canonical.to(work.TypeOf(argument)).contiguous());
            else
                launch.AddPerHead(GpuRole.Argument, argument.Name, canonical.to(ScalarType.Float32).contiguous());
        }

        return launch;
    }
}
