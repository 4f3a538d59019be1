using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// The delta rule (DeltaNet): what the state holds for a key is replaced by a share beta of the new value. Yang et al., 2024,
/// arXiv:2406.06484: <c>S_t = S_{t-1} + beta_t k_t (v_t - S_{t-1}^T k_t)^T, o_t = S_t^T q_t</c>. Keys should be of length 1 at most.
/// </summary>
[Recurrence]
public static partial class DeltaRule
{
    private static Vec<V> Step(
        [L2NormOption] Vec<K> q, [L2NormOption] Vec<K> k, Vec<V> v, Scalar beta, ref State<K, V> S, [Scale] Scalar scale)
    {
        S += Outer(beta * k, v - Dot(k, S));
        return scale * Dot(q, S);
    }
}
