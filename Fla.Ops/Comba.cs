using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Comba: the gated delta rule with a key p of its own for the correction. Hu et al., 2025, arXiv:2506.02475:
/// <c>S = e^{g_t} S_{t-1}, S_t = S + beta_t k_t (v_t - S^T p_t)^T, o_t = S_t^T q_t</c>.
/// </summary>
[Recurrence]
public static partial class Comba
{
    private static Vec<V> Step(
        [L2NormOption] Vec<K> q, [L2NormOption] Vec<K> k, Vec<V> v, [L2NormOption] Vec<K> p, [LogDecay] Scalar g, Scalar beta,
        ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * S;
        S += Outer(beta * k, v - Dot(p, S));
        return scale * Dot(q, S);
    }
}
