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
    private readonly LaunchPlan? backward, segment, backwardSegment;

    private GpuEvaluator(RecurrenceCall call, KernelDevice device, Workload work, IReadOnlyList<LaunchPlan> plans)
        : base(call)
    {
        (this.device, this.work) = (device, work);
        var program = call.Op.Gpu!;
        forward = plans[0];
        backward = PlanOf(program.Backward) ?? PlanOf(program.TokenBackward);
        (segment, backwardSegment) = (PlanOf(program.Segment), PlanOf(program.BackwardSegment));

        LaunchPlan? PlanOf(GpuKernel? kernel) => plans.FirstOrDefault(plan => plan.Kernel == kernel);
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
        if (Planner.Plan(call.Op, backward, work, new(device.Block, device.Machine)) is not { } plans) return null;
        device.Begin(plans.Select(plan => plan.Method)); // the backward pass's while the forward pass runs
        return new(call, device, work, plans);
    }

    /// <inheritdoc/>
    public override (Tensor Output, Tensor[] Final, Tensor[] Kept) Forward(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial, bool keep)
    {
        using var scope = torch.NewDisposeScope();
        var converted = Converted(arguments);
        var launch = Launch(forward, converted);
        var (output, tokens) = (Call.Output with { Type = OutputType }).Allocate(Call.Device);
        launch.AddTokens(GpuRole.Output, tokens);

        Tensor?[] before =
            [.. initial.Zip(Call.States, (tensor, state) => tensor is null ? Empty(state) : Floats(tensor, state))];
        if (segment is not null) before = Entering(segment, GpuRole.FinalState, Launch(segment, converted), before);

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
        Tensor[] last = [.. final.Select(states => Of(forward, states, atEnd: true))];
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
        var outputGradient = output is null
            ? torch.zeros(Call.Output.Canonical, OutputType, Call.Device)
            : output.reshape(Call.Output.Canonical).In(OutputType).Aligned();
        var converted = Converted(arguments);
        Tensor?[] after =
            [.. Call.States.Select((state, i) => i < final.Count && final[i] is { } gradient ? Floats(gradient, state) : null)];
        if (backwardSegment is not null)
            after = Entering(backwardSegment, GpuRole.InitialStateGradient, Launch(backwardSegment), after);
        var launch = Launch(backward!);

        // Those per token are written anyhow.
        var sums = Call.DeclaredArguments.Zip(Call.Arguments, wanted)
            .Select(item => item is (var argument, { } bound, var want) && (want || argument.Role == ArgumentRole.Token)
                ? new GradientParts(Call, backward!, argument, bound)
                : null).ToArray();
        foreach (var sum in sums) sum?.AddTo(launch);

        var states = new Tensor?[Call.States.Count];
        for (var i = 0; i < states.Length; i++)
        {
            launch.AddState(GpuRole.FinalStateGradient, i, after[i]);
            states[i] = wanted[Call.Arguments.Count + i] ? GradientOf(backward!, i) : null;
            launch.AddState(GpuRole.InitialStateGradient, i, states[i]);
        }

        launch.Run(device, DeviceNumbers.OfSequences(backward!, Call.Device));
        Tensor?[] result =
        [
            .. sums.Select((sum, i) => wanted[i] ? sum!.Total() : null),
            .. states.Zip(Call.States, (parts, state) =>
                parts is null ? null : Of(backward!, Sum(parts, state), atEnd: false).In(state.Type)),
        ];
        scope.MoveToOuter(result.OfType<Tensor>());
        return result;

        KernelLaunch Launch(LaunchPlan plan)
        {
            var launch = this.Launch(plan, converted);
            launch.AddTokens(GpuRole.OutputGradient, outputGradient);
            var next = 0;
            for (var i = 0; i < Call.States.Count; i++) launch.AddState(GpuRole.KeptState, i, IsKept(i) ? kept[next++] : null);
            return launch;
        }
    }

    // One number a token is fp32 in kernels.
    private ScalarType OutputType => Call.Op.OutputDimensions.Count == 0 ? ScalarType.Float32 : work.Element;

    private bool IsKept(int state) => Has(backward!, GpuRole.KeptState, state);

    private long[] KeptShape(BoundTensor state) => [work.Rows(forward.Chunk)[^1], .. state.Canonical[1..]];

    // Of a state without the columns that are split, each split has a part of the gradient.
    private Tensor GradientOf(LaunchPlan plan, int state)
    {
        var shape = Call.States[state].Shape;
        return plan.Splits == 1 || Call.Op.States[state].Dimensions.Contains(plan.Kernel.Split)
            ? StatesOf(plan, Call.States[state])
            : Unwritten.Tensor([plan.Work.Sequences, plan.Splits, .. shape[1..]], ScalarType.Float32, Call.Device);
    }

    private static Tensor Sum(Tensor gradient, BoundTensor state) => gradient.dim() > state.Shape.Length ? gradient.sum(1) : gradient;

    private static Tensor Floats(Tensor tensor, BoundTensor state) => tensor.reshape(state.Canonical).In(ScalarType.Float32).Aligned();

    // No tensor stands for zero.
    private Tensor? Empty(BoundTensor state) =>
        state.Empty == 0 ? null : torch.full(state.Canonical, Scalars.Of(state.Empty), ScalarType.Float32, Call.Device);

    /// <summary>
    /// The states with which segments begin, from those of the sequences; or backward the gradients of the states after them.
    /// </summary>
    /// <param name="plan">The plan of the kernel that makes a segment's own of the arguments.</param>
    /// <param name="own">What it gives that as.</param>
    /// <param name="launch">Its launch.</param>
    /// <param name="given">Those of the sequences; null for zero.</param>
    private Tensor?[] Entering(LaunchPlan plan, GpuRole own, KernelLaunch launch, Tensor?[] given)
    {
        var isBackward = plan == backwardSegment;
        Tensor New(int state) => isBackward ? GradientOf(plan, state) : StatesOf(plan, Call.States[state]);
        Tensor[] states = [.. Call.States.Select((_, i) => New(i))];
        Tensor?[] decays = [.. Call.States.Select((_, i) => Has(plan, GpuRole.StateDecay, i) ? New(i) : null)];
        for (var i = 0; i < states.Length; i++)
        {
            launch.AddState(own, i, states[i]);
            launch.AddState(GpuRole.StateDecay, i, decays[i]);
        }

        launch.Run(device, DeviceNumbers.OfSequences(plan, Call.Device));
        var first = Segments.First(work, plan.Work);
        for (var i = 0; i < states.Length; i++)
        {
            // All splits have the same decay.
            var decay = decays[i]?.dim() > Call.States[i].Shape.Length ? decays[i]!.select(1, 0).contiguous() : decays[i];
            states[i] = Sum(states[i], Call.States[i]);
            SegmentStates.Carry(device, (int)Call.Heads, states[i], decay, given[i], first, isBackward);
        }

        return states;
    }

    // A sequence begins as its first segment does, and ends as its last one.
    private Tensor Of(LaunchPlan plan, Tensor states, bool atEnd)
    {
        if (plan.Work == work) return states;
        var first = Segments.First(work, plan.Work);
        return states.index_select(0, DeviceNumbers.Of(atEnd ? [.. first[1..].Select(next => next - 1)] : first[..^1], Call.Device));
    }

    private Tensor StatesOf(LaunchPlan plan, BoundTensor state) =>
        Unwritten.Tensor([plan.Work.Sequences, .. state.Shape[1..]], ScalarType.Float32, Call.Device);

    private bool Has(LaunchPlan plan, GpuRole role, int state) => plan.Kernel.Parameters.Contains(new(role, Call.Op.States[state].Name));

    // As kernels take them, once for all kernels of a walk.
    private Tensor[] Converted(IReadOnlyList<Tensor?> arguments) =>
    [
        .. Call.DeclaredArguments.Zip(arguments, Call.Arguments).Select(item => item is (var argument, { } tensor, { } bound)
            ? tensor.reshape(bound.Canonical).In(TypeOf(argument)).Aligned()
            : DeviceNumbers.Of(Call.Default(item.First), Call.Device).view(1, Call.Heads, 1, 1)),
    ];

    private ScalarType TypeOf(Argument argument) => argument.Role == ArgumentRole.Token ? work.TypeOf(argument) : ScalarType.Float32;

    private KernelLaunch Launch(LaunchPlan plan, Tensor[] arguments)
    {
        var launch = new KernelLaunch(Call, plan);
        foreach (var (argument, tensor) in Call.DeclaredArguments.Zip(arguments))
        {
            if (argument.Role == ArgumentRole.Token) launch.AddTokens(GpuRole.Argument, argument.Name, tensor);
            else launch.AddPerHead(GpuRole.Argument, argument.Name, tensor);
        }

        return launch;
    }
}
