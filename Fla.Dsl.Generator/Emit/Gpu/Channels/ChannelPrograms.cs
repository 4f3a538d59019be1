using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu.Channels;

/// <summary>
/// The programs of a recurrence whose channels have nothing to do with one another: a thread walks the tokens of one, as the declaration
/// has them, and no chunk has equations of its own. Channels are the elements of the output.
/// </summary>
internal static class ChannelPrograms
{
    /// <summary>The programs; null if channels meet other than in gradients of what all of them see.</summary>
    public static GpuPrograms? Of(CompiledRecurrence compiled)
    {
        if (compiled.Chunk is null) return null;
        var forward = compiled.Token.Forward.Program;
        var backward = WithStates(compiled.Token.Backward.Program, forward);
        var channel = forward[forward.Outputs[0].Id].Shape.Columns;
        bool Suits(TileProgram program) => Fits(compiled.Declaration, program, channel);
        if (channel == Dim.One || !Suits(forward) || !Suits(backward)) return null;
        var programs = GpuPrograms.Walks(compiled.Declaration, forward, backward);
        if (SegmentProgram.Of(forward) is var (segment, decays) && Suits(segment))
            programs.Add(KernelProgram.Segment(segment, decays, isBackward: false));
        return new GpuPrograms(programs, channel) { IsByChannel = true };
    }

    /// <summary>The dimension along which a thread has the numbers of a value: one that is not the channels', or 1.</summary>
    public static string Extent(Shape shape, string channel) =>
        shape.Rows != channel && shape.Rows != Dim.One ? shape.Rows : shape.Columns == channel ? Dim.One : shape.Columns;

    public static bool HasChannel(Shape shape, string channel) => shape.Rows == channel || shape.Columns == channel;

    /// <summary>The dimension that an operation sums over; 1 if none.</summary>
    public static string Summed(TileProgram program, int id)
    {
        var tile = program[id];
        if (tile.Op is not (TileOp.SumRows or TileOp.SumColumns or TileOp.MatMul)) return Dim.One;
        var of = program[tile.Operands[0]].Shape;
        return tile.Op == TileOp.SumRows || tile.TransposeLeft ? of.Rows : of.Columns;
    }

    /// <summary>The gradients, and beside them what a token makes of the states: after the carried gradients among what is next.</summary>
    private static TileProgram WithStates(TileProgram backward, TileProgram forward)
    {
        var builder = new TileBuilder();
        var gradients = builder.InputsOf(backward);
        builder.Copy(backward.Instructions, gradients);
        var inputs = builder.Inputs.ToDictionary(input => (input.Kind, input.Name), input => input.Id);
        InputKind KindOf(ProgramInput input) => input.Kind == InputKind.Carry ? InputKind.State : input.Kind;
        var again = forward.Inputs.ToDictionary(input => input.Id, input => inputs[(KindOf(input), input.Name)]);
        builder.Copy(forward.Instructions, again);
        var next = backward.Next.Select(next => next.In(gradients)).Concat(forward.Next.Select(next => next.In(again)));
        return builder.Build(backward.Name, backward.Outputs.Select(output => output.In(gradients)), next);
    }

    private static bool Fits(Declaration declaration, TileProgram program, string channel)
    {
        bool Has(int id) => HasChannel(program[id].Shape, channel);
        bool IsPerToken(string gradient) => declaration.RoleOf(gradient.Substring(1)) == ParameterRole.Token;
        var needed = program.Ancestors(program.Outputs.Concat(program.Next).Select(result => result.Id));
        var tokens = program.Inputs.Where(input => needed.Contains(input.Id) && GpuPrograms.IsPerToken(declaration, input)).ToList();
        return needed.All(id => Knows(program, program[id], channel))
            && tokens.All(input => program[input.Id].Shape is var shape && shape.Rows == Dim.One && shape != Shape.Scalar)
            && tokens.Any(input => Has(input.Id))
            && program.Carried.All(state => Has(state.Id))
            // What all channels see has a sum over them for its gradient, of each token.
            && needed.Where(id => Summed(program, id) == channel).All(sum => needed.All(user => !program[user].Operands.Contains(sum)))
            && program.Outputs.All(output => Has(output.Id) || IsPerToken(output.Name) && Summed(program, output.Id) == channel);
    }

    private static bool Knows(TileProgram program, Instruction tile, string channel)
    {
        var (rows, columns) = (tile.Shape.Rows, tile.Shape.Columns);
        return Places.Of(tile.Shape) is not null
            && (rows == Dim.One || columns == Dim.One || rows == channel != (columns == channel))
            && tile.Op is not TileOp.CausalMask
            && (Places.IsElementwise(tile.Op)
                || tile.Op is TileOp.Input or TileOp.Constant or TileOp.MatMul or TileOp.SumRows or TileOp.SumColumns)

            // The products of numbers of a thread are the outer one and the inner one.
            && (tile.Op != TileOp.MatMul || Summed(program, tile.Id) == Dim.One || rows == Dim.One || columns == Dim.One);
    }
}
