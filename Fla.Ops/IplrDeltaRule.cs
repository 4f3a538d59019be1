using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// The delta rule generalised to the identity plus a low-rank transition:
/// <c>S_t = S_{t-1} + b_t (a_t^T S_{t-1}) + k_t v_t^T, o_t = S_t^T q_t</c>. The delta rule is a = k, b = -beta k, v = beta v.
/// </summary>
[Recurrence]
public static partial class IplrDeltaRule
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Vec<K> a, Vec<K> b, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = S + Outer(b, Dot(a, S)) + Outer(k, v);
        return scale * Dot(q, S);
    }
}
