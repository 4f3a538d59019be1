using CsCheck;
using Fla.Dsl;
using Fla.Dsl.Numerics;
using static Fla.Dsl.Recurrences;

namespace Fla.Ops.Tests.Language;

/// <summary>Every gradient rule against central finite differences.</summary>
public class GradientTests
{
    /// <summary>A vector over K, another, one over V, two matrices and a scalar: what the rules below are made of.</summary>
    private sealed record Operands(Value[] Values)
    {
        public Vec<K> A => new(Values[0]);

        public Vec<K> B => new(Values[1]);

        public Vec<V> C => new(Values[2]);

        public Mat<K, V> M => new(Values[3]);

        public Mat<K, V> N => new(Values[4]);

        public Scalar S => new(Values[5]);
    }

    private static readonly Dictionary<string, Func<Operands, ITerm>> Rules = new()
    {
        ["vector + vector"] = x => x.A + x.B,
        ["vector - vector"] = x => x.A - x.B,
        ["vector * vector"] = x => x.A * x.B,
        ["vector / vector"] = x => x.A / x.B,
        ["-vector"] = x => -x.A,
        ["scalar + vector"] = x => x.S + x.A,
        ["vector - scalar"] = x => x.A - x.S,
        ["scalar * vector"] = x => x.S * x.A,
        ["scalar / vector"] = x => x.S / x.A,
        ["vector / scalar"] = x => x.A / x.S,
        ["scalar operators"] = x => (x.S * x.S + 2) / (1 - x.S) - x.S,
        ["matrix + matrix"] = x => x.M + x.N,
        ["matrix - matrix"] = x => x.M - x.N,
        ["matrix * matrix"] = x => x.M * x.N,
        ["-matrix"] = x => -x.M,
        ["scalar * matrix"] = x => x.S * x.M,
        ["matrix / scalar"] = x => x.M / x.S,
        ["vector * matrix"] = x => x.A * x.M,
        ["matrix * vector"] = x => x.M * x.C,
        ["Outer"] = x => Outer(x.A, x.C),
        ["Dot of vectors"] = x => Dot(x.A, x.B),
        ["Dot of a vector with itself"] = x => Dot(x.A, x.A),
        ["Dot of vector and matrix"] = x => Dot(x.A, x.M),
        ["Dot of matrix and vector"] = x => Dot(x.M, x.C),
        ["Sum"] = x => Sum(x.A),
        ["Exp of a scalar"] = x => Exp(x.S),
        ["Exp"] = x => Exp(x.A),
        ["Exp of a matrix"] = x => Exp(x.M),
        ["Log"] = x => Log(x.A * x.A),
        ["Sqrt"] = x => Sqrt(x.A * x.A),
        ["Square"] = x => Square(x.A),
        ["Sigmoid"] = x => Sigmoid(x.A),
        ["LogSigmoid"] = x => LogSigmoid(x.A),
        ["Tanh"] = x => Tanh(x.A),
        ["Relu"] = x => Relu(x.A),
        ["Silu"] = x => Silu(x.A),
        ["Softplus"] = x => Softplus(x.A),
        ["Softmax"] = x => Softmax(x.A),
        ["L2Normalize"] = x => L2Normalize(x.A),
        ["LogAddExp"] = x => LogAddExp(x.A, x.B),
        ["LogAddExp of scalars"] = x => LogAddExp(x.S, 2 * x.S - 1),
        ["Quadratic"] = x => Quadratic(x.A),
        ["Taylor2"] = x => Taylor2(x.A * x.B),
        ["a delta-rule token"] = x => (Mat<K, V>)(x.M + Outer(x.S * x.A, x.C - Dot(x.A, x.M))),
    };

    public static TheoryData<string> RuleNames => [.. Rules.Keys];

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void Gradient_is_the_limit_of_differences(string rule)
    {
        // Odd sixteenths: random, and never so near to 0 that a kink or a pole falls between the two points of a difference.
        var number = Gen.Int[-20, 20].Select(i => (2 * i + 1) / 16.0);
        var operands =
            from k in Gen.Int[1, 4]
            from v in Gen.Int[1, 4]
            from a in number.Array[k]
            from b in number.Array[k]
            from c in number.Array[v]
            from m in number.Array[k * v]
            from n in number.Array[k * v]
            from s in number.Array[1]
            // 1 - s divides in one rule.
            where Math.Abs(1 - s[0]) > 0.05
            select (k, v, new[] { a, b, c, m, n, s });
        operands.Sample((k, v, numbers) => Check(Rules[rule], k, v, numbers), iter: 30);
    }

    [Fact]
    public void Without_a_tape_nothing_is_recorded_and_tapes_nest()
    {
        var x = Value.Number(3);
        Assert.Null(Tape.Current);
        using (var outer = new Tape())
        {
            var y = x * x;
            using (var inner = new Tape())
                Assert.Same(inner, Tape.Current);
            Assert.Same(outer, Tape.Current);
            y.AddGradient([1]);
            outer.Backward();
        }
        Assert.Null(Tape.Current);
        Assert.Equal([6.0], x.Gradient);
    }

    private static void Check(Func<Operands, ITerm> rule, int k, int v, double[][] numbers)
    {
        var leaves = Make(numbers);
        double[] seed;
        using (var tape = new Tape())
        {
            var result = rule(new(leaves)).Value;
            seed = [.. result.Data.Select((_, i) => Math.Cos(i + 1))];
            result.AddGradient(seed);
            tape.Backward();
        }

        const double step = 1e-5;
        foreach (var (operand, leaf) in numbers.Zip(leaves))
        {
            for (var i = 0; i < operand.Length; i++)
            {
                var difference = (Loss(operand, i, +step) - Loss(operand, i, -step)) / (2 * step);
                Assert.True(Math.Abs(difference - leaf.Gradient[i]) <= 1e-6 * Math.Max(1, Math.Abs(difference)),
                    $"{leaf.Gradient[i]}, by differences {difference}");
            }
        }

        double Loss(double[] operand, int i, double shift)
        {
            operand[i] += shift;
            var loss = rule(new(Make(numbers))).Value.Data.Zip(seed, (x, s) => x * s).Sum();
            operand[i] -= shift;
            return loss;
        }

        Value[] Make(double[][] x) =>
            [New(x[0], k, 1), New(x[1], k, 1), New(x[2], v, 1), New(x[3], k, v), New(x[4], k, v), New(x[5], 1, 1)];

        static Value New(double[] data, int rows, int columns) => new([.. data], rows, columns);
    }
}
