using Fla.Dsl.Generator.Analysis;

namespace Fla.Dsl.Generator.Emit.Autograd;

/// <summary>Says in words which point of the normal form a recurrence is.</summary>
internal static class ClassText
{
    public static string Of(NormalForm? form) => form is null ? "no chunk form" : string.Join("; ", form.States.Select(state => Of(state, form)));

    private static string Of(StateForm state, NormalForm form)
    {
        var decays = state.Update.Decays.Select(decay => decay.Axis).Distinct().Select(axis => axis switch
        {
            DecayAxis.Whole => "scalar",
            DecayAxis.Rows => "by rows",
            DecayAxis.Columns when !state.Update.IsVector => "by columns",
            _ => "by element",
        }).ToList();
        var space = state.Update.IsLog ? "in logarithms, " : string.Empty;
        var decay = decays.Count == 0 ? "no decay" : $"decay {string.Join(" and ", decays)}";
        var inflows = string.Concat(state.Update.Inflows.Select(inflow => $", {inflow.Source.State} added"));
        var writes = state.Update.Writes.Count == 0 ? "no write" : state.HasFeedback ? "feedback write" : "external write";
        var reads = form.Reads.Where(read => read.Snapshot.State == state.Name).Select(read => Reading.Of(read.Snapshot, state.Update).Point).Distinct().OrderBy(point => point)
            .Select(point => point switch
            {
                ReadPoint.BeforeDecay => "before the decay",
                ReadPoint.AfterDecay => "after the decay",
                _ => "after the write",
            }).ToList();
        return $"{state.Name}: {space}{decay}, {writes}{inflows}, {(reads.Count == 0 ? "never read" : $"read {string.Join(" and ", reads)}")}";
    }
}
