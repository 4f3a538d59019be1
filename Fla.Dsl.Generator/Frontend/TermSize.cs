using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>
/// Counts the operations of terms, variables and earlier states put in. Terms share what they have in common, but the compiler walks
/// them as trees: a few dozen lines that each use the line before twice would keep it busy for ever.
/// </summary>
internal sealed class TermSize(IReadOnlyList<StateUpdate> updates)
{
    /// <summary>Two orders of magnitude beyond the longest known variant.</summary>
    public const int Largest = 20_000;

    private readonly Dictionary<Expr, int> known = new(ByReference.Instance);

    public bool IsTooLarge(Expr term) => Of(term) > Largest;

    private int Of(Expr term)
    {
        if (known.TryGetValue(term, out var size)) return size;
        size = 1 + term.Children().Sum(Of);
        if (term is StateExpr { Version: > 0 } state) size += Of(updates.First(update => update.State == state.Name && update.Version == state.Version).Value);
        known.Add(term, size);
        return size;
    }

    private sealed class ByReference : IEqualityComparer<Expr>
    {
        public static readonly ByReference Instance = new();

        public bool Equals(Expr x, Expr y) => ReferenceEquals(x, y);

        public int GetHashCode(Expr term) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(term);
    }
}
