using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// RWKV-4: an average of all values so far, each weighted by its key and its age, the token's own by a bonus u. Peng et al., 2023,
/// arXiv:2305.13048: <c>o_t = (sum_j e^{(t-1-j) w + k_j} v_j + e^{u + k_t} v_t) / (sum_j e^{(t-1-j) w + k_j} + e^{u + k_t})</c>
/// over j before t, w the log-decay. z is the logarithm of the weights' sum, h the average.
/// </summary>
[Recurrence(Heads = false)]
public static partial class Rwkv4
{
    private static Vec<D> Step(
        Vec<D> k, Vec<D> v, [LogDecay, PerHead] Vec<D> w, [PerHead] Vec<D> u, [LogSpace] ref State<D> z, ref State<D> h)
    {
        var o = Sigmoid(z - (u + k)) * h + Sigmoid(u + k - z) * v;
        var past = z + w;
        h = Sigmoid(past - k) * h + Sigmoid(k - past) * v;
        z = LogAddExp(z + w, k);
        return o;
    }
}
