using static Fla.Dsl.Generator.Tests.Diagnostics.Mistake;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

internal static partial class Mistakes
{
    private const string Statements = "a body is made of assignments, local variables and a final 'return'";
    private const string Expressions = "use the operators of Vec, Mat, State and Scalar, numbers, and the functions of Recurrences";

    private static IEnumerable<Mistake> InTheBody =>
    [
        InStep("a Step that returns nothing", """
            static [|void|] Step(Vec<K> x, ref State<K> h) => h += x;
            """,
            "FLA0007: The method 'Step' of 'Gated' must end with 'return' and give a Vec<> or a Scalar, the token's output; it returns 'void'"),
        InStep("a Step that returns a matrix", """
            static [|Mat<K, V>|] Step(Vec<K> k, Vec<V> v, ref State<K, V> S)
            {
                S += Outer(k, v);
                return S;
            }
            """,
            "FLA0007: The method 'Step' of 'Gated' must end with 'return' and give a Vec<> or a Scalar, the token's output; it returns 'Mat<K, V>'"),
        InStep("a Step that returns a number", """
            static [|double|] Step(Vec<K> x, ref State<K> h)
            {
                h += x;
                return (double)Dot(x, h);
            }
            """,
            "FLA0007: The method 'Step' of 'Gated' must end with 'return' and give a Vec<> or a Scalar, the token's output; it returns 'double'"),
        InStep("a Step that returns its state", """
            static [|State<K>|] Step(Vec<K> x, ref State<K> h)
            {
                h += x;
                return h;
            }
            """,
            "FLA0007: The method 'Step' of 'Gated' must end with 'return' and give a Vec<> or a Scalar, the token's output; it returns 'State<K>'"),
        InStep("a Step without a body", """
            static extern Vec<K> [|Step|](Vec<K> x, ref State<K> h);
            """,
            "FLA0007: The method 'Step' of 'Gated' must end with 'return' and give a Vec<> or a Scalar, the token's output; it has no body"),
        Statement("if", "[|if|] (x.Length > 1) h += x;", "'if'"),
        Statement("for", "[|for|] (var i = 0; i < 3; i++) h += x;", "'for'"),
        Statement("foreach", "[|foreach|] (var i in x.ToArray()) h += i * x;", "'foreach'"),
        Statement("while", "[|while|] (x.Length > 1) h += x;", "'while'"),
        Statement("do", "[|do|] h += x; while (x.Length > 1);", "'do'"),
        Statement("switch", "[|switch|] (x.Length) { case 1: h += x; break; }", "'switch'"),
        Statement("throw", "if (x.Length == 0) [|throw|] new ArgumentException();".Replace("if", "[|if|]").Replace("[|throw|]", "throw"), "'if'"),
        Statement("try", "[|try|] { h += x; } finally { }", "'try'"),
        Statement("a local function", "Vec<K> [|Twice|](Vec<K> y) => y + y;\n    h += Twice(x);", "the local function 'Twice'"),
        Statement("a deconstruction", "[|var (a, b) = (x, x);|]\n    h += a + b;", "'var (a, b) = (x, x);'"),
        Statement("swapped states", "[|(h, z) = (z, h);|]", "'(h, z) = (z, h);'"),
        Statement("a call for its effect", "[|Console.WriteLine(x);|]\n    h += x;", "'Console.WriteLine(x);'"),
        Statement("a state by another name", "ref var [|s = ref h|];\n    s += x;", "'s = ref h'"),
        Statement("a state by another's reference", "[|h = ref z;|]\n    h += x;", "'h = ref z;'"),
        Statement("a field assigned to", "[|last = x|];\n    h += x;", "'last = x'"),
        Statement("an early return", "h += x;\n    return h;\n    [|h += x;|]", "what follows a 'return'"),
        Expression("a choice", "h += [|x.Length > 1 ? x : -x|];", "'x.Length > 1 ? x : -x'"),
        Expression("a switch expression", "h += [|x.Length switch { 1 => x, _ => -x }|];", "'x.Length switch { 1 => x, _ => -x }'"),
        Expression("a lambda", "Func<Vec<K>, Vec<K>> twice = [|y => y + y|];\n    h += twice(x);", "'y => y + y'"),
        Expression("a tuple", "var pair = [|(x, x)|];\n    h += pair.Item1;", "'(x, x)'"),
        Expression("a helper method", "h += [|Helper(x)|];", "a call of 'Helper'"),
        Expression("a helper method with out", "[|Make(x, out var y)|];\n    h += y;".Replace("[|Make(x, out var y)|];", "h += [|Make(x, out var y)|];"), "a call of 'Make'"),
        Expression("a function of Math", "h += [|Math.Exp((double)Sum(x))|] * x;", "a call of 'Exp'"),
        Expression("a cast to a number", "h += [|(double)Sum(x)|] * x;", "the conversion '(double)Sum(x)'"),
        Expression("a field that may change", "h += [|Epsilon|] * x;", "the field 'Epsilon', which is not 'const'"),
        Expression("one element", "h += [|x[0]|] * x;", "'x[0]'"),
        Expression("a new vector", "h += [|new Vec<K>(1.0, 2.0)|];", "'new Vec<K>(1.0, 2.0)'"),
        Expression("a variable without a value", "Vec<K> y;\n    h += [|y|];", "the variable 'y', which has no value yet,"),
        Expression("a default", "h += [|default(Vec<K>)|];", "'default(Vec<K>)'"),
        Expression("a chained assignment", "h = [|z = x|];", "'z = x'"),
        Expression("integer division", "int n = 3;\n    h += [|1 / n|] * x;", "'1 / n'"),
        Expression("a number that is rounded", "double n = 2.5;\n    h += [|(int)n|] * x;", "the conversion '(int)n'"),
        Expression("a term over two lines", "h += [|Helper(\n        x)|];", "a call of 'Helper'"),
        InStep("a matrix outside a state and a Dot", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S += [|A|];
                return Dot(q, S);
            }
            """.Replace("Vec<K> k, Vec<V> v, ", "Vec<K> k, Vec<V> v, ").Replace("return Dot(q, S)", "return Dot(q, S) + Dot(k, S) + v"),
            $"FLA0011: The compiler cannot take 'A', a matrix that is not an outer product, added to the state 'S', in 'Step': {Expressions}"),
        InStep("a sum of an outer product and another matrix", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S += [|A + Outer(k, v)|];
                return Dot(q, S);
            }
            """,
            $"FLA0011: The compiler cannot take 'A + Outer(k, v)', a sum of outer products and another matrix, in 'Step': {Expressions}"),
        InStep("a product of matrices", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S += [|A * Outer(k, v)|];
                return Dot(q, S);
            }
            """,
            $"FLA0011: The compiler cannot take 'A * Outer(k, v)', a product of matrices, in 'Step': {Expressions}"),
        InStep("a term that doubles line by line", $$"""
            static Vec<K> Step(Vec<K> x, ref State<K> h)
            {
                var y = x;
                {{string.Concat(Enumerable.Range(0, 14).Select(i => i == 13 ? "y = [|y + y|];" : "y = y + y; "))}}
                {{string.Concat(Enumerable.Range(0, 30).Select(_ => "y = y + y; "))}}
                h += y;
                return h;
            }
            """,
            $"FLA0011: The compiler cannot take a term of more than 20000 operations, counted with those of the variables in it, in 'Step': {Expressions}"),
    ];

    private static Mistake Statement(string name, string body, string words) => InBody(name, body, $"FLA0010: The compiler cannot take {words} in 'Step': {Statements}");

    private static Mistake Expression(string name, string body, string words) => InBody(name, body, $"FLA0011: The compiler cannot take {words} in 'Step': {Expressions}");

    private static Mistake InBody(string name, string body, string report) => InStep(name, $$"""
        static Vec<K> last;

        static readonly double Epsilon = 1e-6;

        static Vec<K> Helper(Vec<K> y) => y;

        static Vec<K> Make(Vec<K> x, out Vec<K> y) => y = x;

        static Vec<K> Step(Vec<K> x, ref State<K> h, ref State<K> z)
        {
            {{body}}
            return h;
        }
        """, report);
}
