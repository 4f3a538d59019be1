using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// The gated delta rule (Gated DeltaNet): the delta rule on a state that decays first. Yang et al., 2024, arXiv:2412.06464:
/// <c>S = e^{g_t} S_{t-1}, S_t = S + beta_t k_t (v_t - S^T k_t)^T, o_t = S_t^T q_t</c>.
/// </summary>
[Recurrence]
public static partial class GatedDeltaRule
{
    private static Vec<V> Step(
        [L2NormOption] Vec<K> q, [L2NormOption] Vec<K> k, Vec<V> v, [LogDecay] Scalar g, Scalar beta, ref State<K, V> S,
        [Scale] Scalar scale)
    {
        S = Exp(g) * S;
        S += Outer(beta * k, v - Dot(k, S));
        return scale * Dot(q, S);
    }
}
