using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops;

/// <summary>
/// Mamba's selective state space. Gu and Dao, 2023, arXiv:2312.00752: <c>h_t = e^{dt_t A} h_{t-1} + dt_t B_t x_t, y_t = C_t h_t + D x_t</c>,
/// for each of D channels with N states, where A is negative.
/// </summary>
[Recurrence(Heads = false)]
public static partial class SelectiveScan
{
    private static Vec<D> Step(
        Vec<D> x, Vec<D> dt, [PerHead] Mat<D, N> A, Vec<N> Bm, Vec<N> Cm, [PerHead] Vec<D> D, ref State<D, N> h)
    {
        h = Exp(dt * A) * h + Outer(dt * x, Bm);
        return Dot(h, Cm) + D * x;
    }
}
