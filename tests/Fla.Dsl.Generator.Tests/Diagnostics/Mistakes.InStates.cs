using static Fla.Dsl.Generator.Tests.Diagnostics.Mistake;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

internal static partial class Mistakes
{
    private const string Linear = "a state may be decayed, added to, and read by Dot with a vector";
    private const string Gates = "which is not known to be positive: a gate is a [LogDecay] argument inside Exp, as in";
    private const string NoChunk = "looks back at the state in a way that has no chunk form:";
    private const string Whole = "the new value must have the state itself in it, decayed or as it is, beside what is added to it";

    private static IEnumerable<Mistake> InStates =>
    [
        InStep("a state never assigned", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> [|S|]) => Dot(q, S + Outer(k, v));
            """,
            "FLA0012: The state 'S' is never assigned: give it its new value, such as 'S = S + Outer(k, v)', or remove it"),
        Matrix("a state that forgets", "S = [|Outer(k, v)|];", "FLA0013: The new value of the state 'S' does not depend on the old one, so that nothing is carried from token to token: add to it, or decay it by Exp of a gate"),
        Vector("a vector state that forgets", "h = [|beta * x|];", "FLA0013: The new value of the state 'h' does not depend on the old one, so that nothing is carried from token to token: add to it, or decay it by Exp of a gate"),
        Matrix("a state times itself", "Mat<K, V> T = S;\n    S = [|T * S|] + Outer(k, v);", $"FLA0014: The term 'S * S' is not linear in the state 'S': {Linear}"),
        Matrix("an exponential of a state", "S = [|Exp((Mat<K, V>)S)|] + Outer(k, v);", $"FLA0014: The term 'Exp(S)' is not linear in the state 'S': {Linear}"),
        Matrix("a nonlinear function of a read", "S += Outer(k, v - [|Sigmoid(Dot(k, S))|]);", $"FLA0014: The term 'Sigmoid(Dot(k, S))' is not linear in the state 'S': {Linear}"),
        Matrix("a gate that looks at the state", "S = [|Sigmoid(Dot(Dot(k, S), v)) * S|] + Outer(k, v);", $"FLA0014: The term 'Sigmoid(Dot(Dot(k, S), v)) * S' is not linear in the state 'S': {Linear}"),
        Vector("a nonlinear function of a vector state", "h = [|Tanh((Vec<K>)h)|] + x;", $"FLA0014: The term 'Tanh(h)' is not linear in the state 'h': {Linear}"),
        Vector("a vector state times itself", "Vec<K> y = h;\n    h = [|y * h|] + x;", $"FLA0014: The term 'h * h' is not linear in the state 'h': {Linear}"),
        Vector("a vector state that divides", "h = [|1 / (Vec<K>)h|] + x;", $"FLA0014: The term '1 / h' is not linear in the state 'h': {Linear}"),
        Matrix("a matrix state as a value", "Mat<K, V> T = S;\n    S += Outer(k, v);\n    T = Exp(g) * T;\n    return Dot(q, [|Exp(T)|]);", $"FLA0014: The term 'Exp(Exp(g) * S)' is not linear in the state 'S': {Linear}"),
        Matrix("a gate without Exp", "S = [|g * S|] + Outer(k, v);", $"FLA0015: The state 'S' is multiplied by 'g', {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a vector gate without Exp", "S = [|k * S|] + Outer(k, v);", $"FLA0015: The state 'S' is multiplied by 'k', {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a log-decay per head without Exp", "S = [|gh * S|] + Outer(k, v);", $"FLA0015: The state 'S' is multiplied by 'gh', {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a state divided by what may be negative", "S = [|S / g|] + Outer(k, v);", $"FLA0015: The state 'S' is multiplied by '1 / g', {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a state negated", "S = [|-S|] + Outer(k, v);", $"FLA0015: The state 'S' is multiplied by -1, {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a state subtracted", "S = Outer(k, v) - [|S|];", $"FLA0015: The state 'S' is multiplied by -1, {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a state times a negative number", "S *= -0.5;".Replace("S *= -0.5", "[|S *= -0.5|]"), $"FLA0015: The state 'S' is multiplied by '-0.5', {Gates} 'Exp(g) * S', or a [PerHead] scalar"),
        Matrix("a key that looks at the state", "S += Outer([|Dot(v, Dot(k, S)) * k|], v);", $"FLA0016: What is written to the state 'S' {NoChunk} the key 'Dot(v, Dot(k, S)) * k' depends on the state itself"),
        Matrix("reads times different vectors", "S += Outer(k, v * Dot(k, S) + [|Dot(q, S)|]);",
            $"FLA0016: What is written to the state 'S' {NoChunk} each column decays or is scaled by itself, and a second look differs from the first in its vector or in when it is taken"),
        Matrix("two writes that look back under a decay by columns", "S = S * Exp(gv);\n    S += Outer(k, v - Dot(k, S));\n    S += Outer(q, [|Dot(q, S)|]);",
            $"FLA0016: What is written to the state 'S' {NoChunk} each column decays or is scaled by itself, and a second write looks back"),
        Matrix("a look at what was written under a key of a look", "S += Outer(k, Dot(k, S + Outer([|Dot(v, Dot(q, S)) * k|], v)));",
            $"FLA0014: The term 'Dot(v, Dot(q, S)) * k' is not linear in the state 'S': {Linear}"),
        Matrix("nothing kept but a read", "S = [|Outer(k, v - Dot(k, S))|];", $"FLA0016: What is written to the state 'S' {NoChunk} {Whole}"),
        Matrix("a state added to itself", "S = [|S + Exp(g) * S|] + Outer(k, v);", $"FLA0016: What is written to the state 'S' {NoChunk} the sum 'S + Exp(g) * S' of states is not one state with what is added to it"),
        Vector("an inner product with the state itself", "h += [|Dot(x, h)|] * x;", $"FLA0016: What is written to the state 'h' {NoChunk} 'Dot(x, h)' mixes its elements, each of which is solved for by itself"),
        Logarithm("a logarithm multiplied", "z = [|beta * z|];", $"FLA0014: The term 'beta * z' is not linear in the state 'z': {Linear}"),
        Logarithm("a logarithm subtracted", "z = [|x - z|];", $"FLA0014: The term 'x - z' is not linear in the state 'z': {Linear}"),
        Logarithm("a logarithm of itself", "z = [|LogAddExp(z, Square((Vec<K>)z))|];",
            $"FLA0014: The term 'LogAddExp(z, Square(z))' is not linear in the state 'z': {Linear}"),
        Logarithm("a logarithm decayed by itself", "z = [|z + Exp((Vec<K>)z)|];", $"FLA0014: The term 'z + Exp(z)' is not linear in the state 'z': {Linear}"),
        Logarithm("logarithms that forget", "z = [|LogAddExp(x, x)|];",
            "FLA0013: The new value of the state 'z' does not depend on the old one, so that nothing is carried from token to token: add to it, or decay it by Exp of a gate"),
        InStep("a look back by columns", """
            static Vec<K> Step(Vec<K> q, Vec<K> k, ref State<K, K> S)
            {
                S += Outer(k, q - [|Dot(S, k)|]);
                return Dot(q, S);
            }
            """,
            $"FLA0016: What is written to the state 'S' {NoChunk} it is read by its columns, as 'Dot(S, k)', where a read by its rows can be solved for"),
        InStep("a state that takes over another", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, ref State<K, V> T)
            {
                S += Outer(k, v);
                T = [|S|];
                return Dot(q, T);
            }
            """,
            $"FLA0016: What is written to the state 'T' {NoChunk} it takes over the state 'S' whole"),
        InStep("a matrix state added to one that decays by rows", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Vec<K> g, ref State<K, V> S, ref State<K, V> T)
            {
                S += Outer(k, v);
                T = Exp(g) * T + [|S|];
                return Dot(q, T);
            }
            """,
            $"FLA0016: What is written to the state 'T' {NoChunk} the state 'S' is added to it whole, where one of the two decays by a vector"),
        InStep("momentum of momentum", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, ref State<K, V> T, ref State<K, V> U)
            {
                S += Outer(k, v);
                T += S;
                U += [|T|];
                return Dot(q, U);
            }
            """,
            $"FLA0016: What is written to the state 'U' {NoChunk} the state 'T' is added to it whole, and a third to that one"),
        InStep("momentum on the delta rule", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> M, ref State<K, V> S)
            {
                M = 0.9 * M + Outer(k, [|v - Dot(k, S)|]);
                S += M;
                return Dot(q, S);
            }
            """,
            "FLA0017: The states 'M' and 'S' are written from reads of each other, which has no order to compute them in: let one of them be written from arguments alone"),
        InStep("two states that need each other", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, ref State<K, V> S, ref State<V> z)
            {
                S += Outer(k, [|v - z|]);
                z += Dot(q, S);
                return z;
            }
            """,
            "FLA0017: The states 'S' and 'z' are written from reads of each other, which has no order to compute them in: let one of them be written from arguments alone"),
        InStep("three states that need each other round about", """
            static Vec<K> Step(Vec<K> x, ref State<K> a, ref State<K> b, ref State<K> c, ref State<K> d)
            {
                a += Tanh((Vec<K>)b);
                b += [|Tanh((Vec<K>)c)|];
                c = Exp(Sum((Vec<K>)d)) * c + x;
                d += b;
                return a;
            }
            """,
            "FLA0017: The states 'b' and 'c' and 'd' are written from reads of each other, which has no order to compute them in: let one of them be written from arguments alone"),
        InStep("a decay of a write by a matrix", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S = [|Exp(A) * (S + Outer(k, v))|];
                return Dot(q, S);
            }
            """,
            "FLA0018: The state 'S' decays by the matrix 'Exp(A)' in a way that has no chunk form, so that only FusedRecurrent and Step are generated: it decays what the same token has written"),
        InStep("the delta rule beside a decay by a matrix", """
            static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [PerHead] Mat<K, V> A, ref State<K, V> S)
            {
                S = Exp(A) * S;
                S += Outer(k, [|v - Dot(k, S)|]);
                return Dot(q, S);
            }
            """,
            "FLA0018: The state 'S' decays by the matrix 'Exp(A)' in a way that has no chunk form, so that only FusedRecurrent and Step are generated: a write to it looks back at it"),
    ];

    private static Mistake Matrix(string name, string body, string report) => WithSpareArguments(name, $$"""
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, Scalar g, Vec<V> gv, [PerHead, LogDecay] Scalar gh, ref State<K, V> S)
        {
            {{body}}{{(body.Contains("return") ? string.Empty : "\n    return Dot(q, S);")}}
        }
        """, report);

    private static Mistake Vector(string name, string body, string report) => WithSpareArguments(name, $$"""
        static Vec<K> Step(Vec<K> x, Scalar beta, ref State<K> h)
        {
            {{body}}
            return h;
        }
        """, report);

    private static Mistake Logarithm(string name, string body, string report) => WithSpareArguments(name, $$"""
        static Vec<K> Step(Vec<K> x, Scalar beta, [LogSpace] ref State<K> z)
        {
            {{body}}
            return z;
        }
        """, report);

    private static Mistake WithSpareArguments(string name, string step, string report) => new(name, $"#pragma warning disable FLA0019\n{Class(step)}", report);
}
