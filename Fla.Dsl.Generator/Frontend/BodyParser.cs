using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>
/// Parses the body of Step, by Roslyn's operations, into static single assignment: each assignment to a state is an update with a
/// version of its own, and locals are put in where they are used.
/// </summary>
internal sealed class BodyParser
{
    private readonly SemanticModel model;
    private readonly Func<SyntaxNodeOrToken, RelativeSpan> span;
    private readonly Dictionary<string, Parameter> parameters;
    private readonly Dictionary<string, StateParameter> states;
    private readonly CancellationToken cancellation;

    private readonly Dictionary<string, int> versions = [];
    private readonly Dictionary<string, Expr> locals = [];
    private readonly List<StateUpdate> updates = [];
    private Expr? output;

    public BodyParser(SemanticModel model, Func<SyntaxNodeOrToken, RelativeSpan> span, IEnumerable<Parameter> parameters, IEnumerable<StateParameter> states, CancellationToken cancellation)
    {
        (this.model, this.span, this.cancellation) = (model, span, cancellation);
        this.parameters = parameters.ToDictionary(parameter => parameter.Name);
        this.states = states.ToDictionary(state => state.Name);
    }

    /// <summary>The updates and the output, or null where C# itself already reports an error in the body.</summary>
    public (EquatableArray<StateUpdate> Updates, Expr Output)? Parse(MethodDeclarationSyntax step, string container)
    {
        if (model.GetOperation(step, cancellation) is not IMethodBodyOperation method) throw Fail(Rules.Return, step.Identifier, container, "it has no body");
        var body = method.BlockBody ?? method.ExpressionBody!;
        if (Language.TypeOf(((IMethodSymbol)model.GetDeclaredSymbol(step, cancellation)!).ReturnType) is not { Kind: not TermKind.Matrix } result)
            throw Fail(Rules.Return, step.ReturnType, container, $"it returns '{step.ReturnType}'");
        if (body.Descendants().Any(operation => operation is IInvalidOperation)) return null;

        foreach (var statement in body.Operations) Parse(statement);
        if (output is null) throw Fail(Rules.Return, step.Identifier, container, "it has no 'return'");
        return (updates.ToEquatableArray(), output.Type == result ? output : throw Fail(Rules.Return, step.ReturnType, container, $"it gives a {output.Type}"));
    }

    private void Parse(IOperation statement)
    {
        switch (statement)
        {
            case IExpressionStatementOperation { Operation: ISimpleAssignmentOperation assignment }:
                Assign(assignment.Target, Term(assignment.Value), assignment.Syntax);
                break;
            case IExpressionStatementOperation { Operation: ICompoundAssignmentOperation compound }:
                if (!Language.IsOperator(compound.OperatorMethod, out var operation)) throw Unsupported(Rules.Statement, compound.Syntax);
                Assign(compound.Target, Combine(operation, Term(compound.Target), Term(compound.Value), TypeOf(compound.OperatorMethod!.ReturnType, compound.Syntax), compound.Syntax), compound.Syntax);
                break;
            case IVariableDeclarationGroupOperation group:
                foreach (var variable in group.Declarations.SelectMany(declaration => declaration.Declarators))
                {
                    if (variable.GetVariableInitializer() is not { } initializer) throw Unsupported(Rules.Statement, variable.Syntax);
                    locals[variable.Symbol.Name] = Term(initializer.Value);
                }

                break;
            case IReturnOperation { ReturnedValue: { } value }:
                output = Term(value);
                break;
            default:
                throw Unsupported(Rules.Statement, statement.Syntax);
        }
    }

    private void Assign(IOperation target, Expr value, SyntaxNode place)
    {
        switch (target)
        {
            case IParameterReferenceOperation parameter when states.TryGetValue(parameter.Parameter.Name, out var state):
                var version = versions[state.Name] = Version(state.Name) + 1;
                updates.Add(new StateUpdate(state.Name, version, value));
                break;
            case ILocalReferenceOperation local:
                locals[local.Local.Name] = value;
                break;
            default:
                throw Unsupported(Rules.Statement, place);
        }
    }

    private Expr Term(IOperation operation)
    {
        if (operation.ConstantValue is { HasValue: true, Value: { } constant } && constant is double or int or float or long)
            return new ConstantExpr(Convert.ToDouble(constant)) { Span = span(operation.Syntax) };
        switch (operation)
        {
            case IParenthesizedOperation parenthesized:
                return Term(parenthesized.Operand);
            case IConversionOperation conversion when Language.TypeOf(conversion.Type) is not null:
                return Term(conversion.Operand);
            case IParameterReferenceOperation { Parameter: var parameter }:
                return parameters.TryGetValue(parameter.Name, out var argument)
                    ? new ArgumentExpr(argument.Name, argument.Role, argument.Type) { Span = span(operation.Syntax) }
                    : new StateExpr(parameter.Name, Version(parameter.Name), states[parameter.Name].Type) { Span = span(operation.Syntax) };
            case ILocalReferenceOperation local when locals.TryGetValue(local.Local.Name, out var value):
                return value with { Span = span(operation.Syntax) };
            case IUnaryOperation { OperatorKind: UnaryOperatorKind.Minus } unary:
                var negated = Term(unary.Operand);
                return new UnaryExpr(UnaryFunction.Negate, negated, negated.Type) { Span = span(operation.Syntax) };
            case IBinaryOperation binary when Language.IsOperator(binary.OperatorMethod, out var symbol):
                return Combine(symbol, Term(binary.LeftOperand), Term(binary.RightOperand), TypeOf(binary.Type, operation.Syntax), operation.Syntax);
            case IInvocationOperation invocation:
                return Call(invocation);
            default:
                throw Unsupported(Rules.Expression, operation.Syntax);
        }
    }

    private Expr Call(IInvocationOperation invocation)
    {
        var method = invocation.TargetMethod;
        var arguments = invocation.Arguments.OrderBy(argument => argument.Parameter!.Ordinal).Select(argument => argument.Value).ToList();
        var place = span(invocation.Syntax);
        TermType Type() => TypeOf(invocation.Type, invocation.Syntax);
        if (Language.IsFunction(method, out var function)) return new UnaryExpr(function, Term(arguments[0]), Type()) { Span = place };
        if (Language.Is(method, "Outer")) return new OuterExpr(Term(arguments[0]), Term(arguments[1]), Type()) { Span = place };
        if (Language.Is(method, "Dot")) return new DotExpr(Term(arguments[0]), Term(arguments[1]), Type()) { Span = place };
        if (Language.Is(method, "L2Normalize")) return Normalized(Term(arguments[0]), Term(arguments[1]), place);
        throw Unsupported(Rules.Expression, invocation.Syntax);
    }

    /// <summary><c>x / sqrt(sum x^2 + epsilon)</c>.</summary>
    private static Expr Normalized(Expr x, Expr epsilon, RelativeSpan place)
    {
        var squares = new UnaryExpr(UnaryFunction.Sum, new UnaryExpr(UnaryFunction.Square, x, x.Type), TermType.Scalar);
        var norm = new UnaryExpr(UnaryFunction.Sqrt, new BinaryExpr(BinaryOperator.Add, squares, epsilon, TermType.Scalar), TermType.Scalar);
        return new BinaryExpr(BinaryOperator.Divide, x, norm, x.Type) { Span = place };
    }

    private Expr Combine(BinaryOperator operation, Expr left, Expr right, TermType type, SyntaxNode place) => new BinaryExpr(operation, left, right, type) { Span = span(place) };

    private int Version(string state) => versions.TryGetValue(state, out var version) ? version : 0;

    private TermType TypeOf(ITypeSymbol? type, SyntaxNode place) => Language.TypeOf(type) ?? throw Unsupported(Rules.Expression, place);

    private DeclarationException Unsupported(DiagnosticDescriptor rule, SyntaxNode place) => Fail(rule, place, $"'{FirstLine(place)}'");

    private static string FirstLine(SyntaxNode place)
    {
        var text = place.ToString();
        var end = text.IndexOfAny(['\r', '\n']);
        return end < 0 ? text : text.Substring(0, end) + " ...";
    }

    private DeclarationException Fail(DiagnosticDescriptor rule, SyntaxNodeOrToken place, params string[] arguments) => new(rule, span(place), arguments);
}
