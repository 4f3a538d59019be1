using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>What comes to a kernel and what it gives: by which names, in which order, of which types, and from where in the tensors.</summary>
internal sealed class GpuInterface
{
    private const string Single = "SingleElement";

    private static readonly string[] OfAll = ["tokens", "head", "heads", "sequence", "split", "splits", "first", "firstRow", "rows", "start", "next", "offsets", "shared", "i"];
    private static readonly string[] OfChunks = ["turn", "lines", "linesBytes", "at", "row", "column"];
    private static readonly string[] OfChannels = ["stage", "stageBytes", "channel", "channels", "inside", "group", "token", "holds", "n"];

    private readonly Declaration declaration;
    private readonly TileProgram program;
    private readonly bool isByChannel;
    private readonly Dictionary<int, string> locals = [];
    private readonly Dictionary<int, string> tensorOfInput = [];
    private readonly Dictionary<string, string> tensorOfOutput = [];

    public GpuInterface(Declaration declaration, KernelProgram kernel, GpuPrograms programs)
    {
        (this.declaration, program, Kernel, Split, isByChannel) = (declaration, kernel.Program, kernel, programs.Split, programs.IsByChannel);
        Names = new Names([.. OfAll, .. isByChannel ? OfChannels : OfChunks]);
        Plan = new GpuPlan(program, program.Inputs.Where(input => input.Kind == InputKind.Argument && IsGate(input.Name)).Select(input => input.Id));
        foreach (var state in program.Carried)
            foreach (var role in new[] { "initial", "final", "kept", "dInitial", "dFinal" }) Names.Fresh($"{role}{StateOf(state)}");
        foreach (var input in program.Inputs)
        {
            locals.Add(input.Id, Names.Fresh(input.Name));
            Names.Fresh(Places(input));
            tensorOfInput.Add(input.Id, Names.Fresh($"{input.Name}Tensor"));
        }

        foreach (var output in program.Outputs) tensorOfOutput.Add(output.Name, Names.Fresh($"{output.Name}Tensor"));
    }

    public KernelProgram Kernel { get; }

    public GpuPlan Plan { get; }

    /// <summary>The names that are taken in the kernel.</summary>
    public Names Names { get; }

    /// <summary>The dimension whose parts different blocks may have; or null.</summary>
    public string? Split { get; }

    public bool IsBackward => Kernel.IsBackward;

    /// <summary>Whether it walks with empty states, and gives what decays others.</summary>
    public bool IsSegment => Kernel.Decays is not null;

    /// <summary>Whether it keeps the states carried into each chunk.</summary>
    public bool KeepsStates => !IsBackward && !IsSegment;

    private IEnumerable<ProgramInput> Used => program.Inputs.Where(input => Plan.Needed.Contains(input.Id));

    /// <summary>What there is of each token.</summary>
    public IEnumerable<ProgramInput> Tokens => Used.Where(input => GpuPrograms.IsPerToken(declaration, input));

    /// <summary>A row for each token: what comes as tiles.</summary>
    public IEnumerable<ProgramInput> Tiles => Tokens.Where(input => Plan.PlaceOf(input.Id) == Place.Tile);

    /// <summary>A number for each token.</summary>
    public IEnumerable<ProgramInput> Lines => Tokens.Where(IsLine);

    public IEnumerable<ProgramInput> PerHead => Used.Where(input => HasRole(input, ParameterRole.PerHead));

    public IEnumerable<ProgramInput> Scales => Used.Where(input => HasRole(input, ParameterRole.Scale));

    /// <summary>Numbers that hold for the whole sequence.</summary>
    public IEnumerable<ProgramInput> Numbers => PerHead.Concat(Scales).Where(input => Plan.PlaceOf(input.Id) == Place.Scalar);

    /// <summary>The states that the forward walk kept.</summary>
    public IEnumerable<ProgramInput> Kept => Used.Where(input => input.Kind == InputKind.State);

    public IEnumerable<ProgramInput> KeptTiles => Kept.Where(input => !IsLine(input));

    public IEnumerable<ProgramInput> KeptLines => Kept.Where(IsLine);

    public IEnumerable<(ProgramInput Input, ProgramOutput Next)> Carried => program.Carried.Zip(program.Next, (input, next) => (input, next));

    public IEnumerable<(ProgramInput Input, ProgramOutput Next)> CarriedTiles => Carried.Where(carried => !IsLine(carried.Input));

    public IEnumerable<(ProgramInput Input, ProgramOutput Next)> CarriedLines => Carried.Where(carried => IsLine(carried.Input));

    /// <summary>Lines that there are all along: vectors per head, carried vectors, and vectors kept of a chunk.</summary>
    public IEnumerable<ProgramInput> StandingLines => PerHead.Where(IsLine).Concat(program.Carried.Where(IsLine)).Concat(KeptLines);

    private IEnumerable<string> TypeParameters => ["TBlock", "TChunk", "TAhead", .. Plan.Dimensions.Select(GpuBody.Size), "TElement", "TGate"];

    public string Generics => string.Join(", ", TypeParameters);

    public IEnumerable<string> Constraints => TypeParameters.Select(type => $"where {type} : struct, {(type switch { "TElement" or "TGate" => "IElement", "TBlock" => "IBlock", _ => "ISize" })}");

    /// <summary>The kernel's parameters as C#.</summary>
    public IEnumerable<string> Parameters => Roles.Select(role => Scales.FirstOrDefault(scale => Tensor(scale) == role.Parameter) is { } scale ? $"float {Local(scale)}" : $"GpuTensor {role.Parameter}");

    /// <summary>What the caller passes for each parameter.</summary>
    private IEnumerable<(string Role, string Of, string Parameter)> Roles
    {
        get
        {
            foreach (var input in Tokens) yield return input.Kind == InputKind.OutputGradient ? ("OutputGradient", Declared(input.Name), Tensor(input)) : ("Argument", input.Name, Tensor(input));
            foreach (var input in PerHead.Concat(Scales)) yield return ("Argument", input.Name, Tensor(input));
            foreach (var output in program.Outputs) yield return IsBackward ? ("ArgumentGradient", Declared(output.Name), Tensor(output)) : ("Output", output.Name, Tensor(output));
            foreach (var input in program.Carried)
            {
                var state = StateOf(input);
                if (HasKept(input)) yield return ("KeptState", state, KeptTensor(state));
                if (!IsSegment) yield return (IsBackward ? "FinalStateGradient" : "InitialState", state, Incoming(input));
                yield return Kernel.Decays?.TryGetValue(input.Name, out var of) == true ? ("StateDecay", IsBackward ? Declared(of) : of, Outgoing(input))
                    : (IsBackward ? "InitialStateGradient" : "FinalState", state, Outgoing(input));
            }
        }
    }

    /// <summary>The tensors of which a block has a part of the columns, with the types of their elements.</summary>
    public IEnumerable<(string Tensor, string Element)> SplitTensors
    {
        get
        {
            if (Split is null) yield break;
            foreach (var input in Tiles.Where(input => IsSplit(input.Id))) yield return (Tensor(input), Element(input));
            foreach (var input in PerHead.Where(input => IsSplit(input.Id))) yield return (Tensor(input), Single);
            foreach (var output in program.Outputs.Where(output => IsSplit(output.Id))) yield return (Tensor(output), IsLine(output.Id) ? Single : Element(output));
            foreach (var (input, _) in Carried.Where(carried => IsSplit(carried.Input.Id)))
            {
                if (HasKept(input)) yield return (KeptTensor(StateOf(input)), IsLine(input) ? Single : "TElement");
                if (!IsSegment) yield return (Incoming(input), Single);
                yield return (Outgoing(input), Single);
            }
        }
    }

    /// <summary>Of states that all splits have whole, the tensors that are the first one's alone: to write to, or to add to a sum.</summary>
    public IEnumerable<string> TensorsOfFirst
    {
        get
        {
            foreach (var (input, _) in Carried.Where(carried => Split is not null && !IsSplit(carried.Input.Id)))
            {
                if (!IsBackward && HasKept(input)) yield return KeptTensor(StateOf(input));
                if (!IsBackward) yield return Outgoing(input);
                else if (!IsSegment) yield return Incoming(input);
            }
        }
    }

    /// <summary>Writes how the launcher sees the kernel.</summary>
    public void Describe(CodeWriter code, string end)
    {
        var dimensions = string.Join(", ", Plan.Dimensions.Select(dimension => $"\"{dimension}\""));
        code.Line($"{Kernel.Name}: new GpuKernel(typeof(GpuCode), nameof({Kernel.Name}), [{dimensions}], {(Split is null ? "null" : $"\"{Split}\"")},");
        var about = isByChannel ? "IsByChannel = true" : $"Products = [{string.Join(", ", Products.Select(sizes => $"({string.Join(", ", sizes.Select(Quoted))})"))}]";
        code.Line("[").Indented(() => code.Lines(Roles.Select(role => $"new(GpuRole.{role.Role}, \"{role.Of}\"),"))).Line($"]) {{ {about} }}{end}");

        static string Quoted(string dimension) => $"\"{(dimension == Dim.Time ? "C" : dimension)}\"";
    }

    /// <summary>The matrix products of a chunk: rows, columns and inner dimension of each. An inverse takes as much as a product.</summary>
    private IEnumerable<string[]> Products =>
        from tile in program.Instructions
        where Plan.Needed.Contains(tile.Id)
        let left = tile.Operands.Count > 0 ? program[tile.Operands[0]].Shape : tile.Shape
        where tile.Op is TileOp.MatMul or TileOp.DecayedDot or TileOp.DecayedMix or TileOp.DecayedMixTransposed or TileOp.InverseUnitLower
        select new[] { tile.Shape.Rows, tile.Shape.Columns, tile.TransposeLeft ? left.Rows : left.Columns };

    public string Tensor(ProgramInput input) => input.Kind == InputKind.State ? KeptTensor(input.Name) : tensorOfInput[input.Id];

    public string Tensor(ProgramOutput output) => tensorOfOutput[output.Name];

    public string KeptTensor(string state) => $"kept{state}";

    /// <summary>The tensor from which a walk takes what it carries.</summary>
    public string Incoming(ProgramInput carried) => $"{(IsBackward ? "dFinal" : "initial")}{StateOf(carried)}";

    /// <summary>The tensor to which a walk gives what it has carried.</summary>
    public string Outgoing(ProgramInput carried) => $"{(IsBackward ? "dInitial" : "final")}{StateOf(carried)}";

    public string Local(ProgramInput input) => locals[input.Id];

    /// <summary>Where the places of a tile of tokens begin.</summary>
    public string Places(ProgramInput tile) => $"{Bare(tile)}Places";

    /// <summary>The copy of a carried tile in shared memory that products take.</summary>
    public string Stored(ProgramInput carried) => $"{Bare(carried)}Stored";

    /// <summary>Numbers of the tokens to come.</summary>
    public string Arriving(ProgramInput input) => $"arriving{Bare(input)}";

    public string Element(ProgramInput input) => input.Kind == InputKind.Argument && IsGate(input.Name) ? "TGate" : "TElement";

    public string Element(ProgramOutput output) => IsBackward && IsGate(Declared(output.Name)) ? "TGate" : "TElement";

    /// <summary>The row of a result's tensor for the chunk's first token: of its own, where each split has a part of a result, the sum of which it is.</summary>
    public string Row(ProgramOutput output, string element) => $"{Tensor(output)}.Row<{element}>(first + start, {HeadOf(output.Id)})";

    /// <summary>The head, and of how many, that a block writes a result for: one of its own, where each split has a part of a sum.</summary>
    public string HeadOf(int result) => IsBackward && !IsSplit(result) ? "(split * heads) + head, splits * heads" : "head, heads";

    /// <summary>The size of a state's rows.</summary>
    public string RowsOf(ProgramInput state) => SizeOf(program[state.Id].Shape.Rows);

    /// <summary>The size of a dimension: the columns of a tensor that has them, or the features of so many.</summary>
    public string SizeOf(string dimension) => FeatureDimension.Parse(dimension) is var (map, of)
        ? $"Features.Count<{map}Map>({SizeOf(of)})"
        : $"{Tensor(Tiles.First(input => program[input.Id].Shape.Columns == dimension))}.Columns";

    /// <summary>Whether a result is the gradient of what is per head, a sum over all tokens.</summary>
    public bool IsPerHead(ProgramOutput output) =>
        IsBackward && declaration.Parameters.Any(parameter => parameter.Name == Declared(output.Name) && parameter.Role == ParameterRole.PerHead);

    public bool IsLine(ProgramInput input) => IsLine(input.Id);

    public bool IsLine(int id) => Plan.PlaceOf(id) == Place.Line;

    private bool IsSplit(int id) => program[id].Shape.Columns == Split;

    private bool HasKept(ProgramInput carried) => KeepsStates || Kept.Any(kept => IsBackward && kept.Name == StateOf(carried));

    private bool IsGate(string argument) => declaration.Parameters.Any(parameter => parameter.Name == argument && parameter is { IsLogDecay: true, Role: ParameterRole.Token });

    private bool HasRole(ProgramInput input, ParameterRole role) =>
        input.Kind == InputKind.Argument && declaration.Parameters.Any(parameter => parameter.Name == input.Name && parameter.Role == role);

    private string StateOf(ProgramInput carried) => IsBackward ? Declared(carried.Name) : carried.Name;

    private string Bare(ProgramInput input) => locals[input.Id].TrimStart('@');

    /// <summary>The name of what a gradient is of.</summary>
    private static string Declared(string gradient) => gradient.Substring(1);
}
