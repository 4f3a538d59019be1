using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Lightning attention: linear attention whose heads decay by slopes that flatten with depth. Qin et al., 2024, arXiv:2405.17381:
/// <c>S_t = e^{g} S_{t-1} + k_t v_t^T, o_t = S_t^T q_t</c>, with g of <see cref="LogDecay"/>.
/// </summary>
[Recurrence]
public static partial class LightningAttention
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay, PerHead] Scalar g, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * S + Outer(k, v);
        return scale * Dot(q, S);
    }

    /// <summary>The log-decay of a head in a layer: <c>-(8 / heads) (1 - layer / layers) head</c>; head 0 does not decay.</summary>
    public static double LogDecay(int head, int heads, int layer, int layers) => -(8.0 / heads) * (1 - ((double)layer / layers)) * head;
}
