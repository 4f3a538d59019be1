using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>The gated linear recurrence of HGRN, element by element. Qin et al., 2023, arXiv:2311.04823: <c>h_t = e^{g_t} h_{t-1} + x_t, o_t = h_t</c>.</summary>
[Recurrence(Heads = false)]
public static partial class Hgrn
{
    private static Vec<D> Step(Vec<D> x, [LogDecay] Vec<D> g, ref State<D> h)
    {
        h = Exp(g) * h + x;
        return h;
    }
}
