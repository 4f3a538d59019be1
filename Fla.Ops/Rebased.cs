using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// ReBased: linear attention with a quadratic kernel. Aksenov et al., 2024, arXiv:2402.10644:
/// <c>o_t = sum_j (q_t . k_j)^2 v_j / sum_j (q_t . k_j)^2</c>, over j up to t.
/// </summary>
[Recurrence]
public static partial class Rebased
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<Quadratic<K>, V> S, ref State<Quadratic<K>> z, [Scale] Scalar scale)
    {
        S += Outer(Quadratic(k), v);
        z += Quadratic(k);
        var query = Quadratic(scale * q);
        return Dot(query, S) / (Dot(query, z) + 1e-6);
    }
}
