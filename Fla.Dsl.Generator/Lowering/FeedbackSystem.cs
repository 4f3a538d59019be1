using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// The equations <c>u_w = right_w + sum_x L_wx u_x</c> of the values that the tokens of a chunk write after a look back, w and x going
/// over the writes of a token, every <c>L_wx</c> [C]x[C] strictly lower. Write by write an unknown is taken out of the others'
/// equations; what then stands before an unknown in its own is strictly lower still, so that each step is one triangular solve.
/// </summary>
internal sealed class FeedbackSystem
{
    private readonly TileBuilder builder;
    private readonly int[] right;
    private readonly int[,] lower;

    public FeedbackSystem(TileBuilder builder, int writes)
    {
        this.builder = builder;
        right = new int[writes];
        lower = new int[writes, writes];
        for (var w = 0; w < writes; w++)
            for (var x = 0; x < writes; x++)
                lower[w, x] = builder.Constant(0, new Shape(Dim.Time, Dim.Time));
    }

    /// <summary>Gives the right-hand side of an equation, [C]xV.</summary>
    public void Right(int write, int value) => right[write] = value;

    /// <summary>Adds to how much the value of one write counts for another's.</summary>
    public void Add(int write, int other, int tile) => lower[write, other] = builder.Add(lower[write, other], tile);

    /// <summary>The values of all writes, [C]xV each.</summary>
    public IReadOnlyList<int> Solve()
    {
        var count = right.Length;
        for (var p = 0; p < count; p++)
        {
            var own = builder.Name(lower[p, p], "L");
            right[p] = builder.SolveUnitLower(own, right[p]);
            for (var x = p + 1; x < count; x++) lower[p, x] = builder.SolveUnitLower(own, lower[p, x]);
            for (var w = p + 1; w < count; w++)
            {
                right[w] = builder.Add(right[w], builder.MatMul(lower[w, p], right[p]));
                for (var x = p + 1; x < count; x++) Add(w, x, builder.MatMul(lower[w, p], lower[p, x]));
            }
        }

        for (var p = count - 1; p >= 0; p--)
        {
            for (var x = p + 1; x < count; x++) right[p] = builder.Add(right[p], builder.MatMul(lower[p, x], right[x]));
            builder.Name(right[p], "u");
        }

        return right;
    }
}
