using static Fla.Dsl.Generator.Tests.Diagnostics.Mistake;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

internal static partial class Mistakes
{
    private static IEnumerable<Mistake> InNames =>
    [
        new("two dimensions of one name", """
            public readonly struct K : IDimension;

            [Recurrence]
            public static partial class Gated
            {
                static Vec<V> Step(Vec<K> q, [|Vec<Fla.Dsl.K>|] k, Vec<V> v, ref State<K, V> S)
                {
                    S += Outer(q, v);
                    return Dot(q, S);
                }
            }
            """,
            "FLA0020: The dimensions 'K' and 'Fla.Dsl.K' are two types of one name, and a dimension is known by its name: rename one of them"),
        .. new[] { "initialState", "outputFinalState", "cuSeqlens", "state", "Op" }.Select(name => InStep($"an argument named {name}", $$"""
            static Vec<K> Step(Vec<K> [|{{name}}|], ref State<K> h)
            {
                h += {{name}};
                return h;
            }
            """,
            $"FLA0021: The name '{name}' is taken: the generated methods use it; rename the argument")),
        InStep("a state named as a member of tuples", """
            static Vec<K> Step(Vec<K> x, ref State<K> h, ref State<K> [|Item1|])
            {
                h += x;
                Item1 += x;
                return h * Item1;
            }
            """.Replace("h * Item1", "Exp(x) * Item1"),
            "FLA0021: The name 'Item1' is taken: tuples have a member of that name, and the states are given as a tuple; rename the state"),
        new("a class named as a mode", """
            [Recurrence]
            public static partial class [|Parallel|]
            {
                static Vec<K> Step(Vec<K> x, ref State<K> h)
                {
                    h += x;
                    return h;
                }
            }
            """,
            "FLA0021: The name 'Parallel' is taken: the class gets a member of that name; rename the class"),
        new("a member named as a generated one", """
            [Recurrence]
            public static partial class [|Gated|]
            {
                public static int Op => 1;

                static Vec<K> Step(Vec<K> x, ref State<K> h)
                {
                    h += x;
                    return h;
                }
            }
            """,
            "FLA0021: The name 'Op' is taken: a generated member of 'Gated' has it; rename yours"),
        new("a type that hides one of the runtime's", """
            namespace Models
            {
                public static class Tiles;

                [Recurrence]
                public static partial class [|Gated|]
                {
                    static Vec<K> Step(Vec<K> x, ref State<K> h)
                    {
                        h += x;
                        return h;
                    }
                }
            }
            """,
            "FLA0021: The name 'Tiles' is taken: generated code means 'Fla.Dsl.Runtime.Tiles' by it, which 'Models.Tiles' hides; rename that"),
    ];
}
