using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// RWKV-6: the state is read before the token writes to it, and the token itself counts by a bonus u. Peng et al., 2024,
/// arXiv:2404.05892: <c>o_t = (S_{t-1} + (u * k_t) v_t^T)^T q_t, S_t = diag(e^{w_t}) S_{t-1} + k_t v_t^T</c>.
/// </summary>
[Recurrence]
public static partial class Rwkv6
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> w, [PerHead] Vec<K> u, ref State<K, V> S, [Scale] Scalar scale)
    {
        var o = scale * Dot(q, S + Outer(u * k, v));
        S = Exp(w) * S + Outer(k, v);
        return o;
    }
}
