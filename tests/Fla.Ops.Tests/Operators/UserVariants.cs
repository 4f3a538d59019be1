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

/// <summary>The delta rule under a gate for each value, and with a rate for each value.</summary>
[Recurrence]
internal static partial class ValueGatedDelta
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<V> gv, [LogDecay] Vec<K> gk, Vec<V> beta, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(gk) * S * Exp(gv);
        S += Outer(k, Sigmoid(beta) * (v - Dot(k, S)));
        return scale * Dot(q, S);
    }
}

/// <summary>A rate for each value, reads of the state as the token before left it.</summary>
[Recurrence]
internal static partial class DeltaOfValues
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<K> a, Vec<V> v, Vec<V> beta, [LogDecay] Scalar g, Scalar b, ref State<K, V> S)
    {
        S = Exp(g) * S + Outer(k, beta * (v - b * Dot(k, S) + Dot(a, S)));
        return Dot(q, S);
    }
}

/// <summary>A moving average whose rate is a vector, beside one that is gated.</summary>
[Recurrence(Heads = false)]
internal static partial class MovingAverages
{
    private static Vec<D> Step(Vec<D> x, Vec<D> rate, [LogDecay] Vec<D> g, ref State<D> h, ref State<D> m)
    {
        h += Sigmoid(rate) * (x - h);
        m = Exp(g) * m;
        m += rate * (h - m);
        return h - m;
    }
}

/// <summary>Momentum: what is written is an average of what is to be written, itself a state.</summary>
[Recurrence]
internal static partial class Momentum
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, [LogDecay] Scalar mu, Scalar eta, ref State<K, V> M, ref State<K, V> S)
    {
        M = Exp(mu) * M + Outer(k, v);
        S = Exp(g) * S + Sigmoid(eta) * M;
        return Dot(q, S);
    }
}

/// <summary>Momentum of before the token and of after it, beside a correction by the delta rule, with reads in all places.</summary>
[Recurrence]
internal static partial class MomentumAndDelta
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, Scalar beta, ref State<K, V> M, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * (S + M);
        M = 0.8 * M + Outer(k, v);
        S += 0.5 * (M + Outer(q, v));
        var between = Dot(k, S);
        S += Outer(beta * k, v - Dot(k, S));
        return scale * (Dot(q, S) - between + Dot(Dot(S, v), M));
    }
}

/// <summary>Three corrections a token, each of what the ones before have left, with decays and a read in between.</summary>
[Recurrence]
internal static partial class ThreeCorrections
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<K> a, Vec<V> v, Vec<V> w, [LogDecay] Vec<K> g, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * S;
        S += Outer(beta * k, v - Dot(k, S));
        var between = Dot(q, S);
        S = Sigmoid(beta) * S;
        S += Outer(beta * a, w - Dot(a, S));
        S += Outer(q - a, 0.1 * Dot(k, S) + v) + Outer(k, w);
        return scale * (Dot(q, S) - between);
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

/// <summary>Features under a decay, with factors on both sides, read before and after the write.</summary>
[Recurrence]
internal static partial class DecayedFeatures
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, Scalar beta, ref State<Taylor2<K>, V> S, ref State<Taylor2<K>> z, [Scale] Scalar scale)
    {
        var before = Dot(-Taylor2(q), S);
        S = Exp(g) * S + Outer(beta * Taylor2(k) / 2, v);
        z = Exp(g) * z + beta * Taylor2(k);
        return scale * (before + Dot(Taylor2(q), S)) / (Dot(Taylor2(q), z) + 1);
    }
}

/// <summary>The delta rule over features, with a decay of each and features of features beside it.</summary>
[Recurrence]
internal static partial class DeltaOfFeatures
{
    private static Vec<V> Step(
        Vec<M> q, Vec<M> k, Vec<V> v, [LogDecay] Vec<Quadratic<M>> g, Scalar beta, ref State<Quadratic<M>, V> S, ref State<Taylor2<Quadratic<M>>> z)
    {
        S = Exp(g) * S;
        S += Outer(beta * Quadratic(k), v - Dot(Quadratic(k), S));
        z = 0.9 * z + Taylor2(Quadratic(k));
        return Dot(Quadratic(q), S) + Dot(Taylor2(Quadratic(q)), z) * v;
    }
}

/// <summary>Inner products with vector states at every point of the token, one of them decayed by element.</summary>
[Recurrence]
internal static partial class VectorStatesUnderDot
{
    private static Vec<V> Step(Vec<V> v, Vec<K> q, [LogDecay] Vec<K> g, [LogDecay] Vec<K> f, ref State<K> h, ref State<K> z)
    {
        var before = Dot(q, z) + Dot(h, q);
        z = Exp(g) * z;
        var decayed = Dot(q, z + 2 * q) - Dot(q, 0.5 * z);
        z += q;
        h = Exp(f) * h + z;
        return (before + decayed + Dot(z, h) + Dot(z, z)) * v;
    }
}

/// <summary>Vector states with factors of any sign: looks back by element, times scalars and vectors, and none that is a decay.</summary>
[Recurrence]
internal static partial class AnyFactors
{
    private static Vec<K> Step(
        Vec<K> x, Vec<K> b, Vec<K> a, Scalar beta, [LogDecay] Vec<K> g, ref State<K> h, ref State<K> m, ref State<K> n, ref State<K> p)
    {
        h += Relu(b) * (x - h);
        m = Exp(g) * m;
        var decayed = Dot(x, m);
        m += b * (beta * x - 2 * m);
        var between = Tanh((Vec<K>)m);
        m -= a * m / 2;
        n = x - n;
        n *= 0;
        p = a * p * beta + Tanh((Vec<K>)h);
        var old = m + p;
        p += m;
        return h + decayed * m + between * n + Dot(x, p) * old;
    }
}

/// <summary>A state in logarithms that decays, is written to twice, and is looked at in between, from outside and by others.</summary>
[Recurrence]
internal static partial class Logarithms
{
    private static Vec<K> Step(Vec<K> x, Vec<K> y, [LogDecay] Vec<K> g, Scalar a, [PerHead] Scalar b, [LogSpace] ref State<K> z, ref State<K> h)
    {
        var before = Sigmoid(z - x);
        z = LogAddExp(x, z + g);
        var between = Dot(y, LogAddExp(z, y) - z);
        z = LogAddExp(a + (Vec<K>)z - b, 2 * y);
        h = Sigmoid(z - x) * h + Sigmoid(x - z);
        return before * h + between + Dot(z, y) / 8 + LogAddExp(a, b);
    }
}
