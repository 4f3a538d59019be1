using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>Gated linear attention. Yang et al., 2024, arXiv:2312.06635: <c>S_t = diag(e^{gk_t}) S_{t-1} + k_t v_t^T, o_t = S_t^T q_t</c>.</summary>
[Recurrence]
public static partial class GatedLinearAttention
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> gk, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(gk) * S + Outer(k, v);
        return scale * Dot(q, S);
    }
}
