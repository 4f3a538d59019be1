using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// Reverse-mode differentiation of a chunk's program. The result reads the same arguments, the states carried into the chunk and the
/// gradient of the output; it carries the gradient of the states from each chunk to the one before.
/// </summary>
internal sealed class Differentiation
{
    private readonly TileProgram forward;
    private readonly TileBuilder builder = new();
    private readonly Dictionary<int, int> copies = [];
    private readonly Dictionary<int, int> adjoints = [];

    private Differentiation(TileProgram forward) => this.forward = forward;

    public static TileProgram Differentiate(TileProgram forward, Declaration declaration) => new Differentiation(forward).Run(declaration);

    private TileProgram Run(Declaration declaration)
    {
        foreach (var input in forward.Inputs)
            copies.Add(input.Id, builder.Input(input.Name, input.Kind == InputKind.Carry ? InputKind.State : input.Kind, forward[input.Id].Shape));
        foreach (var output in forward.Outputs)
            adjoints.Add(output.Id, builder.Input($"d{output.Name}", InputKind.OutputGradient, forward[output.Id].Shape));
        foreach (var next in forward.Next)
            Accumulate(next.Id, builder.Input($"d{next.Name}", InputKind.Carry, forward[next.Id].Shape));

        builder.Copy(forward.Instructions, copies);
        for (var id = forward.Instructions.Count - 1; id >= 0; id--)
            if (adjoints.TryGetValue(id, out var adjoint)) Propagate(forward[id], adjoint);

        var outputs = forward.Inputs
            .Where(input => input.Kind == InputKind.Argument && declaration.RoleOf(input.Name) != ParameterRole.Scale)
            .Select(input => new ProgramOutput($"d{input.Name}", Gradient(input)));
        var carried = forward.Carried.Select(input => new ProgramOutput($"d{input.Name}", Gradient(input)));
        return builder.Build($"{forward.Name} backward", outputs.ToList(), carried.ToList());
    }

    private int Gradient(ProgramInput input) =>
        builder.Name(adjoints.TryGetValue(input.Id, out var adjoint) ? adjoint : builder.Constant(0, forward[input.Id].Shape), $"d{input.Name}");

    /// <summary>Adds to the gradient of a value, whatever shape the contribution has been broadcast to or from.</summary>
    private void Accumulate(int id, int contribution)
    {
        var shape = forward[id].Shape;
        contribution = builder.Broadcast(builder.ReduceTo(contribution, shape), shape);
        adjoints[id] = adjoints.TryGetValue(id, out var sum) ? builder.Add(sum, contribution) : contribution;
        if (forward[id].Name.Length > 0) builder.Name(adjoints[id], $"d{forward[id].Name}");
    }

    private void Propagate(Instruction instruction, int dy)
    {
        var b = builder;
        var y = copies[instruction.Id];
        int Id(int operand) => instruction.Operands[operand];
        int X(int operand) => copies[Id(operand)];
        void To(int operand, int contribution) => Accumulate(Id(operand), contribution);

        switch (instruction.Op)
        {
            case TileOp.Input or TileOp.Constant or TileOp.Heaviside:
                break;
            case TileOp.Broadcast:
                To(0, dy);
                break;
            case TileOp.Negate:
                To(0, b.Negate(dy));
                break;
            case TileOp.Exp:
                To(0, b.Multiply(dy, y));
                break;
            case TileOp.Log:
                To(0, b.Divide(dy, X(0)));
                break;
            case TileOp.Sqrt:
                To(0, b.Divide(b.Multiply(dy, b.Constant(0.5)), y));
                break;
            case TileOp.Sigmoid:
                To(0, b.Multiply(dy, b.Multiply(y, b.Subtract(b.Constant(1), y))));
                break;
            case TileOp.Tanh:
                To(0, b.Multiply(dy, b.Subtract(b.Constant(1), b.Multiply(y, y))));
                break;
            case TileOp.Relu:
                To(0, b.Multiply(dy, b.Unary(TileOp.Heaviside, X(0))));
                break;
            case TileOp.Softplus:
                To(0, b.Multiply(dy, b.Unary(TileOp.Sigmoid, X(0))));
                break;
            case TileOp.Softmax:
                To(0, b.Multiply(y, b.Subtract(dy, b.SumColumns(b.Multiply(dy, y)))));
                break;
            case TileOp.Features:
                To(0, b.FeaturesGradient(instruction.Map, X(0), dy));
                break;
            case TileOp.Add:
                To(0, dy);
                To(1, dy);
                break;
            case TileOp.Subtract:
                To(0, dy);
                To(1, b.Negate(dy));
                break;
            case TileOp.Multiply:
                To(0, b.Multiply(dy, X(1)));
                To(1, b.Multiply(dy, X(0)));
                break;
            case TileOp.Divide:
                To(0, b.Divide(dy, X(1)));
                To(1, b.Negate(b.Divide(b.Multiply(dy, y), X(1))));
                break;
            case TileOp.MatMul:
                var (left, right) = (instruction.TransposeLeft, instruction.TransposeRight);
                To(0, left ? b.MatMul(X(1), dy, right, true) : b.MatMul(dy, X(1), false, !right));
                To(1, right ? b.MatMul(dy, X(0), true, left) : b.MatMul(X(0), dy, !left, false));
                break;
            case TileOp.Transpose:
                To(0, b.Transpose(dy));
                break;
            case TileOp.Flatten:
                To(0, b.Unflatten(dy, b[X(0)].Shape));
                break;
            case TileOp.Unflatten:
                To(0, b.Flatten(dy));
                break;
            case TileOp.RowOuter:
                To(0, b.RowDotRight(dy, X(1)));
                To(1, b.RowDotLeft(X(0), dy));
                break;
            case TileOp.RowDotLeft:
                To(0, b.RowDotRight(X(1), dy));
                To(1, b.RowOuter(X(0), dy));
                break;
            case TileOp.RowDotRight:
                To(0, b.RowOuter(dy, X(1)));
                To(1, b.RowDotLeft(dy, X(0)));
                break;
            case TileOp.SumRows or TileOp.SumColumns:
                To(0, dy);
                break;
            case TileOp.CumulativeSum:
                To(0, b.CumulativeSum(dy, !instruction.Reverse, instruction.Exclusive));
                break;
            case TileOp.LogAddExp:
                To(0, b.Multiply(dy, b.Binary(TileOp.LogShare, X(0), X(1))));
                To(1, b.Multiply(dy, b.Binary(TileOp.LogShare, X(1), X(0))));
                break;
            case TileOp.CumulativeProduct:
                // A product without one of its factors is what is before it times what is after: nothing is divided by.
                var after = b.ScanTransposed(dy, X(0), instruction.Exclusive ? ReadPoint.BeforeDecay : ReadPoint.AfterWrite);
                To(0, b.Multiply(b.CumulativeProduct(X(0), exclusive: true), after));
                break;
            case TileOp.Scan:
                To(0, b.ScanTransposed(dy, X(1), instruction.Point));
                To(1, b.Multiply(b.Scan(X(0), X(1), ReadPoint.BeforeDecay), b.ScanTransposed(dy, X(1), Inclusive(instruction.Point))));
                break;
            case TileOp.LogScan:
                // Of a token's sum this share came from before it, and its gradient goes back there.
                var before = b.LogScan(X(0), X(1), ReadPoint.AfterDecay);
                var kept = b.Binary(TileOp.LogShare, before, X(0));
                var reached = b.ScanTransposed(dy, kept, instruction.Point == ReadPoint.AfterWrite ? ReadPoint.AfterWrite : ReadPoint.BeforeDecay);
                To(0, b.Multiply(b.Binary(TileOp.LogShare, X(0), before), reached));
                To(1, b.Multiply(kept, reached));
                if (instruction.Point == ReadPoint.AfterDecay) To(1, dy);
                break;
            case TileOp.LastRow:
                To(0, b.AtLastRow(dy));
                break;
            case TileOp.CausalMask:
                To(0, b.CausalMask(dy, instruction.Point));
                break;
            case TileOp.DecayMatrix:
                var weight = b.CausalMask(b.Multiply(dy, y), instruction.Point == ReadPoint.AfterWrite ? ReadPoint.AfterDecay : instruction.Point);
                To(0, GateGradient(b.SumColumns(weight), b.Transpose(b.SumRows(weight)), instruction.Point));
                break;
            case TileOp.DecayedDot:
                var dx = b.DecayedMix(dy, X(1), X(2), instruction.Point);
                var dKey = b.DecayedMixTransposed(dy, X(0), X(2), instruction.Point);
                To(0, dx);
                To(1, dKey);
                To(2, GateGradient(b.Multiply(X(0), dx), b.Multiply(X(1), dKey), instruction.Point));
                break;
            case TileOp.DecayedMix:
                var dValue = b.DecayedMixTransposed(X(0), dy, X(2), instruction.Point);
                To(0, b.DecayedDot(dy, X(1), X(2), instruction.Point));
                To(1, dValue);
                To(2, GateGradient(b.Multiply(dy, y), b.Multiply(X(1), dValue), instruction.Point));
                break;
            case TileOp.SolveUnitLower when !instruction.Reverse:
                var dRight = b.SolveUnitLower(X(0), dy, transposed: true);
                To(0, b.CausalMask(b.MatMul(dRight, y, transposeRight: true), ReadPoint.AfterDecay));
                To(1, dRight);
                break;
            case TileOp.DecayedSolve when !instruction.Reverse:
                var adjoint = b.DecayedSolve(X(0), X(1), X(2), dy, instruction.Point, transposed: true);
                var scaled = b.Multiply(X(1), adjoint);
                var seen = b.DecayedMix(X(0), y, X(2), instruction.Point);
                To(0, b.DecayedDot(scaled, y, X(2), instruction.Point));
                To(1, b.Multiply(adjoint, seen));
                To(2, GateGradient(b.Multiply(scaled, seen), b.Multiply(y, b.DecayedMixTransposed(X(0), scaled, X(2), instruction.Point)), instruction.Point));
                To(3, adjoint);
                break;
            default:
                throw new InvalidOperationException($"No derivative of {instruction.Op}.");
        }
    }

    private static ReadPoint Inclusive(ReadPoint point) => point == ReadPoint.BeforeDecay ? ReadPoint.BeforeDecay : ReadPoint.AfterWrite;

    /// <summary>
    /// The gradient of gates that decay token j's share in token i, from that of each token's shares as the later one
    /// (<paramref name="later"/>, summed over j) and as the earlier one (<paramref name="earlier"/>, summed over i): gate s counts where
    /// j &lt; s &lt;= i, and what has both ends beyond s cancels between the two sums. This is dG = q dq - k dk. A token's share in itself,
    /// which no gate decays, is in neither: it would only cancel but for rounding.
    /// </summary>
    private int GateGradient(int later, int earlier, ReadPoint point) => builder.Subtract(
        builder.CumulativeSum(later, reverse: true, exclusive: point == ReadPoint.BeforeDecay),
        builder.CumulativeSum(earlier, reverse: true));
}
