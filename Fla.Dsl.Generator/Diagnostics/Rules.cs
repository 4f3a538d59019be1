using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Diagnostics;

/// <summary>Every mistake the compiler can name. Each has a page <c>docs/diagnostics/FLAxxxx.md</c>.</summary>
internal static class Rules
{
    public static readonly DiagnosticDescriptor Container = Error("FLA0001", "The declaring class is not static and partial",
        "The class '{0}' declares a recurrence and must be {1}");

    public static readonly DiagnosticDescriptor GenericContainer = Error("FLA0002", "The declaring class is generic",
        "The class '{0}' has type parameters, which a declared recurrence and the classes around it cannot have: name dimensions by Vec<>, Mat<,> and State<,>, which take any size");

    public static readonly DiagnosticDescriptor Step = Error("FLA0003", "No single static method Step",
        "The class '{0}' declares a recurrence and must have one 'static' method named 'Step'; it has {1}");

    public static readonly DiagnosticDescriptor ParameterType = Error("FLA0004", "A parameter is of an unknown type",
        "The parameter '{0}' is {1}; an argument is a Vec<>, a Scalar or a [PerHead] Mat<,>, and a state a 'ref State<,>' or a 'ref State<>'");

    public static readonly DiagnosticDescriptor StateByReference = Error("FLA0005", "A state is not passed by reference",
        "The state '{0}' must be passed by reference: write 'ref {1} {0}'");

    public static readonly DiagnosticDescriptor NoState = Error("FLA0006", "No state",
        "The method 'Step' of '{0}' has no state: a recurrence takes at least one 'ref State<,>' or 'ref State<>'");

    public static readonly DiagnosticDescriptor Return = Error("FLA0007", "Nothing is returned",
        "The method 'Step' of '{0}' must end with 'return' and give a Vec<> or a Scalar, the token's output; {1}");

    public static readonly DiagnosticDescriptor Attribute = Error("FLA0008", "An attribute does not fit its parameter",
        "The parameter '{0}' cannot be [{1}]: {2}");

    public static readonly DiagnosticDescriptor Dimension = Error("FLA0009", "A dimension that no argument has",
        "The dimension '{0}' of the {1} is the dimension of no argument, so that its size is unknown: take it from an argument, such as a Vec<{0}>");

    public static readonly DiagnosticDescriptor Statement = Error("FLA0010", "An unsupported statement",
        "The compiler cannot take {0} in 'Step': a body is made of assignments, local variables and a final 'return'");

    public static readonly DiagnosticDescriptor Expression = Error("FLA0011", "An unsupported expression",
        "The compiler cannot take {0} in 'Step': use the operators of Vec, Mat, State and Scalar, numbers, and the functions of Recurrences");

    public static readonly DiagnosticDescriptor StateNotAssigned = Error("FLA0012", "A state is never assigned",
        "The state '{0}' is never assigned: give it its new value, such as '{0} = {0} + Outer(k, v)', or remove it");

    public static readonly DiagnosticDescriptor StateForgotten = Error("FLA0013", "A state does not depend on itself",
        "The new value of the state '{0}' does not depend on the old one, so that nothing is carried from token to token: add to it, or decay it by Exp of a gate");

    public static readonly DiagnosticDescriptor Nonlinear = Error("FLA0014", "A state is used nonlinearly",
        "The term {1} is not linear in the state '{0}': a state may be decayed, added to, and read by Dot with a vector");

    public static readonly DiagnosticDescriptor Gate = Error("FLA0015", "A gate outside Exp",
        "The state '{0}' is multiplied by {1}, which is not known to be positive: a gate is a [LogDecay] argument inside Exp, as in 'Exp(g) * {0}', or a [PerHead] scalar");

    public static readonly DiagnosticDescriptor Feedback = Error("FLA0016", "A write that cannot be solved for a chunk",
        "What is written to the state '{0}' looks back at the state in a way that has no chunk form: {1}");

    public static readonly DiagnosticDescriptor Coupled = Error("FLA0017", "States that need each other",
        "The states {0} are written from reads of each other, which has no order to compute them in: let one of them be written from arguments alone");

    public static readonly DiagnosticDescriptor MatrixDecay = Warning("FLA0018", "A decay that has no chunk form",
        "The state '{0}' decays by the matrix {1} in a way that has no chunk form, so that only FusedRecurrent and Step are generated: {2}");

    public static readonly DiagnosticDescriptor Unused = Warning("FLA0019", "An argument is never used",
        "The argument '{0}' is never used: its gradient is always zero");

    public static readonly DiagnosticDescriptor AmbiguousDimension = Error("FLA0020", "Two dimensions of one name",
        "The dimensions '{0}' and '{1}' are two types of one name, and a dimension is known by its name: rename one of them");

    public static readonly DiagnosticDescriptor TakenName = Error("FLA0021", "A name that the generated code needs",
        "The name '{0}' is taken: {1}");

    public static readonly DiagnosticDescriptor NoTokens = Error("FLA0022", "No argument per token",
        "The method 'Step' of '{0}' has no argument per token, so that nothing says how long a sequence is: take a Vec<> or a Scalar that is neither [PerHead] nor [Scale]");

    public static readonly DiagnosticDescriptor Internal = Error("FLA0099", "The compiler failed",
        "The compiler failed on '{0}', which is a mistake in Fla.Dsl and not in the declaration: {1}");

    private static readonly Dictionary<string, DiagnosticDescriptor> ById = new[]
    {
        Container, GenericContainer, Step, ParameterType, StateByReference, NoState, Return, Attribute, Dimension, Statement, Expression,
        StateNotAssigned, StateForgotten, Nonlinear, Gate, Feedback, Coupled, MatrixDecay, Unused, AmbiguousDimension, TakenName, NoTokens, Internal,
    }.ToDictionary(rule => rule.Id);

    public static IEnumerable<DiagnosticDescriptor> All => ById.Values;

    public static DiagnosticDescriptor Get(string id) => ById[id];

    private static DiagnosticDescriptor Error(string id, string title, string message) => Make(id, title, message, DiagnosticSeverity.Error);

    private static DiagnosticDescriptor Warning(string id, string title, string message) => Make(id, title, message, DiagnosticSeverity.Warning);

    private static DiagnosticDescriptor Make(string id, string title, string message, DiagnosticSeverity severity) =>
        new(id, title, message, "Fla.Dsl", severity, isEnabledByDefault: true, helpLinkUri: $"https://github.com/fla-dsl/fla-dsl/blob/main/docs/diagnostics/{id}.md");
}
