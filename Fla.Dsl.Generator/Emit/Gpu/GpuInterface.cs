using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// What comes to a kernel and what it gives: by which names, in which order, of which types, and from where in the tensors.
/// </summary>
internal sealed partial class GpuInterface
{
    private const string Single = "SingleElement";

    private static readonly string[] OfAll =
        ["tokens", "head", "heads", "sequence", "split", "splits", "first", "firstRow", "rows", "start", "next", "offsets", "shared", "i"];

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
        (this.declaration, program, Kernel) = (declaration, kernel.Program, kernel);
        (Split, isByChannel) = (programs.Split, programs.IsByChannel);
        Names = new Names([.. OfAll, .. isByChannel ? OfChannels : OfChunks]);
        Plan = new GpuPlan(program, program.Inputs.Where(IsGate).Select(input => input.Id));
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

    public IEnumerable<(ProgramInput Input, ProgramOutput Next)> Carried =>
        program.Carried.Zip(program.Next, (input, next) => (input, next));

    public IEnumerable<(ProgramInput Input, ProgramOutput Next)> CarriedTiles => Carried.Where(carried => !IsLine(carried.Input));

    public IEnumerable<(ProgramInput Input, ProgramOutput Next)> CarriedLines => Carried.Where(carried => IsLine(carried.Input));

    /// <summary>Lines that there are all along: vectors per head, carried vectors, and vectors kept of a chunk.</summary>
    public IEnumerable<ProgramInput> StandingLines => PerHead.Where(IsLine).Concat(program.Carried.Where(IsLine)).Concat(KeptLines);

    /// <summary>The tensors of which a block has a part of the columns, with the types of their elements.</summary>
    public IEnumerable<(string Tensor, string Element)> SplitTensors
    {
        get
        {
            if (Split is null) yield break;
            foreach (var input in Tiles.Where(input => IsSplit(input.Id))) yield return (Tensor(input), Element(input));
            foreach (var input in PerHead.Where(input => IsSplit(input.Id))) yield return (Tensor(input), Single);
            foreach (var output in program.Outputs.Where(output => IsSplit(output.Id)))
                yield return (Tensor(output), IsLine(output.Id) ? Single : Element(output));
            foreach (var (input, _) in Carried.Where(carried => IsSplit(carried.Input.Id)))
            {
                if (HasKept(input)) yield return (KeptTensor(StateOf(input)), IsLine(input) ? Single : "TElement");
                if (!IsSegment) yield return (Incoming(input), Single);
                yield return (Outgoing(input), Single);
            }
        }
    }

    /// <summary>
    /// Of states that all splits have whole, the tensors that are the first one's alone: to write to, or to add to a sum.
    /// </summary>
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

    public string Element(ProgramInput input) => IsGate(input) ? "TGate" : "TElement";

    public string Element(ProgramOutput output) => IsBackward && IsGate(Declared(output.Name)) ? "TGate" : "TElement";

    /// <summary>
    /// The row of a result's tensor for the chunk's first token: of its own, where each split has a part of a result, the sum of which it
    /// is.
    /// </summary>
    public string Row(ProgramOutput output, string element) => $"{Tensor(output)}.Row<{element}>(first + start, {HeadOf(output.Id)})";

    /// <summary>
    /// The head, and of how many, that a block writes a result for: one of its own, where each split has a part of a sum.
    /// </summary>
    public string HeadOf(int result) => IsBackward && !IsSplit(result) ? "(split * heads) + head, splits * heads" : "head, heads";

    /// <summary>The size of a state's rows.</summary>
    public string RowsOf(ProgramInput state) => SizeOf(program[state.Id].Shape.Rows);

    /// <summary>The size of a dimension: the columns of a tensor that has them, or the features of so many.</summary>
    public string SizeOf(string dimension) => FeatureDimension.Parse(dimension) is var (map, of)
        ? $"Features.Count<{map}Map>({SizeOf(of)})"
        : $"{Tensor(Tiles.First(input => program[input.Id].Shape.Columns == dimension))}.Columns";

    /// <summary>Whether a result is the gradient of what is per head, a sum over all tokens.</summary>
    public bool IsPerHead(ProgramOutput output) =>
        IsBackward && declaration.RoleOf(Declared(output.Name)) == ParameterRole.PerHead;

    public bool IsLine(ProgramInput input) => IsLine(input.Id);

    public bool IsLine(int id) => Plan.PlaceOf(id) == Place.Line;

    private bool IsSplit(int id) => program[id].Shape.Columns == Split;

    private bool HasKept(ProgramInput carried) => KeepsStates || Kept.Any(kept => IsBackward && kept.Name == StateOf(carried));

    private bool IsGate(ProgramInput input) => input.Kind == InputKind.Argument && IsGate(input.Name);

    private bool IsGate(string argument) =>
        declaration.Parameters.Any(parameter => parameter is { IsLogDecay: true, Role: ParameterRole.Token } && parameter.Name == argument);

    private bool HasRole(ProgramInput input, ParameterRole role) =>
        input.Kind == InputKind.Argument && declaration.RoleOf(input.Name) == role;

    private string StateOf(ProgramInput carried) => IsBackward ? Declared(carried.Name) : carried.Name;

    private string Bare(ProgramInput input) => locals[input.Id].TrimStart('@');

    /// <summary>The name of what a gradient is of.</summary>
    private static string Declared(string gradient) => gradient.Substring(1);
}
