using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// The delta rule generalised to a diagonal plus a low-rank transition (RWKV-7). Peng et al., 2025, arXiv:2503.14456:
/// <c>S_t = diag(e^{gk_t}) S_{t-1} + b_t (a_t^T S_{t-1}) + k_t v_t^T, o_t = S_t^T q_t</c>; a meets the state before its decay.
/// </summary>
[Recurrence]
public static partial class DplrDeltaRule
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Vec<K> a, Vec<K> b, [LogDecay] Vec<K> gk, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(gk) * S + Outer(b, Dot(a, S)) + Outer(k, v);
        return scale * Dot(q, S);
    }
}
