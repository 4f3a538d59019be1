using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Based: attention whose exponential is its Taylor polynomial of second order. Arora et al., 2024, arXiv:2402.18668:
/// <c>o_t = sum_j f(q_t . k_j) v_j / sum_j f(q_t . k_j), f(x) = 1 + x + x^2 / 2</c>, over j up to t.
/// </summary>
[Recurrence]
public static partial class Based
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<Taylor2<K>, V> S, ref State<Taylor2<K>> z, [Scale] Scalar scale)
    {
        S += Outer(Taylor2(k), v);
        z += Taylor2(k);
        var query = Taylor2(scale * q);
        return Dot(query, S) / (Dot(query, z) + 1e-6);
    }
}
