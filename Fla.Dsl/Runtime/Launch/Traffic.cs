using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>What a kernel moves to and from memory at least: every tensor once.</summary>
internal static class Traffic
{
    private const long FloatBytes = 4;

    public static long Of(RecurrenceOp op, LaunchPlan plan) => plan.Kernel.Parameters.Sum(parameter => Of(op, plan, parameter));

    private static long Of(RecurrenceOp op, LaunchPlan plan, GpuParameter parameter)
    {
        var work = plan.Work;
        var (tokens, sequences) = (work.Tokens * work.Heads, work.Sequences * work.Heads);
        switch (parameter.Role)
        {
            case GpuRole.Output or GpuRole.OutputGradient:
                return tokens * Elements(op.OutputDimensions) * Workload.Bytes(op.OutputDimensions.Count == 0 ? ScalarType.Float32 : work.Element);
            case GpuRole.KeptState:
                return work.Rows(plan.Chunk)[^1] * work.Heads * Elements(State().Dimensions) * Workload.Bytes(plan.TypeOfKept(State()));
            case not (GpuRole.Argument or GpuRole.ArgumentGradient):
                return sequences * Elements(State().Dimensions) * FloatBytes;
        }

        var argument = op.Arguments.First(argument => argument.Name == parameter.Name);
        var isGradient = parameter.Role == GpuRole.ArgumentGradient;
        var parts = isGradient && (plan.Kernel.Split is null || !argument.Dimensions.Contains(plan.Kernel.Split)) ? plan.Splits : 1;
        return argument.Role switch
        {
            ArgumentRole.Token => tokens * parts * Elements(argument.Dimensions) * Workload.Bytes(work.TypeOf(argument)),
            ArgumentRole.PerHead => (isGradient ? sequences * plan.Splits : work.Heads) * Elements(argument.Dimensions) * FloatBytes,
            _ => 0,
        };

        StateVariable State() => op.States.First(state => state.Name == parameter.Name);

        long Elements(IReadOnlyList<string> dimensions) => dimensions.Aggregate(1L, (product, name) => product * work.Sizes[name]);
    }
}
