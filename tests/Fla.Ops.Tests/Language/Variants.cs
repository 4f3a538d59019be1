using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops.Tests.Language;

/// <summary>The known variants as declarations. They run as plain C#, and the generator compiles them as a user's.</summary>
internal static partial class Variants
{
    [Recurrence]
    public static partial class LinearAttention
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, [Scale] Scalar scale)
        {
            S += Outer(k, v);
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class NormalizedLinearAttention
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, ref State<K> z)
        {
            S += Outer(k, v);
            z += k;
            return Dot(q, S) / (Dot(q, z) + 1e-10);
        }
    }

    [Recurrence]
    public static partial class Retention
    {
        static Vec<V> Step(
            Vec<K> q, Vec<K> k, Vec<V> v, [PerHead(Default = nameof(Gamma))] Scalar gamma, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = gamma * S + Outer(k, v);
            return scale * Dot(q, S);
        }

        static double Gamma(int head, int heads) => 1 - Math.Pow(2, -5 - head);
    }

    [Recurrence]
    public static partial class SimpleGla
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = Exp(g) * S + Outer(k, v);
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class GatedLinearAttention
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> gk, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = Exp(gk) * S + Outer(k, v);
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class DeltaRule
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
        {
            S += Outer(beta * k, v - Dot(k, S));
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class GatedDeltaRule
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = Exp(g) * S;
            S += Outer(beta * k, v - Dot(k, S));
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class KimiDeltaAttention
    {
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> g, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = Exp(g) * S;
            S += Outer(beta * k, v - Dot(k, S));
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class Comba
    {
        static Vec<V> Step(
            Vec<K> q, Vec<K> k, Vec<V> v, Vec<K> p, [LogDecay] Scalar g, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = Exp(g) * S;
            S += Outer(beta * k, v - Dot(p, S));
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class DplrDeltaRule
    {
        static Vec<V> Step(
            Vec<K> q, Vec<K> k, Vec<V> v, Vec<K> a, Vec<K> b, [LogDecay] Vec<K> gk, ref State<K, V> S, [Scale] Scalar scale)
        {
            S = Exp(gk) * S + Outer(b, Dot(a, S)) + Outer(k, v);
            return scale * Dot(q, S);
        }
    }

    [Recurrence]
    public static partial class Rwkv6
    {
        static Vec<V> Step(
            Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> w, [PerHead] Vec<K> u, ref State<K, V> S, [Scale] Scalar scale)
        {
            var o = scale * Dot(q, S + Outer(u * k, v));
            S = Exp(w) * S + Outer(k, v);
            return o;
        }
    }

    [Recurrence]
    public static partial class GatedSlotAttention
    {
        static Vec<V> Step(
            Vec<K> q, Vec<K> k, Vec<V> v, Vec<M> s, [LogDecay] Vec<M> g, ref State<K, M> Sk, ref State<M, V> Sv, [Scale] Scalar scale)
        {
            Sk = Sk * Exp(g) + Outer(k, s);
            Sv = Exp(g) * Sv + Outer(s, v);
            return Dot(Softmax(scale * Dot(q, Sk)), Sv);
        }
    }

    [Recurrence(Heads = false)]
    public static partial class Hgrn
    {
        static Vec<D> Step(Vec<D> x, [LogDecay] Vec<D> g, ref State<D> h)
        {
            h = Exp(g) * h + x;
            return h;
        }
    }

    /// <summary>Mamba-1, the state with channels as rows.</summary>
    [Recurrence(Heads = false)]
    public static partial class SelectiveScan
    {
        static Vec<D> Step(
            Vec<D> x, Vec<D> dt, [PerHead] Mat<D, N> A, Vec<N> Bm, Vec<N> Cm, [PerHead] Vec<D> D, ref State<D, N> S)
        {
            S = Exp(dt * A) * S + Outer(dt * x, Bm);
            return Dot(S, Cm) + D * x;
        }
    }

    /// <summary>Mamba-1, the state with channels as columns: the same numbers transposed.</summary>
    [Recurrence(Heads = false)]
    public static partial class SelectiveScanTransposed
    {
        static Vec<D> Step(
            Vec<D> x, Vec<D> dt, [PerHead] Mat<N, D> A, Vec<N> Bm, Vec<N> Cm, [PerHead] Vec<D> D, ref State<N, D> S)
        {
            S = Exp(A * dt) * S + Outer(Bm, dt * x);
            return Dot(Cm, S) + D * x;
        }
    }
}
