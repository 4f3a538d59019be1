namespace Fla.Dsl.Generator.Lowering;

/// <summary>What a program has of another one. A map gives the ids of this one by those of the other.</summary>
internal sealed partial class TileBuilder
{
    /// <summary>Declares the inputs of another program.</summary>
    /// <returns>A map of them.</returns>
    public Dictionary<int, int> InputsOf(TileProgram program) =>
        program.Inputs.ToDictionary(input => input.Id, input => Input(input.Name, input.Kind, program[input.Id].Shape));

    /// <summary>
    /// Writes copies of another program's instructions, in its order, and adds them to the map; those that it has are not written.
    /// </summary>
    public void Copy(IEnumerable<Instruction> instructions, Dictionary<int, int> map)
    {
        foreach (var instruction in instructions)
            if (!map.ContainsKey(instruction.Id)) map.Add(instruction.Id, Copy(instruction, map));
    }

    /// <summary>Writes a copy of an instruction of another program over this program's operands.</summary>
    public int Copy(Instruction source, IReadOnlyDictionary<int, int> map)
    {
        var o = source.Operands.Select(operand => map[operand]).ToArray();
        var id = source.Op switch
        {
            TileOp.Constant => Constant(source.Number, source.Shape),
            TileOp.Broadcast => Broadcast(o[0], source.Shape),
            TileOp.Softmax => Softmax(o[0]),
            TileOp.Features => Features(source.Map, o[0]),
            TileOp.FeaturesGradient => FeaturesGradient(source.Map, o[0], o[1]),
            TileOp.Add or TileOp.Subtract or TileOp.Multiply or TileOp.Divide => Binary(source.Op, o[0], o[1]),
            TileOp.LogAddExp or TileOp.LogShare => Binary(source.Op, o[0], o[1]),
            TileOp.MatMul => MatMul(o[0], o[1], source.TransposeLeft, source.TransposeRight),
            TileOp.Transpose => Transpose(o[0]),
            TileOp.SumRows => SumRows(o[0]),
            TileOp.SumColumns => SumColumns(o[0]),
            TileOp.Flatten => Flatten(o[0]),
            TileOp.Unflatten => Unflatten(o[0], source.Shape),
            TileOp.RowOuter => RowOuter(o[0], o[1]),
            TileOp.RowDotLeft => RowDotLeft(o[0], o[1]),
            TileOp.RowDotRight => RowDotRight(o[0], o[1]),
            TileOp.CumulativeSum => CumulativeSum(o[0], source.Reverse, source.Exclusive),
            TileOp.CumulativeProduct => CumulativeProduct(o[0], source.Exclusive),
            TileOp.Scan or TileOp.ScanTransposed => Scan(source.Op, o[0], o[1], source.Point),
            TileOp.LogScan => LogScan(o[0], o[1], source.Point),
            TileOp.LastRow => LastRow(o[0]),
            TileOp.AtLastRow => AtLastRow(o[0]),
            TileOp.CausalMask => CausalMask(o[0], source.Point),
            TileOp.DecayMatrix => DecayMatrix(o[0], source.Point),
            TileOp.DecayedDot => DecayedDot(o[0], o[1], o[2], source.Point),
            TileOp.DecayedMix => DecayedMix(o[0], o[1], o[2], source.Point),
            TileOp.DecayedMixTransposed => DecayedMixTransposed(o[0], o[1], o[2], source.Point),
            TileOp.SolveUnitLower => SolveUnitLower(o[0], o[1], source.Reverse),
            TileOp.InverseUnitLower => InverseUnitLower(o[0]),
            TileOp.DecayedSolve => DecayedSolve(o[0], o[1], o[2], o[3], source.Point, source.Reverse),
            TileOp.Input => throw new InvalidOperationException("An input cannot be copied; declare it with Input."),
            _ => Unary(source.Op, o[0]),
        };
        return Name(id, source.Name);
    }

    /// <summary>Builds what another program has become: its results, where the map has them.</summary>
    public TileProgram Build(TileProgram source, IReadOnlyDictionary<int, int> map) =>
        Build(source.Name, source.Outputs.Select(output => output.In(map)), source.Next.Select(next => next.In(map)));
}
