using System.Globalization;
using System.Text;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A kernel or function with its body.</summary>
/// <param name="Signature">The text before the body.</param>
/// <param name="Registers">Its registers and the names of its local arrays, to which passes add.</param>
/// <param name="Depots">The local arrays.</param>
/// <param name="Flow">The body.</param>
internal sealed record PtxFunction(
    string Signature, RegisterFile Registers, IReadOnlyList<Depot> Depots, ControlFlow Flow)
{
    /// <summary>Writes it as text. Only the blocks that are jumped to have labels.</summary>
    public void Write(StringBuilder text)
    {
        text.Append(Signature).Append("{\n");
        foreach (string declaration in Depots.Select(depot => depot.Declaration).Concat(Registers.Declarations))
            text.Append('\t').Append(declaration).Append('\n');

        var blocks = Flow.Blocks;
        HashSet<int> targets = [];
        for (int i = 0; i < blocks.Count; i++)
        {
            if (blocks[i].Branch is { } branch) targets.Add(branch.Target);
            if (Jump(i) is { } next) targets.Add(next);
        }
        for (int i = 0; i < blocks.Count; i++)
        {
            if (targets.Contains(blocks[i].Id)) text.Append("L_").Append(blocks[i].Id).Append(":\n");
            foreach (var statement in blocks[i].Statements) text.Append('\t').Append(statement).Append('\n');
            // ILGPU takes a jump for uniform when it hangs on a local array's element, which may differ from thread to thread:
            // none is said to be.
            if (blocks[i].Branch is { } branch) text.Append(CultureInfo.InvariantCulture, $"\t@{branch.Guard} bra\tL_{branch.Target};\n");
            if (Jump(i) is { } next) text.Append(CultureInfo.InvariantCulture, $"\tbra.uni\tL_{next};\n");
        }
        text.Append("}\n");

        int? Jump(int at) => blocks[at].Next is { } next && (at + 1 == blocks.Count || blocks[at + 1].Id != next) ? next : null;
    }
}
