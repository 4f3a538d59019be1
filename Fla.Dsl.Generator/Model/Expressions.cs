namespace Fla.Dsl.Generator.Model;

/// <summary>The dimensions the compiler itself knows; every other one is the name of the declaration's phantom type.</summary>
internal static class Dim
{
    public const string One = "1";

    /// <summary>The tokens of a chunk. Not a C# name, so that no user's dimension can be mistaken for it.</summary>
    public const string Time = "[C]";

    /// <summary>The elements of a matrix in a row, row by row.</summary>
    public static string Product(string rows, string columns) => $"{rows}*{columns}";

    /// <summary>The dimensions whose product it is; itself alone if it is none.</summary>
    public static string[] Factors(string dimension) => dimension.Split('*');
}

internal enum TermKind
{
    Scalar,
    Vector,
    Matrix,
}

/// <summary>The type of an expression. A vector lies in a row: <see cref="Rows"/> is 1 and <see cref="Columns"/> its dimension.</summary>
internal sealed record TermType(TermKind Kind, string Rows, string Columns)
{
    public static readonly TermType Scalar = new(TermKind.Scalar, Dim.One, Dim.One);

    public static TermType Vector(string dimension) => new(TermKind.Vector, Dim.One, dimension);

    public static TermType Matrix(string rows, string columns) => new(TermKind.Matrix, rows, columns);

    public override string ToString() => Kind switch
    {
        TermKind.Scalar => "Scalar",
        TermKind.Vector => $"Vec<{Columns}>",
        _ => $"Mat<{Rows}, {Columns}>",
    };
}

/// <summary>A term of a declaration, after parsing: a pure function of the token's arguments and of states at some point of the token.</summary>
internal abstract record Expr(TermType Type)
{
    public RelativeSpan Span { get; init; }
}

internal sealed record ConstantExpr(double Value) : Expr(TermType.Scalar);

internal sealed record ArgumentExpr(string Name, ParameterRole Role, TermType Type) : Expr(Type);

/// <summary>A state as it is after its <paramref name="Version"/>-th assignment in the token; 0 is how the token before left it.</summary>
internal sealed record StateExpr(string Name, int Version, TermType Type) : Expr(Type);

internal enum UnaryFunction
{
    Negate,
    Exp,
    Log,
    Sqrt,
    Square,
    Sigmoid,
    LogSigmoid,
    Tanh,
    Relu,
    Silu,
    Softplus,
    Softmax,
    Sum,

    /// <summary>The feature maps, see <see cref="FeatureMap"/>.</summary>
    Quadratic,
    Taylor2,
}

internal sealed record UnaryExpr(UnaryFunction Function, Expr Operand, TermType Type) : Expr(Type);

internal enum BinaryOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    LogAddExp,
}

/// <summary>Elementwise; a vector left of a matrix stands for its rows, right of it for its columns.</summary>
internal sealed record BinaryExpr(BinaryOperator Operator, Expr Left, Expr Right, TermType Type) : Expr(Type);

/// <summary>The matrix <c>Rows Columns^T</c>.</summary>
internal sealed record OuterExpr(Expr Rows, Expr Columns, TermType Type) : Expr(Type);

/// <summary>A contraction: of two vectors, of a vector with a matrix's rows, or of a matrix's columns with a vector.</summary>
internal sealed record DotExpr(Expr Left, Expr Right, TermType Type) : Expr(Type);

/// <summary>
/// What analysis makes of looking at a state: <c>Query^T Snapshot</c>, or <c>Snapshot Query</c> where the query meets the columns. The
/// snapshot says how far into the token it is taken.
/// </summary>
internal sealed record ReadExpr(Expr Query, Analysis.AffineState Snapshot, bool ByColumns, TermType Type) : Expr(Type);
