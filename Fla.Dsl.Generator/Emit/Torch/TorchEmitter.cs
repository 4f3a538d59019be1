using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Torch;

/// <summary>
/// Writes a compiled program as batched TorchSharp operations. It decides nothing: each part of a split program becomes one method,
/// and a value that is used once is written where it is used.
/// </summary>
internal static class TorchEmitter
{
    private const string Runtime = "global::Fla.Dsl.Runtime";

    public static void Write(CodeWriter code, string className, string summary, CompiledProgram program) => code
        .Line($"/// <summary>{summary}</summary>")
        .Block($"private static class {className}", () =>
        {
            code.Line($"public static readonly {Runtime}.TorchProgram Program = new(");
            code.Indented(() => code
                .Line($"new {Runtime}.Sweep(ForwardLocal, ForwardAdvance, ForwardOutput),")
                .Line($"new {Runtime}.Sweep(BackwardLocal, BackwardAdvance, BackwardOutput));"));
            Sweep(code, "Forward", "from the first token to the last", program.Forward);
            Sweep(code, "Backward", "from the last token to the first", program.Backward);
        });

    private static void Sweep(CodeWriter code, string name, string direction, SplitProgram split)
    {
        var program = split.Program;
        var inputs = program.Inputs.Where(input => input.Kind != InputKind.Carry).ToList();
        var carried = program.Carried.ToList();
        var exports = split.Exports.Select(id => (id, program[id].Name)).ToList();

        Part(code, $"{name}, {direction}: what needs no carried state.", $"{name}Local(torch.Tensor[] inputs)", split.Local, split.Exports,
            [("inputs", inputs.Select(input => (input.Id, input.Name)).ToList())]);
        Part(code, $"{name}: the state, a step on.", $"{name}Advance(torch.Tensor[] carry, torch.Tensor[] local)", split.Advance, program.Next.Select(next => next.Id).ToList(),
            [("carry", carried.Select(input => (input.Id, input.Name)).ToList()), ("local", exports)]);
        Part(code, $"{name}: the outputs.", $"{name}Output(torch.Tensor[] inputs, torch.Tensor[] carry, torch.Tensor[] local)", split.Output, program.Outputs.Select(output => output.Id).ToList(),
            [("inputs", inputs.Select(input => (input.Id, input.Name)).ToList()), ("carry", carried.Select(input => (input.Id, input.Name)).ToList()), ("local", exports)]);

        void Part(CodeWriter target, string summary, string signature, IReadOnlyList<int> computed, IReadOnlyList<int> results, IReadOnlyList<(string Array, List<(int Id, string Name)> Values)> given)
        {
            var part = new TorchPart(program, computed, results);
            foreach (var (array, values) in given)
                for (var i = 0; i < values.Count; i++) part.Give(values[i].Id, values[i].Name, $"{array}[{i}]");
            target.Line().Line($"// {summary}").Block($"private static torch.Tensor[] {signature}", () => part.Write(target));
        }
    }
}
