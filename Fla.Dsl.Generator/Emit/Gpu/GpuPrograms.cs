using Fla.Dsl.Generator.Emit.Gpu.Channels;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>A program that a kernel runs in each chunk.</summary>
/// <param name="Name">The kernel's name.</param>
/// <param name="Summary">What it computes.</param>
/// <param name="Program">The program, lowered.</param>
/// <param name="IsBackward">Whether it walks from the last chunk to the first.</param>
/// <param name="Decays">Of a segment's program, the states that carried decays are of; null of others.</param>
internal sealed record KernelProgram(
    string Name, string Summary, TileProgram Program, bool IsBackward, IReadOnlyDictionary<string, string>? Decays = null)
{
    /// <summary>That of a segment, forward or backward in time.</summary>
    public static KernelProgram Segment(TileProgram program, IReadOnlyDictionary<string, string> decays, bool isBackward)
    {
        var of = isBackward ? "no gradient of the state after it" : "an empty state";
        var summary = $"What a segment of a sequence makes of {of}, and how it decays another one.";
        return new(isBackward ? "BackwardSegment" : "Segment", summary, program, isBackward, decays);
    }
}

/// <summary>The programs of a recurrence's kernels.</summary>
/// <param name="Programs">One for each kernel.</param>
/// <param name="Split">
/// The dimension whose parts different blocks may have: columns of outputs and states, if these do not mix; or null.
/// </param>
internal sealed record GpuPrograms(IReadOnlyList<KernelProgram> Programs, string? Split)
{
    /// <summary>Whether a thread walks the tokens of a channel, one of the dimension that is split; else a block walks chunks.</summary>
    public bool IsByChannel { get; init; }

    /// <summary>The programs; null if a recurrence has something that kernels do not have.</summary>
    public static GpuPrograms? Of(CompiledRecurrence compiled) => OfChunks(compiled) ?? ChannelPrograms.Of(compiled);

    private static GpuPrograms? OfChunks(CompiledRecurrence compiled)
    {
        if (compiled.Chunk is not { } chunk) return null;
        var declaration = compiled.Declaration;
        var (forward, backward) = (GpuLowering.Lower(chunk.Forward.Program), GpuLowering.Lower(chunk.Backward.Program));
        if (!Fits(declaration, forward) || !Fits(declaration, backward)) return null;

        var programs = Walks(declaration, forward, backward);
        foreach (var (walk, isBackward) in new[] { (chunk.Forward.Program, false), (chunk.Backward.Program, true) })
            if (SegmentProgram.Of(walk) is var (segment, decays) && GpuLowering.Lower(segment) is var lowered && Fits(declaration, lowered))
                programs.Add(KernelProgram.Segment(lowered, decays, isBackward));
        return new GpuPrograms(programs, SplitOf(chunk.Forward.Program));
    }

    /// <summary>The walk forward and the walks backward.</summary>
    public static List<KernelProgram> Walks(Declaration declaration, TileProgram forward, TileProgram backward)
    {
        var programs = new List<KernelProgram>
        {
            new("Forward", "From the first token to the last: the output, and the states carried into each chunk.", forward, false),
            new("Backward", "From the last token to the first: the gradients.", backward, true),
        };
        var ofHeads = declaration.Parameters.Where(parameter => parameter.Role == ParameterRole.PerHead);
        var perHead = ofHeads.Select(parameter => $"d{parameter.Name}").ToList();
        if (perHead.Count > 0)
        {
            var outputs = backward.Outputs.Where(output => !perHead.Contains(output.Name)).ToEquatableArray();
            var tokens = Simplification.Simplify(backward with { Outputs = outputs });
            programs.Add(new("TokenBackward", "From the last token to the first: the gradients of what is per token.", tokens, true));
        }

        return programs;
    }

    /// <summary>
    /// Whether all operations have kernels, and all that comes has a place: rows of states are columns of a tensor of tokens.
    /// </summary>
    private static bool Fits(Declaration declaration, TileProgram program)
    {
        if (!Places.Fits(program)) return false;
        var used = program.Ancestors(program.Outputs.Concat(program.Next).Select(result => result.Id));
        var tokens = program.Inputs.Where(input => IsPerToken(declaration, input)).ToList();
        var shapes = tokens.Where(input => used.Contains(input.Id)).Select(input => program[input.Id].Shape);
        var columns = shapes.Where(shape => Places.Of(shape) == Place.Tile).Select(shape => shape.Columns).ToList();
        bool IsKnown(string dimension) => columns.Contains(FeatureDimension.Root(dimension));
        bool AsksForColumns(Instruction tile) => tile.Op is TileOp.Softmax or TileOp.Features or TileOp.FeaturesGradient;
        if (program.Instructions.Any(tile => AsksForColumns(tile) && !IsKnown(tile.Shape.Columns))) return false;
        return program.Inputs.Except(tokens).All(input => program[input.Id].Shape is var shape && Places.Of(shape) switch
        {
            Place.Tile => input.Kind is InputKind.Carry or InputKind.State && IsKnown(shape.Rows),
            Place.Scalar => input.Kind == InputKind.Argument,
            _ => true,
        });
    }

    /// <summary>Whether an input has a row for each token.</summary>
    public static bool IsPerToken(Declaration declaration, ProgramInput input) => input.Kind == InputKind.OutputGradient
        || input.Kind == InputKind.Argument && declaration.RoleOf(input.Name) == ParameterRole.Token;

    /// <summary>
    /// The columns of the outputs, if states have them and they do not mix with one another. What a gradient without them is the sum of,
    /// and states without them, each split then has of its own.
    /// </summary>
    private static string? SplitOf(TileProgram forward)
    {
        var columns = forward.Outputs.Select(output => forward[output.Id].Shape.Columns).Distinct().ToList();
        if (columns.Count != 1 || columns[0] == Dim.One) return null;
        var split = columns[0];
        var states = forward.Carried.Select(state => forward[state.Id].Shape).ToList();
        if (states.All(state => state.Columns != split) || states.Any(state => state.Rows == split)) return null;
        bool Mixes(Instruction tile) => tile.Op switch
        {
            TileOp.SumColumns or TileOp.Softmax or TileOp.Features => forward[tile.Operands[0]].Shape.Columns == split,
            TileOp.SumRows => forward[tile.Operands[0]].Shape.Rows == split,
            TileOp.MatMul => (tile.TransposeLeft ? forward[tile.Operands[0]].Shape.Rows : forward[tile.Operands[0]].Shape.Columns) == split,
            TileOp.DecayedDot => forward[tile.Operands[0]].Shape.Columns == split,
            TileOp.Transpose => tile.Shape.Rows == split,
            _ => false,
        };
        return forward.Instructions.Any(Mixes) ? null : split;
    }
}
