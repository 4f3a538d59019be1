namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Writes every loop out whose number of turns is known. What a loop may do besides counting is left as it is: jumps inside it, out of
/// it, loops in it. Any other loop stays, and so does one that decides when a turn is over: a <c>do</c> is what is not to be written out.
/// </summary>
internal static class Unrolling
{
    // A loop that would grow beyond is one that was meant to stay.
    private const int MostStatements = 1 << 16;

    public static ControlFlow Run(ControlFlow flow)
    {
        var specialization = new Specialization(flow);
        // Where the turns of an inner loop depend on the outer one, they are known once that is written out: hence again.
        for (bool unrolled = true; unrolled;)
        {
            var entering = Enter(ref flow);
            unrolled = false;
            while (Next(flow, entering) is { Count: > 0 } loops)
            {
                flow = Joining.Run(Unroll(flow, loops, specialization));
                unrolled = true;
            }
        }
        return flow;
    }

    /// <summary>What is known where each loop is entered, if it is entered from one block alone; drops what cannot be reached.</summary>
    private static Dictionary<int, Facts> Enter(ref ControlFlow flow)
    {
        var loops = Loop.Of(flow);
        Dictionary<int, Facts> entering = [];
        HashSet<int> several = [];
        var propagation = new Propagation(flow, loops)
        {
            Leaving = (block, facts) =>
            {
                foreach (int next in block.Successors)
                {
                    if (!loops.TryGetValue(next, out var loop) || loop.Blocks.Contains(block.Id)) continue;
                    if (!entering.TryAdd(next, new Facts(facts))) several.Add(next);
                }
            },
        };
        flow = propagation.Run();
        foreach (int header in several) entering.Remove(header);
        return entering;
    }

    /// <summary>Loops whose turns are known, none of them in another, the innermost first; with their turns.</summary>
    private static List<(Loop Loop, Turns Turns)> Next(ControlFlow flow, Dictionary<int, Facts> entering)
    {
        Loop[] loops = [.. Loop.Of(flow).Values.OrderBy(loop => loop.Blocks.Count)];
        List<(Loop, Turns)> next = [];
        HashSet<int> taken = [];
        foreach (var loop in loops)
            if (entering.TryGetValue(loop.Header, out var facts) && !loop.Blocks.Overlaps(taken))
                if (Counting.Of(flow, loops, loop, facts, MostStatements) is { } turns)
                {
                    next.Add((loop, turns));
                    taken.UnionWith(loop.Blocks);
                }
        return next;
    }

    private static ControlFlow Unroll(ControlFlow flow, List<(Loop Loop, Turns Turns)> loops, Specialization specialization)
    {
        int free = flow.FreeId;
        Dictionary<int, IReadOnlyList<Block>> written = [];
        foreach (var (loop, turns) in loops)
        {
            foreach (int block in loop.Blocks) written[block] = [];
            written[loop.Header] = Turned(flow, loop, turns, specialization, ref free);
        }
        return new ControlFlow([.. flow.Blocks.SelectMany(block => written.TryGetValue(block.Id, out var blocks) ? blocks : [block])]);
    }

    /// <summary>The loop's blocks as often as it turns, then the header once more, which leaves.</summary>
    private static List<Block> Turned(ControlFlow flow, Loop loop, Turns turns, Specialization specialization, ref int free)
    {
        var header = flow[loop.Header];
        var (target, next) = (header.Branch!.Target, header.Next!.Value);
        var (inside, exit) = loop.Blocks.Contains(next) ? (next, target) : (target, next);
        var others = flow.Blocks.Where(block => block.Id != header.Id && loop.Blocks.Contains(block.Id));
        Block[] body = [header with { Branch = null, Next = inside }, .. others];
        // Behind the step the counter is another: it is the last block's, or only the header is sure to come before.
        bool stepsLast = flow[loop.Latches[0]].Statements.Any(statement => statement.Writes.Contains(turns.Counter));

        // The first turn has the loop's own numbers: what led to the header leads to it.
        List<Block> written = [];
        var numbers = loop.Blocks.ToDictionary(id => id);
        for (int turn = 0; turn < turns.Count; turn++)
        {
            var own = numbers;
            numbers = [];
            foreach (int id in loop.Blocks) numbers[id] = free++;
            int following = numbers[loop.Header];
            foreach (var block in body)
            {
                var redirected = block.Redirected(to => to == loop.Header ? following : own.GetValueOrDefault(to, to));
                bool isCounted = stepsLast || block == body[0];
                var statements = isCounted ? specialization.Run(block, turns.At(turn)) : block.Statements;
                written.Add(redirected with { Id = own[block.Id], Statements = statements });
            }
        }
        var last = header with { Id = numbers[loop.Header], Branch = null, Next = exit };
        written.Add(last with { Statements = specialization.Run(last, turns.At(turns.Count)) });
        return written;
    }
}
