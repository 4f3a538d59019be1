using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Gated slot attention: softmax attention over M slots that forget. Zhang et al., 2024, arXiv:2409.07146:
/// <c>Sk_t = Sk_{t-1} diag(e^{g_t}) + k_t s_t^T, Sv_t = diag(e^{g_t}) Sv_{t-1} + s_t v_t^T, o_t = Sv_t^T softmax(Sk_t^T q_t)</c>.
/// </summary>
[Recurrence]
public static partial class GatedSlotAttention
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, Vec<M> s, [LogDecay] Vec<M> g, ref State<K, M> Sk, ref State<M, V> Sv, [Scale] Scalar scale)
    {
        Sk = Sk * Exp(g) + Outer(k, s);
        Sv = Exp(g) * Sv + Outer(s, v);
        return Dot(Softmax(scale * Dot(q, Sk)), Sv);
    }
}
