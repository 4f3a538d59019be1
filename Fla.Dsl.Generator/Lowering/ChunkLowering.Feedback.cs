using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <content>Writes that look back at the state they go to.</content>
internal sealed partial class ChunkLowering
{
    /// <summary>
    /// Writes that look back: <c>u_i = external_i + sum over reads of c_i (what they see of S and of other writes + sum_{j&lt;i} l_ij u_j)</c>,
    /// where each may look at what each of them wrote for earlier tokens.
    /// </summary>
    private void Solve(StateTiles state, IReadOnlyList<Write> writes)
    {
        var feedback = writes.Select(write => Feedback.Of(write, state.Update.State)).ToList();
        if (state.Gates.Columns is not null || feedback.Any(value => value.Terms.Any(term => term.Columns is not null)))
        {
            SolveByColumns(state, writes, feedback);
            return;
        }

        var keys = writes.Select(write => Key(write, state)).ToList();
        var system = new FeedbackSystem(builder, writes.Count);
        for (var w = 0; w < writes.Count; w++)
        {
            var right = Right(state, feedback[w]);
            foreach (var term in feedback[w].Terms)
                for (var x = 0; x < writes.Count; x++) system.Add(w, x, Coupling(state, term, keys[x]));
            system.Right(w, Value(right, state));
        }

        state.Writes.AddRange(keys.Zip(system.Solve(), (key, value) => (key, value)));
    }

    /// <summary>Where a gate or a coefficient differs from column to column, so does the system: one write is solved for, all of whose reads have that in common.</summary>
    private void SolveByColumns(StateTiles state, IReadOnlyList<Write> writes, IReadOnlyList<Feedback> feedback)
    {
        ReadPoint PointOf(FeedbackTerm term) => Reading.Of(term.Read.Snapshot, state.Update).Point;
        var first = feedback[0].Terms[0];
        var other = feedback.SelectMany(value => value.Terms).FirstOrDefault(term => PointOf(term) != PointOf(first) || !Equals(term.Columns, first.Columns));
        if (writes.Count > 1 || other is not null)
        {
            var (term, reason) = writes.Count > 1 ? (feedback[1].Terms[0], "a second write looks back") : (other!, "a second look differs from the first in its vector or in when it is taken");
            throw new DeclarationException(Rules.Feedback, term.Read.Span, state.Update.State, $"each column decays or is scaled by itself, and {reason}");
        }

        var shape = new Shape(Dim.Time, state.Update.Type.Columns);
        var key = Key(writes[0], state);
        var coupling = feedback[0].Terms.Select(term => Coupling(state, term, key)).Aggregate(builder.Add);
        var scale = builder.Broadcast(first.Columns is { } columns ? terms.LowerMasked(columns) : builder.Constant(1), shape);
        var gates = state.Gates.Columns ?? builder.Constant(0, shape);
        var solved = builder.DecayedSolve(Named(coupling, "L"), scale, gates, Value(Right(state, feedback[0]), state), PointOf(first));
        state.Writes.Add((key, Named(solved, "u")));
    }

    /// <summary>What a value would be if no other value of the chunk looked back: the right-hand side of its equation.</summary>
    private int Right(StateTiles state, Feedback feedback)
    {
        var right = feedback.External is null ? builder.Constant(0, new Shape(Dim.Time, state.Update.Type.Columns)) : terms.LowerMasked(feedback.External);
        foreach (var term in feedback.Terms)
        {
            var seen = builder.Multiply(terms.LowerMasked(term.Coefficient), Read(term.Read, state.Writes));
            right = builder.Add(right, term.Columns is null ? seen : builder.Multiply(terms.LowerMasked(term.Columns), seen));
        }

        return right;
    }

    /// <summary>How much a value counts for one that looks back: [C]x[C].</summary>
    private int Coupling(StateTiles state, FeedbackTerm term, int key)
    {
        var point = Reading.Of(term.Read.Snapshot, state.Update).Point;
        return builder.Multiply(terms.LowerMasked(term.Coefficient), Overlap(Query(term.Read, state), key, state.Gates, point));
    }
}
