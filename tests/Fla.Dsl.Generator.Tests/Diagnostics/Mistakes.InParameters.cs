using static Fla.Dsl.Generator.Tests.Diagnostics.Mistake;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

internal static partial class Mistakes
{
    private const string Kinds = "an argument is a Vec<>, a Scalar or a [PerHead] Mat<,>, and a state a 'ref State<,>' or a 'ref State<>'";

    private static IEnumerable<Mistake> InParameters =>
    [
        Parameter("a number", "[|double scale|]", $"FLA0004: The parameter 'scale' is of type 'double'; {Kinds}"),
        Parameter("an array", "[|Vec<K>[] ks|]", $"FLA0004: The parameter 'ks' is of type 'Vec<K>[]'; {Kinds}"),
        Parameter("a nullable argument", "[|Scalar? g|]", $"FLA0004: The parameter 'g' is of type 'Scalar?'; {Kinds}"),
        Parameter("a matrix per token", "[|Mat<K, V> A|]", $"FLA0004: The parameter 'A' is of type 'Mat<K, V>'; {Kinds}"),
        Parameter("a log-decay that is a matrix", "[|[LogDecay] Mat<K, V> A|]", $"FLA0004: The parameter 'A' is of type 'Mat<K, V>'; {Kinds}"),
        Parameter("an argument by reference", "[|ref Vec<K> u|]", $"FLA0004: The parameter 'u' is passed by 'ref'; {Kinds}"),
        Parameter("an argument passed in", "[|in Vec<K> u|]", $"FLA0004: The parameter 'u' is passed by 'in'; {Kinds}"),
        Parameter("arguments of any number", "[|__arglist|]", $"FLA0004: The parameter '__arglist' is of no type; {Kinds}"),
        Parameter("an optional argument", "[|Scalar g = default|]", $"FLA0004: The parameter 'g' is optional; {Kinds}"),
        InStep("a state without ref", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [|State<K, V> S|])
            {
                S += Outer(k, v);
                return Dot(q, S);
            }
            """,
            "FLA0005: The state 'S' must be passed by reference: write 'ref State<K, V> S'"),
        InStep("a state passed out", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [|out State<K, V> S|])
            {
                S = Outer(k, v);
                return Dot(q, S);
            }
            """,
            "FLA0005: The state 'S' must be passed by reference: write 'ref State<K, V> S'"),
        InStep("no state", """
            static Vec<V> [|Step|](Vec<K> q, Vec<K> k, Vec<V> v) => Dot(q, Outer(k, v));
            """,
            "FLA0006: The method 'Step' of 'Gated' has no state: a recurrence takes at least one 'ref State<,>' or 'ref State<>'"),
        Parameter("a scale that is a vector", "[|[Scale] Vec<K> scale|]", "FLA0008: The parameter 'scale' cannot be [Scale]: a scale is a Scalar, and it is a Vec<K>"),
        Parameter("two scales", "[Scale] Scalar a, [|[Scale] Scalar b|]", "FLA0008: The parameter 'b' cannot be [Scale]: 'a' is the scale already"),
        Parameter("a scale per head", "[|[PerHead, Scale] Scalar a|]", "FLA0008: The parameter 'a' cannot be [Scale]: it is [PerHead] already"),
        Parameter("the length of a scalar", "[|[L2NormOption] Scalar a|]", "FLA0008: The parameter 'a' cannot be [L2NormOption]: only a vector has a length, and it is a Scalar"),
        Parameter("a log-decay of unit length", "[|[LogDecay, L2NormOption] Vec<K> a|]", "FLA0008: The parameter 'a' cannot be [L2NormOption]: it is [LogDecay] already"),
        Parameter("an argument in logarithms", "[|[LogSpace] Scalar a|]", "FLA0008: The parameter 'a' cannot be [LogSpace]: it is no state"),
        Parameter("a matrix in logarithms", "[|[LogSpace] ref State<K, V> T|]", "FLA0008: The parameter 'T' cannot be [LogSpace]: only a 'State<>' is held in logarithms, and it is a matrix"),
        Parameter("a scale that decays", "[|[LogDecay, Scale] Scalar a|]", "FLA0008: The parameter 'a' cannot be [Scale]: it is [LogDecay] already"),
        Parameter("a default that is missing", "[|[PerHead(Default = \"Gamma\")] Scalar a|]",
            "FLA0008: The parameter 'a' cannot be [PerHead]: its Default wants a method 'static double Gamma(int head, int heads)' in 'Gated'"),
        Parameter("a default of other parameters", "[|[PerHead(Default = nameof(Slope))] Scalar a|]",
            "FLA0008: The parameter 'a' cannot be [PerHead]: its Default wants a method 'static double Slope(int head, int heads)' in 'Gated'"),
        Parameter("a default for a vector", "[|[PerHead(Default = nameof(Decay))] Vec<K> a|]",
            "FLA0008: The parameter 'a' cannot be [PerHead]: only a Scalar may have a Default, and it is a Vec<K>"),
        InStep("an attribute on a state", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [|[PerHead] ref State<K, V> S|])
            {
                S += Outer(k, v);
                return Dot(q, S);
            }
            """,
            "FLA0008: The parameter 'S' cannot be [PerHead]: it is a state"),
        InStep("a state of a dimension that no argument has", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, [|ref State<M> z|])
            {
                S += Outer(k, v);
                z = 0.5 * z;
                return Dot(q, S);
            }
            """,
            "FLA0009: The dimension 'M' of the state 'z' is the dimension of no argument, so that its size is unknown: take it from an argument, such as a Vec<M>"),
        InStep("no argument per token", """
            static Vec<K> [|Step|]([PerHead] Vec<K> u, ref State<K> h, [Scale] Scalar scale)
            {
                h += scale * u;
                return h;
            }
            """,
            "FLA0022: The method 'Step' of 'Gated' has no argument per token, so that nothing says how long a sequence is: take a Vec<> or a Scalar that is neither [PerHead] nor [Scale]"),
        InStep("an argument that is never used", """
            static double Decay(int gate) => gate;

            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [|[LogDecay] Scalar gate|], ref State<K, V> S)
            {
                S += Outer(k, v);
                return Dot(q, S);
            }
            """,
            "FLA0019: The argument 'gate' is never used: its gradient is always zero"),
        InStep("an argument overwritten before it is used", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, [|Vec<K> u|], Vec<V> v, ref State<K, V> S)
            {
                u = k;
                S += Outer(u, v);
                return Dot(q, S);
            }
            """,
            "FLA0019: The argument 'u' is never used: its gradient is always zero"),
    ];

    /// <summary>A mistake in one parameter, which the body does not use.</summary>
    private static Mistake Parameter(string name, string parameter, string report)
    {
        const string Before = "static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, ";
        return InStep(name, $$"""
            {{Before}}{{parameter}})
            {
                S += Outer(k, v);
                return Dot(q, S);
            }

            static double Slope(int head) => head;

            static double Decay(int head, int heads) => head / heads;
            """, report);
    }
}
