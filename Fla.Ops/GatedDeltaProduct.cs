using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Gated DeltaProduct with two Householder steps a token. Siems et al., 2025, arXiv:2502.10297: <c>S = e^{g_t} S_{t-1}</c>, then
/// <c>S &lt;- S + beta_j k_j (v_j - S^T k_j)^T</c> for j = 1, 2, and <c>o_t = S_t^T q_t</c>.
/// </summary>
[Recurrence]
public static partial class GatedDeltaProduct
{
    private static Vec<V> Step(
        [L2NormOption] Vec<K> q, [L2NormOption] Vec<K> k1, Vec<V> v1, Scalar beta1, [L2NormOption] Vec<K> k2, Vec<V> v2, Scalar beta2,
        [LogDecay] Scalar g, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(g) * S;
        S += Outer(beta1 * k1, v1 - Dot(k1, S));
        S += Outer(beta2 * k2, v2 - Dot(k2, S));
        return scale * Dot(q, S);
    }
}
