using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Based without its normaliser. Arora et al., 2024, arXiv:2402.18668: <c>o_t = sum_j f(q_t . k_j) v_j, f(x) = 1 + x + x^2 / 2</c>,
/// over j up to t.
/// </summary>
[Recurrence]
public static partial class BasedUnnormalized
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<Taylor2<K>, V> S, [Scale] Scalar scale)
    {
        S += Outer(Taylor2(k), v);
        return Dot(Taylor2(scale * q), S);
    }
}
