using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>What the compiler cannot take: in words, and where to point.</summary>
internal static class Unsupported
{
    public static (string Words, SyntaxNodeOrToken Place) Statement(IOperation statement) => statement switch
    {
        ILocalFunctionOperation { Syntax: LocalFunctionStatementSyntax function } => ($"the local function '{function.Identifier}'", function.Identifier),
        IConditionalOperation or ILoopOperation or ISwitchOperation or ITryOperation or IUsingOperation or ILockOperation or IThrowOperation when statement.Syntax is StatementSyntax =>
            ($"'{statement.Syntax.GetFirstToken()}'", statement.Syntax.GetFirstToken()),
        _ => (Quoted(statement.Syntax), statement.Syntax),
    };

    public static (string Words, SyntaxNodeOrToken Place) Expression(IOperation expression) => (expression switch
    {
        IInvocationOperation call => $"a call of '{call.TargetMethod.Name}'",
        IFieldReferenceOperation { Field.IsConst: false } => $"the field {Quoted(expression.Syntax)}, which is not 'const'",
        ILocalReferenceOperation local => $"the variable '{local.Local.Name}', which has no value yet,",
        IConversionOperation { IsImplicit: false } => $"the conversion {Quoted(expression.Syntax)}",
        _ => Quoted(expression.Syntax),
    }, expression.Syntax);

    private static string Quoted(SyntaxNode place)
    {
        var text = place.ToString();
        var end = text.IndexOfAny(['\r', '\n']);
        return $"'{(end < 0 ? text : text.Substring(0, end) + " ...")}'";
    }
}
