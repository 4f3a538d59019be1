using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// A state that is walked by element: a vector whose factors may have any sign, one in log-space, or a matrix that decays by element.
/// Products of factors, and logarithms of sums, are combined pair by pair of stretches of tokens, and no stretch is ever divided by or
/// subtracted from another.
/// </summary>
internal abstract class ElementwiseState(TileBuilder builder, TokenTerms terms, AffineState update, int carry)
{
    protected TileBuilder Builder { get; } = builder;

    protected TokenTerms Terms { get; } = terms;

    protected AffineState Update { get; } = update;

    /// <summary>The state carried into the chunk.</summary>
    protected int Carry { get; } = carry;

    /// <summary>What a query meets, or the state itself.</summary>
    public virtual int Read(ReadExpr read, Reading reading) =>
        read.ByColumns ? Builder.SumColumns(Builder.Multiply(Terms.Lower(read.Query), Seen(reading))) : Seen(reading);

    /// <summary>The state carried out of the chunk.</summary>
    public abstract int Next();

    /// <summary>The state's lowering, or null for one that is not walked by element. States it is written from must be lowered.</summary>
    public static ElementwiseState? Of(TileBuilder builder, TokenTerms terms, AffineState update, int carry) => update switch
    {
        { IsLog: true } => new LogSpaceState(builder, terms, update, carry),
        { IsScanned: true } => new ScannedState(builder, terms, update, carry),
        { DecaysByElement: true } => new FlatState(builder, terms, update, carry),
        _ => null,
    };

    /// <summary>What each token sees of the whole state, a row a token.</summary>
    protected abstract int Seen(Reading reading);

    protected int Rows(int tile) => Builder.Broadcast(tile, new Shape(Dim.Time, Update.Type.Columns));
}

/// <summary><c>h_i = a_i h_{i-1} + x_i</c> with factors of any sign.</summary>
internal class ScannedState : ElementwiseState
{
    private readonly int factor;
    private readonly int added;

    public ScannedState(TileBuilder builder, TokenTerms terms, AffineState update, int carry)
        : base(builder, terms, update, carry)
    {
        var elementwise = ElementwiseUpdate.Of(update);
        factor = Rows(terms.LowerFactor(elementwise.Factor));
        added = Rows(elementwise.Added.Select(terms.LowerMasked).DefaultIfEmpty(builder.Constant(0)).Aggregate(builder.Add));
    }

    /// <param name="builder">Where to write.</param>
    /// <param name="terms">Terms of the token.</param>
    /// <param name="update">What a token does.</param>
    /// <param name="carry">The state carried into the chunk, in a row.</param>
    /// <param name="factor">The factors, a row a token; 1 at padding.</param>
    /// <param name="added">What is added, a row a token; 0 at padding.</param>
    protected ScannedState(TileBuilder builder, TokenTerms terms, AffineState update, int carry, int factor, int added)
        : base(builder, terms, update, carry) => (this.factor, this.added) = (factor, added);

    protected override int Seen(Reading reading)
    {
        var seen = SeenAt(reading.Point);
        foreach (var decay in reading.Extra) seen = Builder.Multiply(seen, Terms.Lower(decay.Factor));
        foreach (var own in reading.Own) seen = Builder.Add(seen, Terms.Lower(own.Value));
        return seen;
    }

    public override int Next() => Builder.Add(
        Builder.Multiply(Builder.LastRow(Builder.CumulativeProduct(factor)), Carry),
        Builder.LastRow(Builder.Scan(added, factor, ReadPoint.AfterWrite)));

    /// <summary>The state at a point of each token.</summary>
    protected int SeenAt(ReadPoint point) => Builder.Add(
        Builder.Multiply(Builder.CumulativeProduct(factor, exclusive: point == ReadPoint.BeforeDecay), Carry),
        Builder.Scan(added, factor, point));
}

/// <summary>
/// A matrix state with a decay for each element, as the vector of its elements: what is written is flattened, and a query meets rows or
/// columns of what is seen.
/// </summary>
internal sealed class FlatState(TileBuilder builder, TokenTerms terms, AffineState update, int carry)
    : ScannedState(builder, terms, update, builder.Flatten(carry), FactorOf(builder, terms, update), AddedOf(builder, terms, update))
{
    public override int Read(ReadExpr read, Reading reading)
    {
        var (query, all) = (Row(Builder, Terms.Lower(read.Query), read.ByColumns ? Update.Type.Columns : Update.Type.Rows), Seen(reading));
        var seen = read.ByColumns ? Builder.RowDotRight(all, query) : Builder.RowDotLeft(query, all);
        foreach (var own in reading.Own) seen = Builder.Add(seen, Terms.Lower(Reading.OwnTerm(read.Query, own, read.ByColumns, read.Type)));
        return seen;
    }

    public override int Next() => Builder.Unflatten(base.Next(), new Shape(Update.Type.Rows, Update.Type.Columns));

    protected override int Seen(Reading reading) =>
        reading.Extra.Aggregate(SeenAt(reading.Point), (seen, decay) => Builder.Multiply(seen, Builder.Exp(LogOf(Terms, Update, decay))));

    private static int FactorOf(TileBuilder builder, TokenTerms terms, AffineState update)
    {
        var logs = update.Decays.Select(decay => terms.Masked(decay.Log!, LogOf(terms, update, decay)));
        return builder.Exp(Row(builder, logs.Aggregate(builder.Add), Dim.Product(update.Type.Rows, update.Type.Columns)));
    }

    private static int AddedOf(TileBuilder builder, TokenTerms terms, AffineState update)
    {
        var writes = update.Writes.Select(write => builder.RowOuter(
            Row(builder, terms.Lower(write.Key), update.Type.Rows), Row(builder, terms.LowerMasked(write.Value), update.Type.Columns)));
        return writes.DefaultIfEmpty(builder.Constant(0, new Shape(Dim.Time, Dim.Product(update.Type.Rows, update.Type.Columns))))
            .Aggregate(builder.Add);
    }

    private static int LogOf(TokenTerms terms, AffineState update, Decay decay) =>
        terms.LowerFlat(decay.Log!, update.Type, byColumns: decay.Axis == DecayAxis.Columns);

    private static int Row(TileBuilder builder, int tile, string columns) => builder.Broadcast(tile, new Shape(Dim.Time, columns));
}

/// <summary><c>z_i = log(exp(z_{i-1} + g_i) + exp(x_i))</c>.</summary>
internal sealed class LogSpaceState : ElementwiseState
{
    private readonly int gate;
    private readonly int? written;

    public LogSpaceState(TileBuilder builder, TokenTerms terms, AffineState update, int carry)
        : base(builder, terms, update, carry)
    {
        gate = Rows(update.Decays.Select(decay => terms.LowerMasked(decay.Log!)).DefaultIfEmpty(builder.Constant(0)).Aggregate(builder.Add));
        foreach (var write in update.Writes) written = Joined(written, Rows(terms.LowerLogarithm(write.Value)));
    }

    protected override int Seen(Reading reading)
    {
        var carried = Builder.Add(Carry, Builder.CumulativeSum(gate, exclusive: reading.Point == ReadPoint.BeforeDecay));
        var seen = Joined(written is { } x ? Builder.LogScan(x, gate, reading.Point) : null, carried);
        foreach (var decay in reading.Extra) seen = Builder.Add(seen, Terms.Lower(decay.Log!));
        foreach (var own in reading.Own) seen = Joined(seen, Terms.Lower(own.Value));
        return seen;
    }

    public override int Next()
    {
        var carried = Builder.Add(Carry, Builder.SumRows(gate));
        return Joined(written is { } x ? Builder.LastRow(Builder.LogScan(x, gate, ReadPoint.AfterWrite)) : null, carried);
    }

    private int Joined(int? sum, int term) => sum is { } logarithm ? Builder.Binary(TileOp.LogAddExp, logarithm, term) : term;
}
