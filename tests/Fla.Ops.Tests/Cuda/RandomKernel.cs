using System.Globalization;
using System.Text;

namespace Fla.Ops.Tests.Cuda;

/// <summary>
/// Kernels of loops, ways that part and arrays, as they come: counted loops and others, left early or cut short, and arrays at places that
/// are known, known once a loop is written out, or never, through registers that serve several of them; and sums, products and copies of
/// registers that are written again and again.
/// </summary>
internal sealed class RandomKernel
{
    private const int Counters = 8, MostDepth = 3;

    private readonly Random random;
    private readonly StringBuilder text = new();
    private readonly List<string> behind = [];
    private readonly Stack<(string Counter, string Name)> loops = new();
    private int names;
    private int registers = 10;

    private RandomKernel(int seed) => random = new Random(seed);

    public static string Of(int seed)
    {
        var kernel = new RandomKernel(seed);
        for (int i = 0; i < 2; i++) kernel.Line($"mov.b64\t%rd{i + 1}, __local_depot{i};");
        for (int i = 0; i < 8; i++) kernel.Line($"st.local.b32\t[%rd{1 + i % 2}+{4 * (i / 2)}], {i};");
        kernel.Block(0);
        for (int i = 0; i < 4; i++) kernel.Line($"st.global.b32\t[%rd0], %s{i};");
        for (int i = 0; i < 4; i++) kernel.Read($"[%rd{1 + i % 2}+{4 * (i / 2)}]");
        kernel.Line("ret;");
        foreach (string block in kernel.behind) kernel.Line(block);
        return PtxText.Kernel(kernel.text.ToString(), "__local_depot0", "__local_depot1");
    }

    private void Block(int depth)
    {
        for (int count = random.Next(1, 4); count > 0; count--)
            switch (random.Next(depth < MostDepth ? 11 : 7))
            {
                case 0: Read(Address()); break;
                case 1: Line($"st.local.b32\t{Address()}, {Operand()};"); break;
                case 2: Line($"st.global.b32\t[%rd0], {Operand()};"); break;
                case 3 when loops.Count > 0: Leave(); break;
                case 4 or 5 or 6: Compute(); break;
                case 7: Part(depth); break;
                case 8 or 9 when loops.Count < Counters: Loop(depth); break;
                default: Read(Address()); break;
            }
    }

    private void Loop(int depth)
    {
        var (counter, name) = ($"%r{loops.Count + 1}", $"L{++names}");
        string[] ends = [$"{random.Next(5)}", $"{random.Next(5)}", "%r0", loops.TryPeek(out var outer) ? outer.Counter : "3"];
        loops.Push((counter, name));
        int start = text.Length;
        Block(depth + 1);
        string body = text.ToString(start, text.Length - start);
        text.Length = start;
        loops.Pop();
        string step = $"add.s32\t{{1}}, {{0}}, {random.Next(1, 3)};";
        Line(PtxText.Loop(name, counter, $"{random.Next(3)}", ends[random.Next(ends.Length)], body, step));
    }

    private void Part(int depth)
    {
        var (predicate, name) = ($"%p{++registers}", $"I{++names}");
        Line($"setp.lt.s32\t{predicate}, {Operand()}, {Operand()};");
        Line($"@{predicate} bra\t{name}_other;");
        Block(depth + 1);
        if (random.Next(2) == 0)
        {
            Line($"bra.uni\t{name}_meet;\n{name}_other:");
            Block(depth + 1);
            Line($"{name}_meet:");
            return;
        }
        Line($"{name}_meet:");
        int start = text.Length;
        Line($"{name}_other:");
        Block(depth + 1);
        Line($"bra.uni\t{name}_meet;");
        behind.Add(text.ToString(start, text.Length - start));
        text.Length = start;
    }

    private void Leave()
    {
        var (_, name) = loops.ElementAt(random.Next(loops.Count));
        string predicate = $"%p{++registers}";
        Line($"setp.lt.s32\t{predicate}, {Operand()}, {Operand()};");
        Line($"@{predicate} bra\t{name}_{(random.Next(2) == 0 ? "end" : "next")};");
    }

    private void Compute()
    {
        string to = Sum();
        switch (random.Next(10))
        {
            case 0 or 1: Line($"add.s32\t{to}, {Operand()}, {Operand()};"); break;
            case 2: Line($"sub.s32\t{to}, {Operand()}, {Operand()};"); break;
            case 3: Line($"mul.lo.s32\t{to}, {Operand()}, {Number(4)};"); break;
            case 4: Line($"and.b32\t{to}, {Operand()}, {Number(8)};"); break;
            case 5: Line($"shl.b32\t{to}, {Operand()}, {Number(3)};"); break;
            case 6: Line($"rem.s32\t{to}, {Operand()}, {1 << random.Next(4)};"); break;
            case 7:
                string predicate = $"%p{++registers}";
                Line($"setp.lt.s32\t{predicate}, {Operand()}, {Operand()};");
                Line(random.Next(2) == 0
                    ? $"@{predicate} mov.b32\t{to}, {Operand()};"
                    : $"selp.b32\t{to}, {Operand()}, {Operand()}, {predicate};");
                break;
            default: Line($"mov.b32\t{to}, {Operand()};"); break;
        }
        if (random.Next(3) == 0) Line($"st.global.b32\t[%rd0], {Sum()};");
    }

    private string Sum() => $"%s{random.Next(4)}";

    private void Read(string address)
    {
        string register = $"%r{++registers}";
        Line($"ld.local.b32\t{register}, {address};");
        Line($"st.global.b32\t[%rd0], {register};");
    }

    private string Address()
    {
        string depot = $"%rd{random.Next(1, 3)}", index = $"%r{++registers}";
        if (random.Next(3) == 0) return $"[{depot}+{4 * random.Next(4)}]";
        // Where it may be any number, it is brought into the array; %rd7 and %rd8 serve all.
        Line($"and.b32\t{index}, {(random.Next(8) == 0 ? "%r0" : Counter())}, 3;");
        Line($"mul.wide.u32\t%rd8, {index}, 4;");
        Line($"add.u64\t%rd7, {depot}, %rd8;");
        return "[%rd7]";
    }

    private string Counter() => loops.Count == 0 ? Number(4) : loops.ElementAt(random.Next(loops.Count)).Counter;

    private string Operand() => random.Next(6) switch
    {
        0 => Number(5),
        1 => "%r0",
        2 or 3 or 4 => Sum(),
        _ => Counter(),
    };

    private string Number(int below) => random.Next(below).ToString(CultureInfo.InvariantCulture);

    private void Line(string line) => text.Append(line).Append('\n');
}
