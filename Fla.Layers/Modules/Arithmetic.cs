using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Sums, and arithmetic with numbers, whose hidden native scalars live for ever. Those of <c>a + b</c> and <c>2 * a</c> may be freed
/// by a garbage collection on another thread while they are in use (see <see cref="Scalars"/>).
/// </summary>
internal static class Arithmetic
{
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, Scalars.One);

    public static Tensor Plus(this Tensor a, double number) => a.add(Scalars.Of(number));

    public static Tensor Times(this Tensor a, double number) => a.mul(Scalars.Of(number));

    /// <summary>One minus the tensor.</summary>
    public static Tensor Complement(this Tensor a) => a.neg().add(Scalars.One);
}
