using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>Retention (RetNet). Sun et al., 2023, arXiv:2307.08621: <c>S_t = gamma S_{t-1} + k_t v_t^T, o_t = S_t^T q_t</c>.</summary>
[Recurrence]
public static partial class Retention
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead(Default = nameof(Gamma))] Scalar gamma, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = gamma * S + Outer(k, v);
        return scale * Dot(q, S);
    }

    /// <summary>The decay of each head, equation 8 of the paper: <c>1 - 2^(-5 - head)</c>.</summary>
    public static double Gamma(int head, int heads) => 1 - Math.Pow(2, -5 - head);
}
