using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Autograd;

/// <summary>Writes what a user calls: one differentiable method a mode, with the shapes in its documentation, and the operator's description.</summary>
internal static class OperatorEmitter
{
    /// <summary>In full, as a user's own types may have such names.</summary>
    private const string Api = "global::Fla.Dsl";

    private static readonly (string Mode, string Summary)[] Modes =
    [
        ("Chunk", "All chunks at once; only the state walks from chunk to chunk. The mode to train with."),
        ("FusedChunk", "One chunk after the other, keeping no chunk's state but a few checkpoints."),
        ("FusedRecurrent", "One token after the other."),
        ("Parallel", "The quadratic form: the whole sequence as one chunk."),
    ];

    public static void Write(CodeWriter code, CompiledRecurrence compiled, bool hasKernels)
    {
        var declaration = compiled.Declaration;
        Description(code, compiled, hasKernels);
        foreach (var (mode, summary) in ModesOf(compiled))
        {
            code.Line();
            SequenceMethod(code, declaration, mode, summary);
        }

        code.Line();
        StepMethod(code, declaration);
    }

    /// <summary>Without a chunk form only the token's own walk is left.</summary>
    private static IEnumerable<(string Mode, string Summary)> ModesOf(CompiledRecurrence compiled) =>
        Modes.Where(mode => compiled.Chunk is not null || mode.Mode == "FusedRecurrent");

    private static void Description(CodeWriter code, CompiledRecurrence compiled, bool hasKernels)
    {
        var declaration = compiled.Declaration;
        code.Line($"/// <summary>{declaration.Name} as a value: its signature, and every mode by name.</summary>");
        code.Block($"public static {Api}.RecurrenceOp Op {{ get; }} = new()", () =>
        {
            code.Line($"Name = \"{declaration.Name}\",");
            code.Line($"Declaration = typeof({Names.Escaped(declaration.Name)}),");
            code.Line($"Class = \"{ClassText.Of(compiled.Form)}\",");
            code.Line($"HasHeads = {Bool(declaration.HasHeads)},");
            code.Line("Arguments =").Line("[");
            code.Indented(() => code.Lines(declaration.Parameters.Select(parameter =>
                $"new(\"{parameter.Name}\", [{Dimensions(parameter.Type)}], {Api}.ArgumentRole.{parameter.Role}{(parameter.IsLogDecay ? ", IsLogDecay: true" : string.Empty)}{(parameter.HasL2NormOption ? ", HasL2NormOption: true" : string.Empty)}{(parameter.Default is { } method ? $", Default: {Names.Escaped(method)}" : string.Empty)}),")));
            code.Line("],");
            code.Line($"States = [{string.Join(", ", declaration.States.Select(state => $"new(\"{state.Name}\", [{Dimensions(state.Type)}]{(state.IsLogSpace ? ", IsLogSpace: true" : string.Empty)})"))}],");
            code.Line($"OutputDimensions = [{Dimensions(declaration.Output.Type)}],");
            code.Line($"Modes = [{string.Join(", ", ModesOf(compiled).Select(mode => $"{Api}.Mode.{mode.Mode}"))}],");
            if (compiled.Chunk is not null) code.Line("ChunkProgram = ChunkCode.Program,");
            code.Line("TokenProgram = TokenCode.Program,");
            if (hasKernels) code.Line("Gpu = GpuCode.Program,");
            code.Line("GeneratedSources = Sources,");
        }, "};");
    }

    private static void SequenceMethod(CodeWriter code, Declaration declaration, string mode, string summary)
    {
        var (required, optional) = Arguments(declaration);
        code.Line($"/// <summary>{summary}</summary>");
        foreach (var parameter in required.Concat(optional))
            code.Line($"/// <param name=\"{parameter.Name}\">{Description(declaration, parameter, step: false)}</param>");
        if (ScaleOf(declaration) is { } scale) code.Line($"/// <param name=\"{scale}\">{ScaleDescription(declaration)}</param>");
        code.Line($"/// <param name=\"initialState\">The state before the first token: {StateShapes(declaration, "N")}, N sequences; {Empty(declaration)} if null.</param>");
        code.Line("/// <param name=\"outputFinalState\">Whether to give the state after the last token.</param>");
        code.Line("/// <param name=\"cuSeqlens\">For packed sequences, batch 1: <c>int64 [N + 1]</c> with 0 first, T last, where each sequence starts.</param>");
        NormDescription(code, declaration);
        code.Line($"/// <returns>The output {OutputShape(declaration, step: false)} in the type of the first argument, and the final state, shaped as the initial one, fp32 (fp64 of fp64 arguments), or null.</returns>");
        code.Line("/// <exception cref=\"global::System.ArgumentException\">An argument has the wrong shape, type or device.</exception>");

        var parameters = required.Select(p => $"torch.Tensor {Names.Escaped(p.Name)}").Concat(optional.Select(p => $"torch.Tensor? {Names.Escaped(p.Name)} = null"));
        if (ScaleOf(declaration) is { } s) parameters = parameters.Append($"double? {Names.Escaped(s)} = null");
        parameters = parameters.Append($"{StateType(declaration)}? initialState = null").Append("bool outputFinalState = false").Append("torch.Tensor? cuSeqlens = null").Concat(NormParameter(declaration));
        code.Block($"public static (torch.Tensor o, {StateType(declaration)}? finalState) {mode}({string.Join(", ", parameters)})", () =>
        {
            var (o, state) = Locals(declaration, "o", "state");
            code.Line($"var ({o}, {state}) = Op.Run({Api}.Mode.{mode}, [{Passed(declaration)}], {ScalePassed(declaration)}, {States(declaration, "initialState")}, outputFinalState, cuSeqlens{NormPassed(declaration)});");
            code.Line($"return ({o}, {state} is null ? null : {Unpacked(declaration, state)});");
        });
    }

    private static void StepMethod(CodeWriter code, Declaration declaration)
    {
        var (required, optional) = Arguments(declaration);
        code.Line("/// <summary>One token, for decoding: from a state to the next.</summary>");
        foreach (var parameter in required.Concat(optional))
            code.Line($"/// <param name=\"{parameter.Name}\">{Description(declaration, parameter, step: true)}</param>");
        if (ScaleOf(declaration) is { } scale) code.Line($"/// <param name=\"{scale}\">{ScaleDescription(declaration)}</param>");
        code.Line($"/// <param name=\"state\">The state before the token: {StateShapes(declaration, "B")}; {Empty(declaration)} if null.</param>");
        NormDescription(code, declaration);
        code.Line($"/// <returns>The output {OutputShape(declaration, step: true)}, and the state after the token.</returns>");
        code.Line("/// <exception cref=\"global::System.ArgumentException\">An argument has the wrong shape, type or device.</exception>");

        var parameters = required.Select(p => $"torch.Tensor {Names.Escaped(p.Name)}").Concat(optional.Select(p => $"torch.Tensor? {Names.Escaped(p.Name)} = null"));
        if (ScaleOf(declaration) is { } s) parameters = parameters.Append($"double? {Names.Escaped(s)} = null");
        parameters = parameters.Append($"{StateType(declaration)}? state = null").Concat(NormParameter(declaration));
        code.Block($"public static (torch.Tensor o, {StateType(declaration)} state) Step({string.Join(", ", parameters)})", () =>
        {
            var (o, next) = Locals(declaration, "o", "next");
            code.Line($"var ({o}, {next}) = Op.Step([{Passed(declaration)}], {States(declaration, "state")}, {ScalePassed(declaration)}{NormPassed(declaration)});");
            code.Line($"return ({o}, {Unpacked(declaration, next)});");
        });
    }

    private static List<string> Normed(Declaration declaration) => declaration.Parameters.Where(p => p.HasL2NormOption).Select(p => p.Name).ToList();

    private static IEnumerable<string> NormParameter(Declaration declaration) => Normed(declaration).Count > 0 ? ["bool l2Norm = false"] : [];

    private static string NormPassed(Declaration declaration) => Normed(declaration).Count > 0 ? ", l2Norm" : string.Empty;

    private static void NormDescription(CodeWriter code, Declaration declaration)
    {
        if (Normed(declaration) is { Count: > 0 } names)
            code.Line($"/// <param name=\"l2Norm\">Whether to divide {string.Join(" and ", names)} by their lengths, <c>sqrt(sum x^2 + 1e-6)</c>, first.</param>");
    }

    /// <summary>Names for the two variables of a method, which no argument has.</summary>
    private static (string First, string Second) Locals(Declaration declaration, string first, string second)
    {
        var names = new Names([.. declaration.Parameters.Select(parameter => parameter.Name)]);
        return (names.Fresh(first), names.Fresh(second));
    }

    private static (List<Parameter> Required, List<Parameter> Optional) Arguments(Declaration declaration)
    {
        var arguments = declaration.Parameters.Where(parameter => parameter.Role != ParameterRole.Scale).ToList();
        return (arguments.Where(p => p.Default is null).ToList(), arguments.Where(p => p.Default is not null).ToList());
    }

    private static string? ScaleOf(Declaration declaration) => declaration.Parameters.FirstOrDefault(parameter => parameter.Role == ParameterRole.Scale)?.Name;

    private static string ScalePassed(Declaration declaration) => ScaleOf(declaration) is { } scale ? Names.Escaped(scale) : "null";

    private static string Passed(Declaration declaration) =>
        string.Join(", ", declaration.Parameters.Where(parameter => parameter.Role != ParameterRole.Scale).Select(parameter => Names.Escaped(parameter.Name)));

    private static string StateType(Declaration declaration) => declaration.States.Count == 1
        ? "torch.Tensor"
        : $"({string.Join(", ", declaration.States.Select(state => $"torch.Tensor {Names.Escaped(state.Name)}"))})";

    private static string States(Declaration declaration, string variable) => declaration.States.Count == 1
        ? $"{variable} is null ? null : [{variable}]"
        : $"{variable} is null ? null : [{string.Join(", ", declaration.States.Select(state => $"{variable}.Value.{Names.Escaped(state.Name)}"))}]";

    private static string Unpacked(Declaration declaration, string array) => declaration.States.Count == 1
        ? $"{array}[0]"
        : $"({string.Join(", ", declaration.States.Select((_, i) => $"{array}[{i}]"))})";

    private static string Description(Declaration declaration, Parameter parameter, bool step)
    {
        var sizes = new[] { parameter.Type.Rows, parameter.Type.Columns }.Where(dimension => dimension != Dim.One).ToList();
        var tensor = parameter.Role == ParameterRole.PerHead ? Shape(Leading(declaration, string.Empty), sizes) : Shape(Leading(declaration, step ? "B" : "B, T"), sizes);
        var meaning = parameter.IsLogDecay ? ": the natural logarithm of a decay, at most 0" : string.Empty;
        return parameter.Role switch
        {
            ParameterRole.PerHead when parameter.Default is { } method => $"{tensor}{meaning}; {method}(head, heads) if null.",
            ParameterRole.PerHead => $"{tensor}{meaning}; the same for every token.",
            _ => $"{tensor}{meaning}.",
        };
    }

    private static string ScaleDescription(Declaration declaration) =>
        declaration.Parameters.First(parameter => parameter.Role != ParameterRole.Scale).Type is { Kind: not TermKind.Scalar } type
            ? $"A factor; if null, 1 / sqrt({type.Columns.Replace("<", "&lt;")})."
            : "A factor; if null, 1.";

    private static string StateShapes(Declaration declaration, string batch) => string.Join(" and ", declaration.States.Select(state =>
        Shape(Leading(declaration, batch), new[] { state.Type.Rows, state.Type.Columns }.Where(dimension => dimension != Dim.One))));

    private static string Empty(Declaration declaration) => declaration.States.Where(state => state.IsLogSpace).Select(state => state.Name).ToList() is { Count: > 0 } logarithms
        ? $"zero, and minus infinity for {string.Join(" and ", logarithms)},"
        : "zero";

    private static string OutputShape(Declaration declaration, bool step) =>
        Shape(Leading(declaration, step ? "B" : "B, T"), declaration.Output.Type.Kind == TermKind.Scalar ? [] : [declaration.Output.Type.Columns]);

    private static IEnumerable<string> Leading(Declaration declaration, string axes) =>
        new[] { axes, declaration.HasHeads ? "H" : string.Empty }.Where(axis => axis.Length > 0);

    private static string Shape(IEnumerable<string> leading, IEnumerable<string> sizes) => $"<c>[{string.Join(", ", leading.Concat(sizes)).Replace("<", "&lt;")}]</c>";

    private static string Dimensions(TermType type) =>
        string.Join(", ", new[] { type.Rows, type.Columns }.Where(dimension => dimension != Dim.One).Select(dimension => $"\"{dimension}\""));

    private static string Bool(bool value) => value ? "true" : "false";
}
