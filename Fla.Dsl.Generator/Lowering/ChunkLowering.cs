using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// Lowers the normal form to what happens in one chunk. For a state S with per-token decays e^g, writes (k, v) and a read by q,
/// <code>
/// read_i = decay(first..i) of q_i S + sum_{j before i} (q_i . k_j, decayed by the gates between j and i) v_j
/// S'     = decay(first..last) of S  + sum_j (k_j decayed by the gates after j) v_j^T
/// </code>
/// and where a value written is <c>v_i = external_i + c_i read_i</c>, the first equation is solved for all v of the chunk at once.
/// Every exponent is a sum of gates over a stretch of tokens, none a difference of two such sums: nothing overflows or cancels.
/// </summary>
internal sealed partial class ChunkLowering
{
    private readonly TileBuilder builder = new();
    private readonly TokenTerms terms;
    private readonly NormalForm form;
    private readonly Dictionary<string, StateTiles> states = [];

    private ChunkLowering(Declaration declaration, NormalForm form)
    {
        this.form = form;
        terms = new TokenTerms(builder, declaration, Dim.Time, expression => expression is ReadExpr read ? Read(read, states[read.Snapshot.State].Writes) : null);
        foreach (var state in declaration.States)
        {
            var update = form.States.Single(s => s.Name == state.Name).Update;
            var carry = builder.Input(state.Name, InputKind.Carry, new Shape(state.Type.Rows, state.Type.Columns));
            states.Add(state.Name, new StateTiles(update, carry));
        }
    }

    public static TileProgram Lower(Declaration declaration, NormalForm form)
    {
        var lowering = new ChunkLowering(declaration, form);
        foreach (var state in form.States) lowering.Write(lowering.states[state.Name]);
        var shape = new Shape(Dim.Time, form.Output.Type.Columns);
        var output = lowering.Named(lowering.builder.Broadcast(lowering.terms.Lower(form.Output), shape), "o");
        var next = declaration.States.Select(state => new ProgramOutput(state.Name, lowering.Next(lowering.states[state.Name]))).ToList();
        return lowering.builder.Build($"{declaration.Name} chunk", [new ProgramOutput("o", output)], next);
    }

    /// <summary>What is known of a state while lowering: its carried-in tile, its gates, and its writes as they become known.</summary>
    private sealed class StateTiles(AffineState update, int carry)
    {
        public AffineState Update { get; } = update;

        public int Carry { get; } = carry;

        public Gates Gates { get; set; } = new(null, null, null);

        /// <summary>How it is walked by element, if it is; it then has neither gates nor writes.</summary>
        public ElementwiseState? Elements { get; set; }

        public List<(int Key, int Value)> Writes { get; } = [];

        public List<InflowTiles> Inflows { get; } = [];
    }

    /// <summary>The log-decays of a state per token: over the whole of it ([C]x1), or over its rows and its columns.</summary>
    private sealed record Gates(int? Whole, int? Rows, int? Columns)
    {
        public Gates Transposed => new(Whole, Columns, Rows);
    }

    private void Write(StateTiles state)
    {
        state.Elements = ElementwiseState.Of(builder, terms, state.Update, state.Carry);
        if (state.Elements is not null) return;
        state.Gates = GatesOf(state.Update);
        var external = state.Update.Writes.Where(write => !write.Reads(state.Update.State)).ToList();
        foreach (var write in external) state.Writes.Add(External(write, state));
        foreach (var inflow in state.Update.Inflows) Join(state, inflow);

        var feedback = state.Update.Writes.Where(write => write.Reads(state.Update.State)).ToList();
        if (feedback.Count > 0) Solve(state, feedback);
    }

    /// <summary>One scalar gate is merged into a vector gate where there is one: rows before columns.</summary>
    private Gates GatesOf(AffineState update)
    {
        int? Sum(DecayAxis axis, string columns) => update.Decays.Where(decay => decay.Axis == axis).Select(decay => terms.LowerMasked(decay.Log!))
            .Select(log => (int?)builder.Broadcast(log, new Shape(Dim.Time, columns))).Aggregate((int?)null, Plus);
        int? Plus(int? a, int? b) => a is null ? b : b is null ? a : builder.Add(a.Value, b.Value);
        var whole = Sum(DecayAxis.Whole, Dim.One);
        var rows = Sum(DecayAxis.Rows, update.Type.Rows);
        var columns = Sum(DecayAxis.Columns, update.Type.Columns);
        return rows is not null ? new Gates(null, Plus(rows, whole), columns)
            : columns is not null ? new Gates(null, null, Plus(columns, whole))
            : new Gates(whole, null, null);
    }

    private (int Key, int Value) External(Write write, StateTiles state) => (Key(write, state), Value(terms.LowerMasked(write.Value), state));

    /// <summary>The key of a write; a vector state has one row, and its key is 1.</summary>
    private int Key(Write write, StateTiles state) => builder.Broadcast(terms.Lower(write.Key), new Shape(Dim.Time, state.Update.Type.Rows));

    private int Value(int value, StateTiles state) => builder.Broadcast(value, new Shape(Dim.Time, state.Update.Type.Columns));

    /// <summary>The query of a read, with the decays of its own that a read off the token's update may have.</summary>
    private int Query(ReadExpr read, StateTiles state)
    {
        var query = terms.Lower(read.Query);
        foreach (var decay in Reading.Of(read.Snapshot, state.Update).Extra.Where(decay => decay.Axis != Across(read)))
            query = builder.Multiply(query, terms.Lower(decay.Factor));
        return builder.Broadcast(query, new Shape(Dim.Time, read.ByColumns ? state.Update.Type.Columns : state.Update.Type.Rows));
    }

    /// <summary>The axis that a read leaves standing.</summary>
    private static DecayAxis Across(ReadExpr read) => read.ByColumns ? DecayAxis.Rows : DecayAxis.Columns;

    private int Read(ReadExpr read, IReadOnlyList<(int Key, int Value)> writes)
    {
        var state = states[read.Snapshot.State];
        var reading = Reading.Of(read.Snapshot, state.Update);
        if (state.Elements is { } elements) return elements.Read(read, reading);
        var seen = Seen(Query(read, state), state, reading.Point, writes, read.ByColumns);
        foreach (var decay in reading.Extra.Where(decay => decay.Axis == Across(read)))
            seen = builder.Multiply(seen, terms.Lower(decay.Factor));

        // What it sees of its own token, where the mask does not say so already; these writes stand as they are, decayed or not.
        foreach (var own in reading.Own) seen = builder.Add(seen, terms.Lower(Reading.OwnTerm(read.Query, own, read.ByColumns, read.Type)));
        foreach (var own in reading.OwnInflows) seen = builder.Add(seen, terms.Lower(read with { Snapshot = own.Source }));
        return seen;
    }

    /// <summary>What queries see of the state carried into the chunk and of writes. By columns it is what they see by rows of the transposed.</summary>
    private int Seen(int query, StateTiles state, ReadPoint readPoint, IReadOnlyList<(int Key, int Value)> writes, bool byColumns)
    {
        var exclusive = readPoint == ReadPoint.BeforeDecay;
        var gates = byColumns ? state.Gates.Transposed : state.Gates;

        // No gate lies between a token and itself. Beside vector gates its own share is kept out of the decayed products, whose gradient
        // to the gates it would enter twice, to cancel but for rounding.
        var ownApart = readPoint == ReadPoint.AfterWrite && gates is not { Rows: null, Columns: null };
        var point = ownApart ? ReadPoint.AfterDecay : readPoint;

        // What the query sees of the state carried into the chunk.
        var decayed = gates.Rows is { } rows ? builder.Multiply(query, builder.Exp(Named(builder.CumulativeSum(rows, exclusive: exclusive), "G"))) : query;
        var seen = state.Update.IsVector && !byColumns
            ? builder.Broadcast(builder.Multiply(decayed, state.Carry), new Shape(Dim.Time, state.Update.Type.Columns))
            : builder.MatMul(decayed, state.Carry, transposeRight: byColumns);
        if ((gates.Whole ?? gates.Columns) is { } across) seen = builder.Multiply(seen, builder.Exp(Named(builder.CumulativeSum(across, exclusive: exclusive), "G")));

        // What it sees of the chunk's own earlier writes.
        foreach (var write in writes)
        {
            var (met, given) = !byColumns ? write : state.Update.IsVector ? Turned(write.Value, state) : (write.Value, write.Key);
            seen = builder.Add(seen, state.Update.IsVector && !byColumns && gates is { Whole: null, Columns: null }
                ? builder.Multiply(query, builder.CumulativeSum(given, exclusive: point != ReadPoint.AfterWrite))
                : Mix(query, met, given, gates, point));
            if (ownApart) seen = builder.Add(seen, builder.Multiply(builder.SumColumns(builder.Multiply(query, met)), given));
        }

        foreach (var inflow in state.Inflows) seen = builder.Add(seen, Seen(query, state, inflow, readPoint, byColumns));
        return seen;
    }

    /// <summary>
    /// What is written to a vector state as a row that a query meets times a number that it is given: what a matrix state beside it has
    /// for the same rows is then the same here.
    /// </summary>
    private (int Met, int Given) Turned(int value, StateTiles state)
    {
        var (rows, scale) = builder.Unscaled(value);
        return (Value(rows, state), builder.Broadcast(scale, new Shape(Dim.Time, Dim.One)));
    }

    private int Mix(int query, int key, int value, Gates gates, ReadPoint point)
    {
        var overlap = Named(Overlap(query, key, gates, point), "P");
        return gates.Columns is { } columns ? builder.DecayedMix(overlap, value, columns, point) : builder.MatMul(overlap, value);
    }

    /// <summary>How much each token's query meets each earlier token's key; a decay by columns is left to the mixing of the values.</summary>
    private int Overlap(int query, int key, Gates gates, ReadPoint point)
    {
        if (gates.Rows is { } rows) return builder.DecayedDot(query, key, rows, point);
        var overlap = builder[query].Op == TileOp.Constant && builder[key].Op == TileOp.Constant
            ? builder.Constant(builder[query].Number * builder[key].Number, new Shape(Dim.Time, Dim.Time))
            : builder.MatMul(query, key, transposeRight: true);
        if (gates.Whole is { } whole) return builder.Multiply(overlap, Named(builder.DecayMatrix(whole, point), "decay"));
        return gates.Columns is null ? builder.CausalMask(overlap, point) : overlap;
    }

    private int Next(StateTiles state)
    {
        if (state.Elements is { } elements) return Named(elements.Next(), $"next{state.Update.State}");
        var (whole, rows, columns) = (state.Gates.Whole, state.Gates.Rows, state.Gates.Columns);
        var next = state.Carry;
        if (rows is { } r) next = builder.Multiply(builder.Transpose(builder.Exp(builder.SumRows(r))), next);
        if ((whole ?? columns) is { } c) next = builder.Multiply(next, builder.Exp(builder.SumRows(c)));
        foreach (var (key, value) in state.Writes)
        {
            var decayedKey = rows is { } gr ? builder.Multiply(key, builder.Exp(builder.CumulativeSum(gr, reverse: true, exclusive: true))) : key;
            var decayedValue = (whole ?? columns) is { } gc ? builder.Multiply(value, builder.Exp(builder.CumulativeSum(gc, reverse: true, exclusive: true))) : value;
            next = builder.Add(next, state.Update.IsVector ? builder.SumRows(builder.Multiply(decayedKey, decayedValue)) : builder.MatMul(decayedKey, decayedValue, transposeLeft: true));
        }

        foreach (var inflow in state.Inflows) next = builder.Add(next, Left(state, inflow));
        return Named(next, $"next{state.Update.State}");
    }

    private int Named(int id, string name) => builder.Name(id, name);
}
