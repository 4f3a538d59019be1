using CsCheck;
using Fla.Dsl;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops.Tests.Language;

/// <summary>The operators and functions of the language against loops written by hand.</summary>
public class OperatorTests
{
    private static readonly Gen<double> Number = Gen.Double[-3, 3];

    private static readonly Gen<(double[] A, double[] B, double[,] M, double[,] N, double S)> Operands =
        from rows in Gen.Int[1, 5]
        from columns in Gen.Int[1, 5]
        from a in Number.Array[rows]
        from b in Number.Array[columns]
        from m in Number.Array2D[rows, columns]
        from n in Number.Array2D[rows, columns]
        from s in Number
        select (a, b, m, n, s);

    [Fact]
    public void Operators_on_vectors_are_elementwise() => Gen.Select(Number.Array[4], Number.Array[4], Number).Sample((x, y, s) =>
    {
        Vec<K> a = new(x), b = new(y);
        Scalar c = s;
        Same(a + b, i => x[i] + y[i]);
        Same(a - b, i => x[i] - y[i]);
        Same(a * b, i => x[i] * y[i]);
        Same(a / b, i => x[i] / y[i]);
        Same(-a, i => -x[i]);
        Same(c + a, i => s + x[i]);
        Same(a + c, i => x[i] + s);
        Same(c - a, i => s - x[i]);
        Same(a - c, i => x[i] - s);
        Same(c * a, i => s * x[i]);
        Same(a * c, i => x[i] * s);
        Same(c / a, i => s / x[i]);
        Same(a / c, i => x[i] / s);
    });

    [Fact]
    public void Inner_products_of_features_are_polynomials_of_inner_products() => Gen.Select(Number.Array[4], Number.Array[4]).Sample((x, y) =>
    {
        Vec<K> a = new(x), b = new(y);
        var inner = x.Zip(y, (x, y) => x * y).Sum();
        Assert.Equal(inner * inner, (double)Dot(Quadratic(a), Quadratic(b)), 1e-9);
        Assert.Equal(1 + inner + (inner * inner / 2), (double)Dot(Taylor2(a), Taylor2(b)), 1e-9);
    });

    [Fact]
    public void A_vector_scales_rows_from_the_left_and_columns_from_the_right() => Operands.Sample(x =>
    {
        Vec<K> a = new(x.A);
        Vec<V> b = new(x.B);
        Mat<K, V> m = new(x.M);
        State<K, V> state = m;
        Same(a * m, (i, j) => x.A[i] * x.M[i, j]);
        Same(m * b, (i, j) => x.M[i, j] * x.B[j]);
        Same(a * state, (i, j) => x.A[i] * x.M[i, j]);
        Same(state * b, (i, j) => x.M[i, j] * x.B[j]);
    });

    [Fact]
    public void Operators_on_matrices_are_elementwise_and_states_act_as_matrices() => Operands.Sample(x =>
    {
        Mat<K, V> m = new(x.M), n = new(x.N);
        State<K, V> p = m, q = n;
        Scalar s = x.S;
        foreach (var sum in new[] { m + n, p + n, m + q, p + q })
            Same(sum, (i, j) => x.M[i, j] + x.N[i, j]);
        foreach (var difference in new[] { m - n, p - n, m - q, p - q })
            Same(difference, (i, j) => x.M[i, j] - x.N[i, j]);
        foreach (var product in new[] { m * n, p * n, m * q })
            Same(product, (i, j) => x.M[i, j] * x.N[i, j]);
        foreach (var scaled in new[] { s * m, m * s, s * p, p * s })
            Same(scaled, (i, j) => x.S * x.M[i, j]);
        foreach (var quotient in new[] { m / s, p / s })
            Same(quotient, (i, j) => x.M[i, j] / x.S);
        foreach (var negative in new[] { -m, -p })
            Same(negative, (i, j) => -x.M[i, j]);
        Same(Exp(m), (i, j) => Math.Exp(x.M[i, j]));
    });

    [Fact]
    public void Vector_states_act_as_vectors() => Gen.Select(Number.Array[3], Number.Array[3], Number).Sample((x, y, s) =>
    {
        Vec<K> a = new(x), b = new(y);
        State<K> p = a, q = b;
        foreach (var sum in new[] { p + b, a + q, p + q })
            Same(sum, i => x[i] + y[i]);
        foreach (var difference in new[] { p - b, a - q, p - q })
            Same(difference, i => x[i] - y[i]);
        foreach (var product in new[] { p * b, a * q })
            Same(product, i => x[i] * y[i]);
        foreach (var scaled in new[] { s * p, p * s })
            Same(scaled, i => s * x[i]);
        Same(p / s, i => x[i] / s);
        Same(-p, i => -x[i]);
        var dot = x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
        foreach (var inner in new[] { Dot(a, b), Dot(p, b), Dot(a, q) })
            Assert.Equal(dot, (double)inner, 1e-12);
    });

    [Fact]
    public void Outer_writes_and_Dot_reads() => Operands.Sample(x =>
    {
        Vec<K> a = new(x.A);
        Vec<V> b = new(x.B);
        Mat<K, V> m = new(x.M);
        State<K, V> state = m;
        Same(Outer(a, b), (i, j) => x.A[i] * x.B[j]);
        foreach (var read in new[] { Dot(a, m), Dot(a, state) })
            Same(read, j => Enumerable.Range(0, x.A.Length).Sum(i => x.A[i] * x.M[i, j]));
        foreach (var read in new[] { Dot(m, b), Dot(state, b) })
            Same(read, i => Enumerable.Range(0, x.B.Length).Sum(j => x.M[i, j] * x.B[j]));
    });

    [Fact]
    public void Operators_on_scalars_are_those_of_numbers() => Gen.Select(Number, Number).Sample((x, y) =>
    {
        Scalar a = x, b = y;
        Assert.Equal(x + y, (double)(a + b));
        Assert.Equal(x - y, (double)(a - b));
        Assert.Equal(x * y, (double)(a * b));
        Assert.Equal(x / y, (double)(a / b));
        Assert.Equal(1 - x, (double)(1 - a));
        Assert.Equal(-x, (double)-a);
    });

    [Fact]
    public void Functions_are_the_textbook_ones() => Number.Array[4].Sample(x =>
    {
        Vec<K> a = new(x);
        Check(Exp(a), Exp, Math.Exp);
        Check(Sigmoid(a), Sigmoid, x => 1 / (1 + Math.Exp(-x)));
        Check(LogSigmoid(a), LogSigmoid, x => -Math.Log(1 + Math.Exp(-x)));
        Check(Softplus(a), Softplus, x => Math.Log(1 + Math.Exp(x)));
        Check(Tanh(a), Tanh, Math.Tanh);
        Check(Relu(a), Relu, x => Math.Max(x, 0));
        Check(Silu(a), Silu, x => x / (1 + Math.Exp(-x)));
        Check(Square(a), Square, x => x * x);
        Same(Sqrt(a * a), i => Math.Abs(x[i]));
        Same(Log(Exp(a)), i => x[i]);
        Assert.Equal(2.5, (double)Sqrt(6.25));
        Assert.Equal(1, (double)Log(Math.E));
        Assert.Equal(x.Sum(), (double)Sum(a), 1e-12);
        Same(Softmax(a), i => Math.Exp(x[i]) / x.Sum(Math.Exp));
        Same(L2Normalize(a), i => x[i] / Math.Sqrt(x.Sum(x => x * x) + 1e-6));

        void Check(Vec<K> onVector, Func<Scalar, Scalar> onScalar, Func<double, double> expected)
        {
            Same(onVector, i => expected(x[i]));
            Assert.Equal(expected(x[0]), (double)onScalar(x[0]), 1e-12);
        }
    });

    [Fact]
    public void Functions_keep_their_digits_far_out()
    {
        Assert.Equal(-Math.Exp(-50), (double)LogSigmoid(50), 1e-35);
        Assert.Equal(-800, (double)LogSigmoid(-800));
        Assert.Equal(800, (double)Softplus(800));
        Assert.Equal(0, (double)Sigmoid(-800));
        Same(Softmax(new Vec<M>(1000, 1000)), _ => 0.5);
    }

    [Fact]
    public void Sizes_that_differ_are_refused_even_where_one_is_1()
    {
        Vec<K> one = new(1), three = new(1, 2, 3);
        Mat<K, V> m = new(new double[3, 2]);
        Assert.Throws<ArgumentException>(() => one + three);
        Assert.Throws<ArgumentException>(() => one * m);
        Assert.Throws<ArgumentException>(() => m * new Vec<V>(1));
        Assert.Throws<ArgumentException>(() => Dot(one, m));
        Assert.Throws<ArgumentException>(() => Dot(m, new Vec<V>(1, 2, 3)));
        Assert.Throws<ArgumentException>(() => m + new Mat<K, V>(new double[3, 1]));
        Assert.Throws<ArgumentException>(() => new Vec<K>([]));
        Assert.Throws<ArgumentException>(() => new Mat<K, V>(new double[0, 2]));
    }

    [Fact]
    public void A_default_is_refused_by_name()
    {
        Assert.Contains("Vec<K>", Assert.Throws<InvalidOperationException>(() => default(Vec<K>) + 1).Message);
        Assert.Contains("Mat<K, V>", Assert.Throws<InvalidOperationException>(() => -default(Mat<K, V>)).Message);
        Assert.Contains("State<K, M>", Assert.Throws<InvalidOperationException>(() => 2 * default(State<K, M>)).Message);
        Assert.Contains("State<D>", Assert.Throws<InvalidOperationException>(() => -default(State<D>)).Message);
        Assert.Contains("Scalar", Assert.Throws<InvalidOperationException>(() => Exp(default(Scalar))).Message);
    }

    private static void Same(Vec<K> actual, Func<int, double> expected) => Same(actual.ToArray(), expected);

    private static void Same(Vec<V> actual, Func<int, double> expected) => Same(actual.ToArray(), expected);

    private static void Same(Vec<M> actual, Func<int, double> expected) => Same(actual.ToArray(), expected);

    private static void Same(double[] actual, Func<int, double> expected)
    {
        for (var i = 0; i < actual.Length; i++)
            Close(expected(i), actual[i]);
    }

    private static void Same(Mat<K, V> actual, Func<int, int, double> expected)
    {
        for (var i = 0; i < actual.Rows; i++)
            for (var j = 0; j < actual.Columns; j++)
                Close(expected(i, j), actual[i, j]);
    }

    private static void Close(double expected, double actual) => Assert.True(
        expected.Equals(actual) || Math.Abs(expected - actual) <= 1e-12 * Math.Max(1, Math.Abs(expected)),
        $"{actual}, not {expected}");
}
