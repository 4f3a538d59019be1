using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>Linear attention. Katharopoulos et al., 2020, arXiv:2006.16236: <c>S_t = S_{t-1} + k_t v_t^T, o_t = S_t^T q_t</c>.</summary>
[Recurrence]
public static partial class LinearAttention
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, [Scale] Scalar scale)
    {
        S += Outer(k, v);
        return scale * Dot(q, S);
    }
}
