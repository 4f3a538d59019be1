using Fla.Dsl.Generator.Tests.Diagnostics;

namespace Fla.Dsl.Generator.Tests.Language;

/// <summary>A declaration that is right, however unusual.</summary>
/// <param name="Name">What is unusual about it.</param>
/// <param name="Source">The source file, usings included.</param>
/// <param name="Assembly">The name of the user's assembly.</param>
internal sealed record DeclarationCase(string Name, string Source, string Assembly = "Declared")
{
    public override string ToString() => Name;
}

/// <summary>What a user may write, and how tensors' programs are to come of it.</summary>
internal static class DeclarationCases
{
    public static IReadOnlyList<DeclarationCase> All => [.. Bodies, .. Names, .. Places];

    public static IEnumerable<DeclarationCase> Bodies =>
    [
        Matrix("an argument assigned to", "k = beta * k; S = Exp(g) * S + Outer(k, v);"),
        Matrix("an argument multiplied in place", "k *= beta; k += q; S = Exp(g) * S + Outer(k, v);"),
        Matrix("locals", "var w = beta * v; Vec<V> u; u = w + v; S = Exp(g) * S + Outer(k, u);"),
        Matrix("blocks and empty statements", "{ var w = beta * k; S += Outer(w, v); } ; { var w = k; S = Exp(g) * S - Outer(w, v); }"),
        Matrix("constants", "const double half = 0.5; var two = 2.0; double third = 1 / (two + 1); S = half * S + third * Outer(k, v) * Quarter * 1f;"),
        Matrix("functions of numbers", "Scalar one = 1; S = Sigmoid(one) * S + Tanh(0.5) * Softplus(-2) * Relu(3) * Silu(one) * Exp(one) * Log(2) * Sqrt(2) * Square(2) * LogSigmoid(1) * Outer(k, v);"),
        Matrix("numbers of all types", "byte one = 1; S = one * S + 2u * Outer(k, v) - 3L * Outer(q, v) / (short)4;"),
        Matrix("arguments by name", "S = Exp(x: g) * S + Outer(b: v, a: L2Normalize(epsilon: 1e-5, x: k));"),
        Matrix("subtraction in place", "S -= Outer(k, v);"),
        Matrix("multiplication in place", "S *= Exp(g); S *= 0.5; S += Outer(k, v);"),
        Matrix("division in place", "S /= 2; S = S / Exp(g) / Sigmoid(beta); S += Outer(k, v);"),
        Matrix("a decay by rows and by columns", "S = Exp(LogSigmoid(k)) * S * Sigmoid(v) + Outer(k, v);"),
        Matrix("a state that stays as it is", "S = S;"),
        Matrix("a state under a local's name", "Mat<K, V> before = S; S += Outer(k, v); v = Dot(q, before);"),
        Matrix("delta rule over a read", "S = Exp(g) * S; S += Outer(beta * k, v - Dot(k, S));"),
        Matrix("a look back times a vector, under a decay by columns", "S = Exp(g) * S * Sigmoid(v); S += Outer(k, v * (v - Dot(k, S)) - v * beta * Dot(q, S));"),
        Matrix("writes one after the other that look back", "S = Exp(g) * S; S += Outer(k, v - Dot(k, S)); S += Outer(q, v - Dot(q, S)); S += Outer(k, Dot(q, S)) - Outer(q, Dot(k, S));"),
        Matrix("a look at what was written after a look", "S += Outer(k, Dot(k, S + Outer(k, Dot(q, S))));"),
        Matrix("several reads written back", "S = Exp(g) * S + Outer(k, v - beta * Dot(k, S) + 2 * Dot(q, S) / 3);"),
        Matrix("a read of a state times anything", "S = Exp(g) * S + Outer(k, v); v = Dot(q, beta * S) + Dot(q, -S) + Dot(q, k * S) + Dot(q, S * v) + Dot(q, S / beta);"),
        Matrix("a read of a sum of states", "Mat<K, V> before = S; S = Exp(g) * S + Outer(k, v); v = Dot(q, S - before) + Dot(k, 2 * S + beta * before - Outer(k, v));"),
        Matrix("reads by columns", "S = Exp(g) * S + Outer(k, v); q += Dot(S, v) + Dot(S * v, v) + Dot(beta * S, v) + Dot(k * S, v);"),
        Matrix("a function of reads", "S = Exp(g) * S + Outer(k, v); v = Softmax(Dot(k, S)) * Sigmoid(Dot(q, S)) + L2Normalize(v, 1e-6);"),
        Step("a matrix of the same dimension twice", """
            static Vec<K> Step(Vec<K> q, Vec<K> k, [LogDecay] Vec<K> g, ref State<K, K> S)
            {
                S = Exp(g) * S * Sigmoid(k) + Outer(k, q);
                return Dot(q, S) + Dot(S, k);
            }
            """),
        Step("a scalar as output", """
            static Scalar Step(Vec<K> q, Scalar x, ref State<K> h, [Scale] Scalar scale)
            {
                h += x * q;
                return scale * Dot(q, h);
            }
            """),
        Step("an output without a state in it", """
            static Vec<K> Step(Vec<K> x, ref State<K> h)
            {
                h += x;
                return x;
            }
            """),
        Step("states and the scale first", """
            static Vec<V> Step([Scale] Scalar scale, ref State<K, V> S, Vec<K> q, [PerHead] Scalar gamma, Vec<V> v)
            {
                S = gamma * S + Outer(q, v);
                return scale * Dot(q, S);
            }
            """),
        Step("states added to states", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, ref State<K, V> M, ref State<K, V> P, ref State<K, V> S)
            {
                S = S + 0.1 * M;
                M = 0.9 * M + Outer(k, v);
                P += Outer(q, v - Dot(q, P));
                S = P + Exp(g) * S;
                S = 0.5 * (S + Outer(k, v) + M);
                S += Outer(k, v - Dot(k, S));
                return Dot(q, S) - Dot(q, P);
            }
            """),
        Step("a moving average", """
            static Vec<K> Step(Vec<K> x, Scalar beta, ref State<K> h)
            {
                h += beta * (x - h);
                return h;
            }
            """),
        Step("a vector state with factors of any sign", """
            static Vec<K> Step(Vec<K> x, Vec<K> y, Scalar beta, ref State<K> h, ref State<K> m)
            {
                h = beta * h + x;
                h = x - h;
                h += y * (x - h);
                h -= h * y / 2;
                m *= -0.5;
                m = -m + h;
                m = m + y * m;
                return h * Dot(x, m);
            }
            """),
        Step("a state in logarithms", """
            static Vec<K> Step(Vec<K> x, Vec<K> y, [LogDecay] Vec<K> g, [LogSpace] ref State<K> z, ref State<K> h)
            {
                z = LogAddExp(x, y + z);
                z = LogAddExp(z - g, 2 * x);
                h = Sigmoid(z - x) * h + LogAddExp(x, y) * Sigmoid(x - z);
                return z + h;
            }
            """),
        Step("a multiple of a vector state that does not decay", """
            static Vec<K> Step(Vec<K> x, [PerHead] Scalar p, ref State<K> h)
            {
                h += x;
                return Tanh(2 * p * h);
            }
            """),
        Step("a vector state written to another", """
            static Vec<K> Step(Vec<K> x, Vec<K> u, [LogDecay] Vec<K> g, ref State<K> m, ref State<K> h)
            {
                m = Exp(g) * m + x;
                h = Exp(g) * h + u * m;
                h += m;
                h -= m;
                h = m + h;
                return h + m - Tanh((Vec<K>)m) * h / (1 + Square((Vec<K>)h));
            }
            """),
        Step("a gate from another state", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K> z, ref State<K, V> S)
            {
                z += k;
                S = Sigmoid(Dot(q, z)) * S + Outer(k, v);
                return Dot(q, S);
            }
            """),
        Step("two matrices, one after the other", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Vec<M> s, [LogDecay] Vec<M> g, ref State<K, M> Sk, ref State<M, V> Sv)
            {
                Sk = Sk * Exp(g) + Outer(k, s);
                Sv = Exp(g) * Sv + Outer(s, v);
                return Dot(Softmax(Dot(q, Sk)), Sv);
            }
            """),
        Step("a default per head", """
            static Vec<K> Step(Vec<K> x, [PerHead(Default = nameof(Slope))] Scalar a, [PerHead, LogDecay] Vec<K> b, ref State<K> h)
            {
                h = Sigmoid(a) * Exp(b) * h + x;
                return h;
            }

            static double Slope(int head, int heads) => (head + 1.0) / heads;
            """),
        Step("a matrix per head", """
            static Vec<V> Step(Vec<K> q, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S += Outer(q, v + Dot(q, A));
                return Dot(q, S) + Dot(Dot(A, v), S);
            }
            """),
        Step("decays by matrices, rows, columns and a number", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead] Mat<K, V> A, [LogDecay] Scalar g, ref State<K, V> S)
            {
                S = Exp(A * v) * S;
                S = Sigmoid(k) * S * Sigmoid(v);
                S = 0.5 * Exp(g) * S + Outer(k, v);
                return Dot(q, S) + Dot(k, q * Exp(A) * v);
            }
            """),
        new("a write decayed by a matrix, its warning turned off", Mistake.Usings + "#pragma warning disable FLA0018\n" + Mistake.Class("""
            static Vec<V> Step(Vec<K> q, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S = Exp(A) * (S + Outer(q, v));
                return Dot(q, S);
            }
            """)),
        new("arguments that are not used, the warning turned off", Mistake.Usings + "#pragma warning disable FLA0019\n" + Mistake.Class("""
            static Vec<K> Step(Vec<K> x, Vec<V> v, Scalar a, [PerHead] Mat<V, K> A, [PerHead] Vec<N> b, ref State<K> h, [Scale] Scalar scale)
            {
                h += x;
                return h;
            }
            """)),
        new("no heads", Mistake.Usings + Mistake.Class("""
            static Vec<D> Step(Vec<D> x, [LogDecay] Vec<D> g, ref State<D> h)
            {
                h = Exp(g) * h + x;
                return h;
            }
            """).Replace("[Recurrence]", "[Recurrence(Heads = false)]")),
    ];

    private static IEnumerable<DeclarationCase> Names =>
    [
        .. new[]
        {
            "o", "scope", "inputs", "torch", "carry", "local", "scale", "next", "finalState", "valid", "t", "dq", "doutput", "G", "P", "L", "u", "decay", "nexth", "Tiles", "DecayedProducts", "FeatureMaps", "Scans", "ReadPoint", "Mode", "Tensor",
            "System", "Fla", "value", "field", "var", "record", "await", "dynamic", "_", "__", "x1", "größe", "@in", "@class", "@ref", "@double", "@null", "@this", "@default",
        }.Select(name => Named(name, "h")),
        .. new[] { "state", "initialState", "o", "q", "next", "@out", "carry", "value", "S", "dx", "ToString", "Item1" }.Select(name => Named("x", name)),
        Step("two states of awkward names", """
            static Vec<K> Step(Vec<K> x, ref State<K> state, ref State<K> @ref)
            {
                state += x;
                @ref += state;
                return state + @ref;
            }
            """),
        new("types of the user's with names of ours", Mistake.Usings + """
            namespace Models;

            public enum Mode { Train, Evaluate }

            public class Tensor;

            public class RecurrenceOp;

            public class ArgumentRole;

            public class TorchProgram;

            public class Sweep;

            """ + Mistake.Class(Simple)),
        new("namespaces with names of ours", "using global::Fla.Dsl;\nusing static global::Fla.Dsl.Recurrences;\n\nnamespace Company.Fla.TorchSharp.System;\n\n" + Mistake.Class(Simple)),
        new("names in use everywhere", """
            global using Tensor = TorchSharp.torch.Tensor;
            global using Elsewhere;
            using Fla.Dsl;
            using static Fla.Dsl.Recurrences;

            namespace Elsewhere
            {
                public class Tiles;

                public class ReadPoint;

                public class torch;
            }

            namespace Models
            {

            """ + Mistake.Class(Simple) + "\n}"),
        new("a namespace and a class named by keywords", Mistake.Usings + "namespace @namespace.@int;\n\n" + Mistake.Class(Simple).Replace("Gated", "@class")),
        new("two classes that differ in case", Mistake.Usings + Mistake.Class(Simple) + "\n\n" + Mistake.Class(Simple).Replace("Gated", "GATED") + "\n\n" + Mistake.Class(Simple).Replace("Gated", "gAted")),
        new("a class named as its assembly", Mistake.Usings + Mistake.Class(Simple), "Gated"),
        new("a class in a namespace, named as its assembly and used from outside",
            $"{Mistake.Usings}using My;\nnamespace My\n{{\n{Mistake.Class(Simple)}\n}}\npublic static class Uses {{ public static object Type => typeof(Gated); }}", "Gated"),
        new("a class named as the catalogue", Mistake.Usings + "namespace Declared;\n\n" + Mistake.Class(Simple).Replace("Gated", "Catalogue")),
        .. new[] { "my-app", "1st", "a.class", "a..b", ".", "Größe", "Fla.Dsl.Generated", "System" }.Select(assembly => new DeclarationCase($"an assembly named {assembly}", Mistake.Usings + Mistake.Class(Simple), assembly)),
    ];

    private static IEnumerable<DeclarationCase> Places =>
    [
        new("the global namespace", Mistake.Usings + Mistake.Class(Simple)),
        new("a file-scoped namespace", Mistake.Usings + "namespace Models.Mixers;\n\n" + Mistake.Class(Simple)),
        new("a block namespace", Mistake.Usings + "namespace Models { namespace Mixers {\n\n" + Mistake.Class(Simple) + "\n}}"),
        new("nested classes", Mistake.Usings + "public partial class Outer { internal static partial class Variants {\n\n" + Mistake.Class(Simple) + "\n}}"),
        new("a nested class that derived ones see", Mistake.Usings + "public partial class Outer {\n\n" + Mistake.Class(Simple).Replace("public static", "protected internal static") + "\n}"),
        new("two nested classes of one name", Mistake.Usings + "public partial class A {\n" + Mistake.Class(Simple) + "\n}\npublic partial class B {\n" + Mistake.Class(Simple) + "\n}"),
        new("an internal class and a public Step", Mistake.Usings + Mistake.Class(Simple.Replace("static Vec<K> Step", "public static Vec<K> Step")).Replace("public static partial", "internal static partial")),
        new("a class in two parts", Mistake.Usings + Mistake.Class(Simple) + "\n\npublic static partial class Gated { public static int Depth => 1; }"),
        new("names in full", """
            [Fla.Dsl.Recurrence]
            public static partial class Gated
            {
                static Fla.Dsl.Vec<Fla.Dsl.K> Step(Fla.Dsl.Vec<Fla.Dsl.K> x, [global::Fla.Dsl.LogDecayAttribute] Fla.Dsl.Scalar g, ref Fla.Dsl.State<Fla.Dsl.K> h)
                {
                    h = Fla.Dsl.Recurrences.Exp(g) * h + x;
                    return h;
                }
            }
            """),
        new("aliases", """
            using F = Fla.Dsl.Recurrences;
            using Vector = Fla.Dsl.Vec<Fla.Dsl.K>;
            using Memory = Fla.Dsl.State<Fla.Dsl.K>;

            [Fla.Dsl.Recurrence]
            public static partial class Gated
            {
                static Vector Step(Vector x, Fla.Dsl.Scalar g, ref Memory h)
                {
                    h = F.Sigmoid(g) * h + x;
                    return h;
                }
            }
            """),
        new("dimensions of the user's", Mistake.Usings + """
            namespace Models;

            public readonly struct Key : IDimension;

            public readonly struct T : IDimension;

            [Recurrence]
            public static partial class Gated
            {
                static Vec<T> Step(Vec<Key> q, Vec<T> v, ref State<Key, T> S)
                {
                    S += Outer(q, v);
                    return Dot(q, S);
                }
            }
            """),
        new("lines that end with carriage returns", (Mistake.Usings + Mistake.Class(Simple)).ReplaceLineEndings("\r\n")),
        new("line ends in comments that C# alone knows", Mistake.Usings + Mistake.Class(Simple.Replace("h = Exp(g)", "// a\u2028h = Exp(g)").Replace("return h;", "// b\u0085return h;"))),
        new("text that ends comments and strings", Mistake.Usings + Mistake.Class(Simple.Replace("return h;", "return h; // \"\"\" */ \" ' \\ { } \u00e9"))),
        new("documentation", Mistake.Usings + "/// <summary>Decays\n/// <c>e^g &lt; 1</c> &amp; adds \"x\" */ .</summary>\n/// <remarks>More.</remarks>\n" + Mistake.Class(Simple)),
        new("another method's errors", Mistake.Usings + "#pragma warning disable CS0612\n" + Mistake.Class(Simple + "\n\n[Obsolete] static void Old() { }\n\npublic static void New() => Old();")),
    ];

    private const string Simple = """
        static Vec<K> Step(Vec<K> x, [LogDecay] Scalar g, ref State<K> h)
        {
            h = Exp(g) * h + x;
            return h;
        }
        """;

    private static DeclarationCase Matrix(string name, string body) => Step(name, $$"""
        const double Quarter = 0.25;

        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Scalar beta, [LogDecay] Scalar g, ref State<K, V> S)
        {
            {{body}}
            return Dot(q, S) + beta * Exp(g) * v * Sum(k);
        }
        """);

    private static DeclarationCase Named(string argument, string state) => Step($"an argument named {argument} and a state named {state}", $$"""
        static Vec<K> Step(Vec<K> {{argument}}, Vec<K> k, [LogDecay] Scalar g, ref State<K> {{state}}, [Scale] Scalar s)
        {
            {{state}} = Exp(g) * {{state}} + {{argument}} * k;
            return s * Sigmoid({{argument}}) * {{state}};
        }
        """);

    private static DeclarationCase Step(string name, string step) => new(name, Mistake.Usings + Mistake.Class(step));
}
