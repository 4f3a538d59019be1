using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Linear attention with one data-dependent decay a head: <c>S_t = e^{g_t} S_{t-1} + k_t v_t^T, o_t = S_t^T q_t</c>. With q = C, k = B,
/// v = dt x and g = dt A it is the state space dual of Mamba-2. Dao and Gu, 2024, arXiv:2405.21060.
/// </summary>
[Recurrence]
public static partial class SimpleGatedLinearAttention
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * S + Outer(k, v);
        return scale * Dot(q, S);
    }
}
