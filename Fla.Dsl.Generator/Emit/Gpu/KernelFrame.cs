namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// What is written alike in all kernels: how they begin, where in shared memory what is, and the walk through the chunks.
/// </summary>
internal sealed class KernelFrame(GpuInterface io, CodeWriter code)
{
    /// <summary>Writes the kernel: which sequence, head and part of the columns is the block's, and then the body.</summary>
    public void Write(Action body)
    {
        code.Line();
        Head(io.Kernel.Summary, $"public static void {io.Kernel.Name}", [.. io.Parameters, "long offsets", "int heads", "int splits"]);
        code.Line("{").Indented(() =>
        {
            code.Line("int split = Grid.IdxX % splits, head = Grid.IdxX / splits % heads, sequence = Grid.IdxX / (splits * heads);");
            code.Line(
                "long first = Memory.ReadLong(offsets + (16L * sequence)), firstRow = Memory.ReadLong(offsets + (16L * sequence) + 8);");
            code.Line("var tokens = (int)(Memory.ReadLong(offsets + (16L * sequence) + 16) - first);");
            body();
        }).Line("}");
    }

    /// <summary>Writes a method with the kernel's type parameters, up to its body.</summary>
    public void Head(string summary, string method, IEnumerable<string> parameters) => code
        .Line($"/// <summary>{summary}</summary>")
        .Line($"{method}<{io.Generics}>({string.Join(", ", parameters)})")
        .Indented(() => code.Lines(io.Constraints));

    /// <summary>Writes a method that gives how much shared memory something takes.</summary>
    public void Bytes(string summary, string of, IEnumerable<string> bytes)
    {
        Head(summary, $"public static int {of}Bytes", []);
        code.Line($"    => {string.Join(" + ", bytes)};");
    }

    /// <summary>Writes where in shared memory regions are that follow one another.</summary>
    public void Place(string first, IEnumerable<(string Name, string Bytes)> regions)
    {
        var place = first;
        foreach (var (region, bytes) in regions)
        {
            code.Line($"var {region} = {place};");
            place = $"{region} + {bytes}";
        }
    }

    /// <summary>
    /// Writes the walk: what happens before the first chunk, which begins at <c>start</c>, and in each, of so many <c>rows</c>, whose
    /// tokens have arrived.
    /// </summary>
    public void Walk(Action before, Action chunk)
    {
        const string Last = "(tokens + TChunk.Value - 1) / TChunk.Value * TChunk.Value - TChunk.Value";
        code.Line($"var start = {(io.IsBackward ? Last : "0")};");
        before();
        code.Block(io.IsBackward ? "while (start >= 0)" : "while (start < tokens)", () =>
        {
            code.Line($"var next = start {(io.IsBackward ? "-" : "+")} TChunk.Value;");
            code.Line("var rows = Memory.RowsAt<TChunk>(start, tokens);");
            code.Line("Transfers.Arrive<TBlock>();").Line(GpuBody.Barrier);
            chunk();
            code.Line("start = next;");
        });
    }
}
