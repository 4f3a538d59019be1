using Fla.Dsl.Runtime.Gpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>Evaluates a recurrence with its kernels: one for the walk forward in time, one for the walk back.</summary>
internal sealed class GpuEvaluator : Evaluator
{
    private readonly KernelDevice device;
    private readonly Workload work;
    private readonly IReadOnlyList<LaunchPlan> plans;

    private GpuEvaluator(RecurrenceCall call, KernelDevice device, Workload work, IReadOnlyList<LaunchPlan> plans)
        : base(call) => (this.device, this.work, this.plans) = (device, work, plans);

    /// <summary>The evaluator of a call; null where there are no kernels for it.</summary>
    /// <inheritdoc cref="Evaluator.For"/>
    public static new GpuEvaluator? For(RecurrenceCall call, bool differentiable)
    {
        if (Backend.KernelsOn(call.Device) is not { } device
            || call.Op.Gpu is not { } program
            || call.Mode is not (Mode.Chunk or Mode.FusedChunk)
            || call.Compute != ScalarType.Float32
            || (differentiable && program.Backward is null))
            return null;

        var work = Workload.Of(call);
        var kernels = differentiable ? program.Kernels : [program.Forward];
        return LaunchPlan.Choose([.. kernels], call.Op.States, work, new(device.Block, device.Machine)) is { } plans
            ? new(call, device, work, plans)
            : null;
    }

    /// <inheritdoc/>
    public override (Tensor Output, Tensor[] Final, Tensor[] Kept) Forward(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial, bool keep)
    {
        using var scope = torch.NewDisposeScope();
        var launch = Launch(plans[0], arguments);
        var (output, tokens) = (Call.Output with { Type = OutputType }).Allocate(Call.Device);
        launch.AddTokens(GpuRole.Output, tokens);

        var final = new List<Tensor>();
        var kept = new List<Tensor>();
        for (var i = 0; i < Call.States.Count; i++)
        {
            var state = Call.States[i];
            launch.AddState(GpuRole.InitialState, i, initial[i] is { } given ? Floats(given, state) : Empty(state));

            var after = Call.WantFinal ? (state with { Type = ScalarType.Float32 }).Allocate(Call.Device).Whole : null;
            launch.AddState(GpuRole.FinalState, i, after);
            if (after is not null) final.Add(after);

            var carried = keep && IsKept(i) ? Unwritten.Tensor(KeptShape(state), work.Element, Call.Device) : null;
            launch.AddState(GpuRole.KeptState, i, carried);
            if (carried is not null) kept.Add(carried);
        }

        launch.Run(device, Sequences);
        var result = output.In(Call.Output.Type);
        scope.MoveToOuter([result, .. final, .. kept]);
        return (result, [.. final], [.. kept]);
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
        var plan = PlanOfBackward(wanted);
        var launch = Launch(plan, arguments);
        launch.AddTokens(GpuRole.OutputGradient, output is null
            ? torch.zeros(Call.Output.Canonical, OutputType, Call.Device)
            : output.reshape(Call.Output.Canonical).to(OutputType).contiguous());

        // Those per token are written anyhow.
        var sums = Call.DeclaredArguments.Zip(Call.Arguments, wanted)
            .Select(item => item is (var argument, { } bound, var want) && (want || argument.Role == ArgumentRole.Token)
                ? new GradientParts(Call, work, plan, argument, bound)
                : null).ToArray();
        foreach (var sum in sums) sum?.AddTo(launch);

        var keptOnes = new Queue<Tensor>(kept);
        var states = new Tensor?[Call.States.Count];
        for (var i = 0; i < states.Length; i++)
        {
            var state = Call.States[i];
            launch.AddState(GpuRole.KeptState, i, IsKept(i) ? keptOnes.Dequeue() : null);
            launch.AddState(GpuRole.FinalStateGradient, i, i < final.Count && final[i] is { } gradient ? Floats(gradient, state) : null);
            states[i] = wanted[Call.Arguments.Count + i] ? (state with { Type = ScalarType.Float32 }).Allocate(Call.Device).Whole : null;
            launch.AddState(GpuRole.InitialStateGradient, i, states[i]);
        }

        launch.Run(device, Sequences);
        Tensor?[] result =
        [
            .. sums.Select((sum, i) => wanted[i] ? sum!.Total() : null),
            .. states.Zip(Call.States, (gradient, state) => gradient?.In(state.Type)),
        ];
        scope.MoveToOuter(result.OfType<Tensor>());
        return result;
    }

    private Tensor Sequences => SequenceTable.Of(work, plans[0].Chunk, Call.Device);

    // One number a token is fp32 in kernels.
    private ScalarType OutputType => Call.Op.OutputDimensions.Count == 0 ? ScalarType.Float32 : work.Element;

    private bool IsKept(int state) => Call.Op.Gpu!.Backward!.Parameters.Contains(new(GpuRole.KeptState, Call.Op.States[state].Name));

    private long[] KeptShape(BoundTensor state) => [work.Rows(plans[0].Chunk)[^1], .. state.Canonical[1..]];

    private static Tensor Floats(Tensor tensor, BoundTensor state) => tensor.reshape(state.Canonical).to(ScalarType.Float32).contiguous();

    // No tensor stands for zero.
    private Tensor? Empty(BoundTensor state) =>
        state.Empty == 0 ? null : torch.full(state.Canonical, Scalars.Of(state.Empty), ScalarType.Float32, Call.Device);

    private LaunchPlan PlanOfBackward(IReadOnlyList<bool> wanted)
    {
        var perHead = Call.DeclaredArguments.Select((argument, i) => wanted[i] && argument.Role == ArgumentRole.PerHead).Any(want => want);
        var kernel = perHead ? null : Call.Op.Gpu!.TokenBackward;
        return plans.First(plan => plan.Kernel == (kernel ?? Call.Op.Gpu!.Backward));
    }

    private KernelLaunch Launch(LaunchPlan plan, IReadOnlyList<Tensor?> arguments)
    {
        var launch = new KernelLaunch(Call, plan);
        foreach (var (argument, tensor, bound) in Call.DeclaredArguments.Zip(arguments, Call.Arguments))
        {
            var canonical = tensor?.reshape(bound!.Canonical) ?? Call.Default(argument);
            if (argument.Role == ArgumentRole.Token)
                launch.AddTokens(GpuRole.Argument, argument.Name, canonical.to(work.TypeOf(argument)).contiguous());
            else
                launch.AddPerHead(GpuRole.Argument, argument.Name, canonical.to(ScalarType.Float32).contiguous());
        }

        return launch;
    }
}
