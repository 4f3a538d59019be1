using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <content>
/// States that are added whole to another, as momentum is. What such a state M brings to S at token s is its state of before the chunk
/// and its writes up to s, each decayed to s by one number; what S has of it at token i is decayed by one number more. So the decays of
/// both states between j and i, summed over the s between them, are a product of two triangular matrices.
/// </content>
internal sealed partial class ChunkLowering
{
    /// <summary>
    /// A state that is added at each token: what the token has of the state carried into the chunk (<paramref name="Carried"/>, [C]x1)
    /// and of each token's writes (<paramref name="Shares"/>, [C]x[C]); 0 at padding.
    /// </summary>
    private sealed record InflowTiles(StateTiles Source, int Carried, int Shares);

    /// <summary>Adds another state. What its own token has written beside it is written here as well.</summary>
    private void Join(StateTiles state, Inflow inflow)
    {
        var source = states[inflow.Source.State];
        var reading = Reading.Of(inflow.Source, source.Update);
        var byNumbers = state.Gates is { Rows: null, Columns: null } && source.Gates is { Rows: null, Columns: null } && reading.Extra.All(decay => decay.Axis == DecayAxis.Whole);
        if (!byNumbers || source.Inflows.Count > 0)
        {
            var reason = byNumbers ? "and a third to that one" : "where one of the two decays by a vector";
            throw new DeclarationException(Rules.Feedback, inflow.Span, state.Update.State, $"the state '{source.Update.State}' is added to it whole, {reason}");
        }

        var token = terms.LowerMasked(new ConstantExpr(1));
        foreach (var decay in reading.Extra) token = builder.Multiply(token, terms.Lower(decay.Factor));
        var carried = source.Gates.Whole is { } whole
            ? builder.Multiply(token, builder.Exp(Named(builder.CumulativeSum(whole, exclusive: reading.Point == ReadPoint.BeforeDecay), "G")))
            : token;
        state.Inflows.Add(new InflowTiles(source, carried, builder.Multiply(token, Stretches(source.Gates, reading.Point))));
        foreach (var own in reading.Own) state.Writes.Add(External(own, state));
    }

    /// <summary>The decays between tokens by one number each, [C]x[C].</summary>
    private int Stretches(Gates gates, ReadPoint point) => gates.Whole is { } whole
        ? Named(builder.DecayMatrix(whole, point), "decay")
        : builder.CausalMask(builder.Constant(1, new Shape(Dim.Time, Dim.Time)), point);

    /// <summary>What queries see of what has been added.</summary>
    private int Seen(int query, StateTiles state, InflowTiles inflow, ReadPoint point, bool byColumns)
    {
        var stretches = Stretches(state.Gates, point);
        var seen = builder.Multiply(builder.MatMul(stretches, inflow.Carried), builder.MatMul(query, inflow.Source.Carry, transposeRight: byColumns));
        var shares = builder.MatMul(stretches, inflow.Shares);
        foreach (var write in inflow.Source.Writes)
        {
            var (met, given) = byColumns ? (write.Value, write.Key) : (write.Key, write.Value);
            seen = builder.Add(seen, builder.MatMul(builder.Multiply(builder.MatMul(query, met, transposeRight: true), shares), given));
        }

        return seen;
    }

    /// <summary>What is left of it after the chunk.</summary>
    private int Left(StateTiles state, InflowTiles inflow)
    {
        var after = state.Gates.Whole is { } whole
            ? builder.Exp(builder.CumulativeSum(whole, reverse: true, exclusive: true))
            : builder.Constant(1, new Shape(Dim.Time, Dim.One));
        var left = builder.Multiply(builder.SumRows(builder.Multiply(after, inflow.Carried)), inflow.Source.Carry);
        var shares = builder.MatMul(inflow.Shares, after, transposeLeft: true);
        foreach (var (key, value) in inflow.Source.Writes)
            left = builder.Add(left, builder.MatMul(builder.Multiply(key, shares), value, transposeLeft: true));
        return left;
    }
}
