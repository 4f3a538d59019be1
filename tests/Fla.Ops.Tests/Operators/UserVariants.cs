using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops.Tests.Operators;

// Recurrences that the catalogue does not have, as users may write them. VariantTests and ShapeProperties check them all.

[Recurrence]
internal static partial class BothGates
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> gk, [LogDecay] Vec<V> gv, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(gk) * S * Exp(gv) + Outer(k, v);
        return scale * Dot(q, S);
    }
}

[Recurrence]
internal static partial class ValueGate
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<V> gv, ref State<K, V> S)
    {
        S = S * Exp(gv) + Outer(k, v);
        return Dot(q, S);
    }
}

[Recurrence]
internal static partial class ThreeDecays
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, [LogDecay] Vec<V> gv, [PerHead(Default = nameof(Gamma))] Scalar gamma, ref State<K, V> S)
    {
        var decayed = gamma * S;
        decayed = Exp(g) * decayed;
        S = decayed * Exp(gv);
        S += Outer(k, v);
        return Dot(q, S);
    }

    private static double Gamma(int head, int heads) => 1 - (0.1 * (head + 1) / heads);
}

[Recurrence]
internal static partial class ReadByColumns
{
    private static Vec<K> Step(Vec<V> c, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> gk, [LogDecay] Vec<V> gv, ref State<K, V> S, [Scale] Scalar scale)
    {
        var before = Dot(S, c);
        S = Exp(gk) * S * Exp(gv) + Outer(k, v);
        return scale * (Dot(S, c) - before);
    }
}

[Recurrence]
internal static partial class WriteThenDecay
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> g, ref State<K, V> S)
    {
        S = Exp(g) * (S + Outer(k, v));
        return Dot(q, S);
    }
}

[Recurrence]
internal static partial class ReadsEverywhere
{
    private static Vec<V> Step(Vec<K> q, Vec<K> r, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> g, ref State<K, V> S)
    {
        var before = Dot(r, S);
        S = Exp(g) * S;
        var decayed = Dot(q, S);
        S += Outer(k, v);
        return Sigmoid(before) * decayed + Dot(q - r, S);
    }
}

/// <summary>A gate of an activation, a write tied to it, features of queries and keys, and a normaliser that decays as well.</summary>
[Recurrence]
internal static partial class TiedAndNormalised
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Vec<K> f, ref State<K, V> S, ref State<K> z)
    {
        var features = (1 - Sigmoid(f)) * Exp(k);
        S = Sigmoid(f) * S + Outer(features, v);
        z = Sigmoid(f) * z + features;
        return Dot(Exp(q), S) / (Dot(Exp(q), z) + 1e-3);
    }
}

[Recurrence]
internal static partial class ScalarOut
{
    private static Scalar Step(Vec<K> q, Vec<K> k, Vec<V> v, Vec<V> w, [LogDecay, PerHead] Scalar g, ref State<K, V> S)
    {
        S = Exp(g) * S + Outer(L2Normalize(k), Silu(v));
        return Dot(Dot(q, S), w);
    }
}

/// <summary>Padding must not divide by zero.</summary>
[Recurrence]
internal static partial class Divides
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S)
    {
        S += Outer(k / Sum(Square(k)), v / (1 + Square(v)));
        return Dot(q, S);
    }
}

/// <summary>The delta rule with a bonus for the token itself, on a state of two decays.</summary>
[Recurrence]
internal static partial class DeltaWithBonus
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, Vec<K> a, [LogDecay] Scalar g, [PerHead] Vec<K> u, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * S;
        var o = Dot(q, S + Outer(u * k, v));
        S = S + Outer(beta * k, v - Dot(a, S)) - Outer(a, beta * v);
        return scale * o;
    }
}

/// <summary>Slots that are corrected by the delta rule.</summary>
[Recurrence]
internal static partial class SlotsWithDelta
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, Vec<M> s, [LogDecay] Vec<M> g, Scalar beta, ref State<M, K> Sk, ref State<M, V> Sv, [Scale] Scalar scale)
    {
        Sk = Exp(g) * Sk + Outer(s, k);
        Sv = Exp(g) * Sv;
        Sv += Outer(beta * s, v - Dot(s, Sv));
        return Dot(Softmax(scale * Dot(Sk, q)), Sv);
    }
}

/// <summary>A decay for every element, beside those by rows, by columns and of the whole; read before and after, by rows and by columns.</summary>
[Recurrence]
internal static partial class DecayByElement
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, Vec<V> dt, [PerHead] Mat<K, V> A, [LogDecay] Vec<K> g, [LogDecay] Scalar gamma, ref State<K, V> S)
    {
        var before = Dot(S, v);
        S = Exp(-(A * Softplus(dt))) * S;
        S = Exp(g) * S * Sigmoid(v);
        var decayed = Dot(k, S);
        S = Exp(gamma) * S + Outer(k, v);
        return Dot(q - before, S) + decayed * Dot(q, Exp(-A) * dt);
    }
}

/// <summary>A vector state that gates what is written to a matrix state.</summary>
[Recurrence]
internal static partial class GatedByState
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<V> g, ref State<V> h, ref State<K, V> S)
    {
        h = Exp(g) * h + v;
        S = 0.9 * S + Outer(k, v * Sigmoid(h));
        return Dot(q, S) + h;
    }
}
