using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace NewVariant;

/// <summary>
/// A memory that is written only where it is erased, as a palimpsest is: what key i forgets, 1 - e^{gk_i}, is what it may write, so the
/// state stays an average and needs no normaliser; and a second gate, e^{gv_j}, lets single value channels fade whatever the key.
/// </summary>
[Recurrence]
public static partial class Palimpsest
{
    private static Vec<V> Step(
        Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> gk, [LogDecay] Vec<V> gv, ref State<K, V> S, [Scale] Scalar scale)
    {
        S = Exp(gk) * S * Exp(gv) + Outer((1 - Exp(gk)) * k, v);
        return scale * Dot(q, S);
    }
}
