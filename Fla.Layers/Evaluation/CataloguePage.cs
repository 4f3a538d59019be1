using System.Text;
using Fla.Dsl;
using Fla.Dsl.Testing;

namespace Fla.Layers.Evaluation;

/// <summary>The page docs/catalogue.md: what every op is, and in which mode it runs in which direction on which backend.</summary>
public static class CataloguePage
{
    private const string Opening = """
        # The catalogue

        What every op of [`Fla.Ops`](../Fla.Ops) is, and what there is of it. This page is written from the ops themselves, by
        `fla ops --markdown`, and a test holds it to them.

        ## Ops

        An argument has its dimensions in brackets. It is `[B, T, H, ...]`, `[H, ...]` where it is per head, and without H where the op
        has no heads; a state is `[N, H, ...]` for N sequences.


        """;

    private const string BeforeMatrix = """

        ## Modes, backends and directions

        Every op of the matrix below takes and gives the same in a mode:

        | mode | initial state | final state | packed sequences | gradients |
        |---|---|---|---|---|
        | chunk, fused_chunk, fused_recurrent, parallel | optional | if asked for | `cuSeqlens` | of all arguments and initial states |
        | step | optional | always | none: each sequence is an entry of the batch | the same |

        *torch* is operations of TorchSharp on any of its devices, computed in fp64 where an argument is fp64 and in fp32 otherwise.
        *kernels* is what CUDA tensors of bf16, fp16 and fp32 go to where a block has room for the sizes, which are up to 256 along
        dimensions that are not spread over blocks; all else goes to torch. See [benchmarks](benchmarks.md).
        What stands here is tested: every mode in both directions, with and without states, packed and not, against the declaration of
        the op.


        """;

    // The column of a backend, and what it has of an op in a mode: directions, or why there are none.
    private static readonly (string Name, Func<RecurrenceOp, Execution, string> Cell)[] Backends = [("torch", Torch), ("kernels", Kernels)];

    /// <summary>The page for these ops, as Markdown.</summary>
    public static string Of(IEnumerable<RecurrenceOp> ops)
    {
        var sorted = ops.OrderBy(op => op.Name, StringComparer.Ordinal).ToArray();
        var page = new StringBuilder(Opening.ReplaceLineEndings("\n"));
        Table(page, ["op", "heads", "class", "arguments", "states", "output"], sorted.Select(Describe));
        page.Append(BeforeMatrix.ReplaceLineEndings("\n"));
        Table(page, ["op", "mode", .. Backends.Select(backend => backend.Name)],
            from op in sorted
            from execution in Execution.All
            select (string[])[op.Name, execution.Name, .. Backends.Select(backend => backend.Cell(op, execution))]);
        return page.ToString();
    }

    private static string[] Describe(RecurrenceOp op) =>
    [
        $"[{op.Name}](../Fla.Ops/{op.Name}.cs)",
        op.HasHeads ? "H" : "none",
        op.Class,
        SignatureText.Arguments(op),
        SignatureText.States(op),
        op.OutputDimensions.Count == 0 ? "scalar" : string.Join(", ", op.OutputDimensions),
    ];

    private static string Kernels(RecurrenceOp op, Execution execution) =>
        execution.Mode is not (Mode.Chunk or Mode.FusedChunk) || op.Gpu is not { } program ? "none"
        : program.Backward is null ? "forward"
        : "forward, backward";

    private static string Torch(RecurrenceOp op, Execution execution)
    {
        if (!execution.ExistsFor(op)) return "none: it has no [chunk form](diagnostics/FLA0018.md)";
        var program = execution.Mode is null or Mode.FusedRecurrent ? op.TokenProgram : op.ChunkProgram!;
        (string Name, object? Sweep)[] directions = [("forward", program.Forward), ("backward", program.Backward)];
        return string.Join(", ", directions.Where(direction => direction.Sweep is not null).Select(direction => direction.Name));
    }

    private static void Table(StringBuilder page, string[] headings, IEnumerable<string[]> rows)
    {
        Row(headings);
        page.Append('|').AppendJoin("", headings.Select(_ => "---|")).Append('\n');
        foreach (var row in rows) Row(row);

        // A type such as Taylor2<K> is no tag.
        void Row(string[] cells) => page.Append($"| {string.Join(" | ", cells).Replace("<", "&lt;")} |\n");
    }
}
