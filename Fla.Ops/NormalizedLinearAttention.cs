using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Linear attention whose weights sum to 1. Katharopoulos et al., 2020, arXiv:2006.16236, equations 10 to 12:
/// <c>S_t = S_{t-1} + k_t v_t^T, z_t = z_{t-1} + k_t, o_t = S_t^T q_t / (z_t^T q_t)</c>. Features should be positive.
/// </summary>
[Recurrence]
public static partial class NormalizedLinearAttention
{
    private static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, ref State<K> z, [Scale] Scalar scale)
    {
        S += Outer(k, v);
        z += k;
        return scale * Dot(q, S) / (scale * Dot(q, z) + 1e-10);
    }
}
