using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Kimi delta attention: the gated delta rule with a decay for each key channel. Kimi Team, 2025, arXiv:2510.26692:
/// <c>S = diag(e^{g_t}) S_{t-1}, S_t = S + beta_t k_t (v_t - S^T k_t)^T, o_t = S_t^T q_t</c>.
/// </summary>
[Recurrence]
public static partial class KimiDeltaAttention
{
    private static Vec<V> Step(
        [L2NormOption] Vec<K> q, [L2NormOption] Vec<K> k, Vec<V> v, [LogDecay] Vec<K> g, Scalar beta, ref State<K, V> S,
        [Scale] Scalar scale)
    {
        S = Exp(g) * S;
        S += Outer(beta * k, v - Dot(k, S));
        return scale * Dot(q, S);
    }
}
