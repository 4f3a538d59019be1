using System.Globalization;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>Writes a term as the user would, for messages and dumps.</summary>
internal static class ExpressionText
{
    public static string Of(Expr expression) => expression switch
    {
        ConstantExpr constant => constant.Value.ToString("R", CultureInfo.InvariantCulture),
        ArgumentExpr argument => argument.Name,
        StateExpr state => state.Name,
        UnaryExpr { Function: UnaryFunction.Negate } negation => $"-{Of(negation.Operand)}",
        UnaryExpr unary => $"{unary.Function}({Of(unary.Operand)})",
        BinaryExpr { Operator: BinaryOperator.LogAddExp } sum => $"LogAddExp({Of(sum.Left)}, {Of(sum.Right)})",
        BinaryExpr { Operator: BinaryOperator.Add, Right: UnaryExpr { Function: UnaryFunction.Negate, Operand: var taken } } difference =>
            $"{Of(difference.Left)} - {(taken is BinaryExpr { Operator: BinaryOperator.Add or BinaryOperator.Subtract } ? $"({Of(taken)})" : Of(taken))}",
        BinaryExpr binary => $"{Operand(binary.Left, binary)} {Symbol(binary.Operator)} {Operand(binary.Right, binary)}",
        OuterExpr outer => $"Outer({Of(outer.Rows)}, {Of(outer.Columns)})",
        DotExpr dot => $"Dot({Of(dot.Left)}, {Of(dot.Right)})",
        ReadExpr { Query: ConstantExpr } read => read.Snapshot.State,
        ReadExpr { ByColumns: true, Snapshot.IsVector: false } read => $"Dot({read.Snapshot.State}, {Of(read.Query)})",
        ReadExpr read => $"Dot({Of(read.Query)}, {read.Snapshot.State})",
        _ => expression.GetType().Name,
    };

    private static string Operand(Expr operand, BinaryExpr parent) =>
        operand is BinaryExpr child && Binding(child.Operator) < Binding(parent.Operator) ? $"({Of(operand)})" : Of(operand);

    private static int Binding(BinaryOperator operation) => operation switch
    {
        BinaryOperator.Add or BinaryOperator.Subtract => 0,
        BinaryOperator.Multiply or BinaryOperator.Divide => 1,
        _ => 2,
    };

    private static char Symbol(BinaryOperator operation) => operation switch
    {
        BinaryOperator.Add => '+',
        BinaryOperator.Subtract => '-',
        BinaryOperator.Multiply => '*',
        _ => '/',
    };
}
