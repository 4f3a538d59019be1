using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Attention with bounded-memory control: M slots, each the average of all keys and values so far under a softmax over time of s.
/// Peng et al., 2022, arXiv:2110.02488: <c>z_t = log sum_j e^{s_j}, Sk_t = sum_j k_j (e^{s_j - z_t})^T, Sv_t = sum_j e^{s_j - z_t} v_j^T,
/// o_t = Sv_t^T softmax(Sk_t^T q_t)</c>, over j up to t.
/// </summary>
[Recurrence]
public static partial class AbcAttention
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, Vec<M> s, ref State<K, M> Sk, ref State<M, V> Sv, [LogSpace] ref State<M> z, [Scale] Scalar scale)
    {
        var kept = Sigmoid(z - s);
        var share = Sigmoid(s - z);
        z = LogAddExp(z, s);
        Sk = Sk * kept + Outer(k, share);
        Sv = kept * Sv + Outer(share, v);
        return Dot(Softmax(scale * Dot(q, Sk)), Sv);
    }
}
