namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Makes one block of two where the one is always followed by the other, and that by the one alone preceded.</summary>
internal static class Joining
{
    public static ControlFlow Run(ControlFlow flow)
    {
        var reached = flow.ReversePostorder();
        Dictionary<int, int> entries = [];
        foreach (var block in reached)
            foreach (int next in block.Successors) entries[next] = entries.GetValueOrDefault(next) + 1;
        HashSet<int> joined = [];
        List<Block> blocks = [];
        foreach (var block in reached)
        {
            if (joined.Contains(block.Id)) continue;
            List<Statement> statements = [.. block.Statements];
            var last = block;
            while (last is { Branch: null, Next: { } next } && entries[next] == 1 && next != flow.Entry.Id && next != block.Id)
            {
                last = flow[next];
                joined.Add(next);
                statements.AddRange(last.Statements);
            }
            blocks.Add(last with { Id = block.Id, Statements = statements });
        }
        return new ControlFlow(blocks);
    }
}
