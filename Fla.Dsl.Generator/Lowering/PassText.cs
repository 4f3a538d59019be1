using System.Text;
using Fla.Dsl.Generator.Analysis;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>Writes what a pass of <see cref="Pipeline"/> gives, for dumps.</summary>
internal static class PassText
{
    public static string Of(object result) => result switch
    {
        NormalForm form => Form(form),
        SplitProgram split => Split(split),
        _ => result.ToString(),
    };

    private static string Form(NormalForm form)
    {
        var text = new StringBuilder();
        foreach (var state in form.States)
        {
            text.Append($"state {state.Name}: {state.Type}\n");
            foreach (var decay in state.Update.Decays)
                text.Append($"  decay of {Axis(decay.Axis, state.Update)}: {(decay.Log is { } log ? $"exp({ExpressionText.Of(log)})" : ExpressionText.Of(decay.Factor))}\n");
            foreach (var write in state.Update.Writes)
                text.Append(state.Update.IsVector ? $"  write {ExpressionText.Of(write.Value)}\n" : $"  write Outer({ExpressionText.Of(write.Key)}, {ExpressionText.Of(write.Value)})\n");
            foreach (var inflow in state.Update.Inflows) text.Append($"  inflow of {inflow.Source.State}\n");
        }

        text.Append($"output {ExpressionText.Of(form.Output)}\n");
        foreach (var read in form.Reads.Distinct())
        {
            var update = form.States.Single(state => state.Name == read.Snapshot.State).Update;
            text.Append($"  {ExpressionText.Of(read)}: {Reading.Of(read.Snapshot, update).Point}\n");
        }

        return text.ToString();
    }

    private static string Axis(DecayAxis axis, AffineState state) => axis switch
    {
        DecayAxis.Whole => "the whole",
        DecayAxis.Rows => "rows",
        DecayAxis.Columns when !state.IsVector => "columns",
        _ => "elements",
    };

    private static string Split(SplitProgram split)
    {
        static string Ids(IEnumerable<int> ids) => string.Join(" ", ids.Select(id => $"%{id}"));
        return $"{split.Program.Name}\n  local {Ids(split.Local)}\n  exports {Ids(split.Exports)}\n  advance {Ids(split.Advance)}\n  output {Ids(split.Output)}\n";
    }
}
