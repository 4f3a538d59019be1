using System.Globalization;
using System.Text.RegularExpressions;

namespace Fla.Ops.Tests.Cuda;

/// <summary>
/// Carries out the few instructions of PTX that the tests write, line by line from the text: what a kernel stores to global memory is
/// what it means, before a pass and after it.
/// </summary>
internal sealed partial class PtxMachine
{
    private const int MostSteps = 200_000;

    private readonly Dictionary<string, long> registers = [];
    private readonly Dictionary<long, long> local = [];
    private readonly List<long> stored = [];

    /// <summary>What the kernel stores, in order, if its parameter <c>n</c> has a value.</summary>
    public static IReadOnlyList<long> Run(string ptx, long n)
    {
        string[] lines = [.. ptx.Split('\n').Select(line => line.Trim())];
        var machine = new PtxMachine();
        Dictionary<string, int> labels = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].EndsWith(':')) labels.Add(lines[i][..^1], i);
            if (Declaration().Match(lines[i]) is { Success: true } depot)
                machine.registers[depot.Groups[1].Value] = 1000 * machine.registers.Count;
        }
        machine.registers["[n]"] = n;
        for (int at = Array.IndexOf(lines, "{"), steps = 0; ; at++)
        {
            if (++steps > MostSteps) throw new InvalidOperationException("it does not end");
            if (lines[at].Length == 0 || lines[at].EndsWith(':') || lines[at][0] is '.' or '{') continue;
            if (lines[at] is "ret;" or "}") return machine.stored;
            if (machine.Step(lines[at]) is { } label) at = labels[label];
        }
    }

    private string? Step(string line)
    {
        string[] words = line.TrimEnd(';').Split([' ', '\t'], 2);
        if (words[0][0] == '@')
        {
            bool negated = words[0][1] == '!';
            bool holds = registers[words[0].TrimStart('@', '!')] != 0;
            return holds != negated ? Step(words[1].Trim()) : null;
        }
        string[] o = [.. words[1].Split(',').Select(operand => operand.Trim())];
        switch (words[0])
        {
            case "bra" or "bra.uni": return o[0];
            case "ld.local.b32": registers[o[0]] = local.GetValueOrDefault(Address(o[1])); return null;
            case "st.local.b32": local[Address(o[0])] = (int)Of(o[1]); return null;
            case "st.global.b32": stored.Add((int)Of(o[1])); return null;
            case "setp.ne.s32": registers[o[0]] = Of(o[1]) != Of(o[2]) ? 1 : 0; return null;
            case "setp.ge.s32": registers[o[0]] = Of(o[1]) >= Of(o[2]) ? 1 : 0; return null;
            case "setp.lt.s32": registers[o[0]] = Of(o[1]) < Of(o[2]) ? 1 : 0; return null;
            case "ld.param.b32": registers[o[0]] = registers[o[1]]; return null;
        }
        registers[o[0]] = words[0] switch
        {
            "mov.b32" or "mov.b64" or "mov.pred" => Of(o[1]),
            "add.s32" => (int)(Of(o[1]) + Of(o[2])),
            "sub.s32" => (int)(Of(o[1]) - Of(o[2])),
            "add.s64" => Of(o[1]) + Of(o[2]),
            "mul.lo.s64" => Of(o[1]) * Of(o[2]),
            "shl.b32" => (int)Of(o[1]) << (int)Of(o[2]),
            "shr.u32" => (int)((uint)Of(o[1]) >> (int)Of(o[2])),
            "rem.s32" => (int)Of(o[1]) % (int)Of(o[2]),
            "selp.b32" => Of(o[3]) != 0 ? Of(o[1]) : Of(o[2]),
            "mul.lo.s32" => (int)(Of(o[1]) * Of(o[2])),
            "and.b32" => (int)(Of(o[1]) & Of(o[2])),
            "shr.s32" => (int)Of(o[1]) >> (int)Of(o[2]),
            "mul.wide.u32" => (long)(uint)Of(o[1]) * (uint)Of(o[2]),
            "add.u64" => Of(o[1]) + Of(o[2]),
            _ => throw new NotSupportedException(line),
        };
        return null;
    }

    private long Address(string operand)
    {
        string[] sum = operand.Trim('[', ']').Split('+');
        return Of(sum[0]) + (sum.Length > 1 ? Of(sum[1]) : 0);
    }

    // A register that was never written has some value, the same before and after.
    private long Of(string operand) => long.TryParse(operand, CultureInfo.InvariantCulture, out long number)
        ? number
        : registers.GetValueOrDefault(operand);

    [GeneratedRegex(@"^\.local .* (__local_depot\d+)\[")]
    private static partial Regex Declaration();
}
