using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// The gradient of gates sums, for each token, its shares as the later one of a pair less those as the earlier one. Where all these are
/// what arguments' gradients are made of, it is theirs: <c>dG = q dq - k dk</c>, a sum over the columns of two tiles that are there
/// anyway, instead of sums over the rows and the columns of all pairs. What a token's share in itself adds to both is rounded alike, and
/// cancels.
/// </summary>
internal sealed class GateGradients
{
    private readonly TileProgram program;
    private readonly List<(int Argument, int Gradient)> gradients;

    public GateGradients(TileProgram program)
    {
        this.program = program;
        gradients =
        [
            .. from output in program.Outputs
               from input in program.Inputs
               where input.Kind == InputKind.Argument && output.Name == $"d{input.Name}" && Places.Of(program[input.Id].Shape) == Place.Tile
               select (input.Id, output.Id),
        ];
    }

    /// <summary>Whether a value is what gradients of gates are: sums from each token on.</summary>
    public static bool IsOne(Instruction tile) =>
        tile is { Op: TileOp.CumulativeSum, Reverse: true, Exclusive: false } && Places.Of(tile.Shape) == Place.Line;

    /// <summary>
    /// The arguments and their gradients whose products a line adds up, and whether they are subtracted; null if that is not all of it.
    /// </summary>
    public IReadOnlyList<(int Argument, int Gradient, bool IsNegative)>? Of(int line)
    {
        if (Shares(line) is not { Count: > 0 } left) return null;
        var found = new List<(int, int, bool)>();
        foreach (var (argument, gradient) in gradients)
        {
            foreach (var isNegative in new[] { false, true })
            {
                if (Without(left, argument, gradient, isNegative) is not { } rest) continue;
                left = rest;
                found.Add((argument, gradient, isNegative));
            }
        }

        return left.Count == 0 ? found : null;
    }

    /// <summary>What a line adds up of sums over rows and columns; null if there is anything else in it.</summary>
    private List<Share>? Shares(int line)
    {
        var shares = new List<Share>();
        var pairs = new List<Share>();
        foreach (var term in Terms(line))
        {
            var sums = term.Factors.Where(factor => SumOf(factor) is not null).ToList();
            if (sums.Count != 1) return null;
            var (tile, ofColumns) = SumOf(sums[0])!.Value;
            var isPair = program[tile] is { Op: TileOp.CausalMask, Point: ReadPoint.AfterDecay };
            foreach (var summed in Terms(isPair ? program[tile].Operands[0] : tile))
            {
                // A share that is no pair's has no other half that the token's own would cancel with.
                if (isPair ? !summed.Factors.Any(IsCausal) : ofColumns) return null;
                var factors = summed.Factors.Concat(term.Factors).Where(factor => factor != sums[0]);
                var share = new Share(Key(factors), ofColumns, term.IsNegative ^ summed.IsNegative);
                shares.Add(share);
                if (isPair) pairs.Add(share);
            }
        }

        return pairs.All(pair => pairs.Contains(pair with { OfColumns = !pair.OfColumns, IsNegative = !pair.IsNegative })) ? shares : null;
    }

    /// <summary>What is left of shares without those that are an argument times its gradient; null unless all of these are there.</summary>
    private List<Share>? Without(List<Share> shares, int argument, int gradient, bool isNegative)
    {
        var left = shares.ToList();
        bool IsThere(Term term) => Forms(argument, term).Any(form => left.Remove(form with { IsNegative = term.IsNegative ^ isNegative }));
        return Terms(gradient).All(IsThere) ? left : null;
    }

    /// <summary>
    /// The ways in which an argument times a product is written as a share: also with the product's left operand outside,
    /// <c>x . (a b) = a . (x b^T)</c>.
    /// </summary>
    private IEnumerable<Share> Forms(int argument, Term term)
    {
        yield return new Share(Key(term.Factors.Append(argument)), false, false);
        foreach (var factor in term.Factors)
        {
            if (program[factor] is not { Op: TileOp.MatMul } product) continue;
            if (Terms(product.Operands[0]).ToList() is not [{ IsNegative: false } outside]) continue;
            var others = term.Factors.Where(other => other != factor).Concat(outside.Factors);
            var (left, right) = product.TransposeLeft ? (product.Operands[1], argument) : (argument, product.Operands[1]);
            foreach (var other in program.Instructions)
            {
                var isCounterpart = other is { Op: TileOp.MatMul, TransposeLeft: false, Operands: var of }
                    && of[0] == left && of[1] == right && other.TransposeRight == (product.TransposeLeft || !product.TransposeRight);
                if (isCounterpart) yield return new Share(Key(others.Append(other.Id)), product.TransposeLeft, false);
            }
        }
    }

    /// <summary>The tile whose rows or columns a line is the sum of.</summary>
    private (int Tile, bool OfColumns)? SumOf(int line) => program[line] switch
    {
        { Op: TileOp.SumColumns, Operands: var of } => (of[0], false),
        { Op: TileOp.Transpose, Operands: var of } when program[of[0]].Op == TileOp.SumRows => (program[of[0]].Operands[0], true),
        _ => null,
    };

    private bool IsCausal(int tile) => program[tile] is { Op: TileOp.CausalMask, Point: ReadPoint.AfterWrite };

    /// <summary>A value as a sum of products.</summary>
    private IEnumerable<Term> Terms(int id)
    {
        var tile = program[id];
        IEnumerable<Term> Of(int operand) => Terms(tile.Operands[operand]);
        return tile.Op switch
        {
            TileOp.Add => Of(0).Concat(Of(1)),
            TileOp.Subtract => Of(0).Concat(Of(1).Select(term => term with { IsNegative = !term.IsNegative })),
            TileOp.Negate => Of(0).Select(term => term with { IsNegative = !term.IsNegative }),
            TileOp.Multiply => from a in Of(0)
                               from b in Of(1)
                               select new Term([.. a.Factors, .. b.Factors], a.IsNegative ^ b.IsNegative),
            _ => [new Term([id], false)],
        };
    }

    private static string Key(IEnumerable<int> factors) => string.Join(" ", factors.OrderBy(factor => factor));

    /// <summary>A product of values.</summary>
    private sealed record Term(IReadOnlyList<int> Factors, bool IsNegative);

    /// <summary>
    /// A product that is summed for each token over its columns, or over the rows of all pairs (<paramref name="OfColumns"/>).
    /// </summary>
    private sealed record Share(string Key, bool OfColumns, bool IsNegative);
}
