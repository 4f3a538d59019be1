using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// A vector state that is walked by element: one whose factors may have any sign, or one in log-space. Products of factors, and
/// logarithms of sums, are combined pair by pair of stretches of tokens, and no stretch is ever divided by or subtracted from another.
/// </summary>
internal abstract class ElementwiseState(TileBuilder builder, TokenTerms terms, AffineState update, int carry)
{
    protected TileBuilder Builder { get; } = builder;

    protected TokenTerms Terms { get; } = terms;

    protected AffineState Update { get; } = update;

    /// <summary>The state carried into the chunk.</summary>
    protected int Carry { get; } = carry;

    /// <summary>What each token sees, [C]xD.</summary>
    public abstract int Seen(Reading reading);

    /// <summary>The state carried out of the chunk.</summary>
    public abstract int Next();

    /// <summary>The state's lowering, or null for one that is not walked by element. States it is written from must be lowered.</summary>
    public static ElementwiseState? Of(TileBuilder builder, TokenTerms terms, AffineState update, int carry) =>
        update.IsLog ? new LogSpaceState(builder, terms, update, carry) : update.IsScanned ? new ScannedState(builder, terms, update, carry) : null;

    protected int Rows(int tile) => Builder.Broadcast(tile, new Shape(Dim.Time, Update.Type.Columns));
}

/// <summary><c>h_i = a_i h_{i-1} + x_i</c> with factors of any sign.</summary>
internal sealed class ScannedState : ElementwiseState
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

    public override int Seen(Reading reading)
    {
        var kept = Builder.CumulativeProduct(factor, exclusive: reading.Point == ReadPoint.BeforeDecay);
        var seen = Builder.Add(Builder.Multiply(kept, Carry), Builder.Scan(added, factor, reading.Point));
        foreach (var decay in reading.Extra) seen = Builder.Multiply(seen, Terms.Lower(decay.Factor));
        foreach (var own in reading.Own) seen = Builder.Add(seen, Terms.Lower(own.Value));
        return seen;
    }

    public override int Next() => Builder.Add(
        Builder.Multiply(Builder.LastRow(Builder.CumulativeProduct(factor)), Carry),
        Builder.LastRow(Builder.Scan(added, factor, ReadPoint.AfterWrite)));
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

    public override int Seen(Reading reading)
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
