namespace Fla.Dsl.Numerics;

/// <summary>Elementwise functions with their derivatives, and the few vector functions made of them.</summary>
internal static class Elementwise
{
    public static Value Exp(Value x) => x.Map(Math.Exp, (_, y) => y);

    public static Value Log(Value x) => x.Map(Math.Log, (x, _) => 1 / x);

    public static Value Sqrt(Value x) => x.Map(Math.Sqrt, (_, y) => 0.5 / y);

    public static Value Square(Value x) => x.Map(x => x * x, (x, _) => 2 * x);

    public static Value Sigmoid(Value x) => x.Map(Logistic, (_, y) => y * (1 - y));

    public static Value LogSigmoid(Value x) => x.Map(x => -LogOnePlusExp(-x), (x, _) => Logistic(-x));

    public static Value Tanh(Value x) => x.Map(Math.Tanh, (_, y) => 1 - y * y);

    public static Value Relu(Value x) => x.Map(x => Math.Max(x, 0), (x, _) => x > 0 ? 1 : 0);

    public static Value Silu(Value x) => x * Sigmoid(x);

    public static Value Softplus(Value x) => x.Map(LogOnePlusExp, (x, _) => Logistic(x));

    public static Value LogAddExp(Value x, Value y) => Value.Zip(
        "LogAddExp", x, y, (x, y) => double.IsNegativeInfinity(y) ? x : Math.Max(x, y) + LogOnePlusExp(-Math.Abs(x - y)),
        (x, y) => (double.IsNegativeInfinity(y) ? 1 : Logistic(x - y), double.IsNegativeInfinity(x) ? 1 : Logistic(y - x)));

    /// <summary>The sum of all elements, 1 x 1.</summary>
    public static Value Sum(Value x)
    {
        var overRows = Value.Product(Value.Filled(1, 1, x.Rows), x);
        return Value.Product(overRows, Value.Filled(1, x.Columns, 1));
    }

    public static Value Softmax(Value x)
    {
        // The shift keeps the exponentials finite and drops out of the quotient, so it may count as a constant in the gradient.
        var exponentials = Exp(x - Value.Filled(x.Data.Max(), x.Rows, x.Columns));
        return exponentials / Sum(exponentials).Repeat(x.Rows, x.Columns);
    }

    public static Value L2Normalize(Value x, double epsilon)
    {
        var norm = Sqrt(Sum(x * x) + Value.Number(epsilon));
        return x / norm.Repeat(x.Rows, x.Columns);
    }

    /// <summary>The products of two elements of a column, row by row of the upper triangle; off the diagonal times the square root of 2.</summary>
    public static Value Quadratic(Value x)
    {
        var pairs = Enumerable.Range(0, x.Rows).SelectMany(i => Enumerable.Range(i, x.Rows - i), (i, j) => (I: i, J: j)).ToArray();
        var once = new Value([.. pairs.Select(pair => pair.I == pair.J ? 1 : Math.Sqrt(2))], pairs.Length, 1);
        return x.Pick([.. pairs.Select(pair => pair.I)]) * x.Pick([.. pairs.Select(pair => pair.J)]) * once;
    }

    /// <summary>1, the elements of a column, and <see cref="Quadratic"/> over the square root of 2.</summary>
    public static Value Taylor2(Value x)
    {
        var products = Quadratic(x);
        return Value.Stacked(Value.Number(1), x, products * Value.Filled(Math.Sqrt(0.5), products.Rows, 1));
    }

    private static double Logistic(double x)
    {
        var e = Math.Exp(-Math.Abs(x));
        return x >= 0 ? 1 / (1 + e) : e / (1 + e);
    }

    private static double LogOnePlusExp(double x)
    {
        // Kahan's log(1 + e): the quotient undoes the rounding of 1 + e, so that a tiny e keeps all its digits.
        var e = Math.Exp(-Math.Abs(x));
        var u = 1 + e;
        return Math.Max(x, 0) + (u == 1 ? e : Math.Log(u) * e / (u - 1));
    }
}
