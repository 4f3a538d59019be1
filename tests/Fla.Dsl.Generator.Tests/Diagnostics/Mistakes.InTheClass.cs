using static Fla.Dsl.Generator.Tests.Diagnostics.Mistake;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

internal static partial class Mistakes
{
    private const string Right = """
        static Vec<V> Step(Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, ref State<K, V> S)
        {
            S = Exp(g) * S + Outer(k, v);
            return Dot(q, S);
        }
        """;

    private static IEnumerable<Mistake> InTheClass =>
    [
        new("a class that is neither static nor partial", $$"""
            [Recurrence]
            public class [|Gated|]
            {
                {{Right}}
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be static and partial: write 'static partial class Gated'"),
        new("a class that is not partial", $$"""
            [Recurrence]
            public static class [|Gated|]
            {
                {{Right}}
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be partial: write 'static partial class Gated'"),
        new("a class that is not static", $$"""
            [Recurrence]
            public partial class [|Gated|]
            {
                {{Right}}
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be static: write 'static partial class Gated'"),
        new("a record", $$"""
            [Recurrence]
            public partial record [|Gated|]
            {
                {{Right}}
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be a class, not a record"),
        new("a class in a class that is not partial", $$"""
            public static class Variants
            {
                [Recurrence]
                public static partial class [|Gated|]
                {
                    {{Right}}
                }
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be inside partial classes only, and 'Variants' around it is not one"),
        new("a class in a struct", $$"""
            public partial struct Variants
            {
                [Recurrence]
                public static partial class [|Gated|]
                {
                    {{Right}}
                }
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be inside partial classes only, and 'Variants' around it is not one"),
        new("a private class", $$"""
            public static partial class Variants
            {
                [Recurrence]
                static partial class [|Gated|]
                {
                    {{Right}}
                }
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be visible in its whole assembly, but it is 'private'"),
        new("a class in a protected class", $$"""
            public partial class Outer
            {
                protected static partial class Variants
                {
                    [Recurrence]
                    public static partial class [|Gated|]
                    {
                        {{Right}}
                    }
                }
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be visible in its whole assembly, but 'Variants' around it is 'protected'"),
        new("a class of one file", $$"""
            [Recurrence]
            file static partial class [|Gated|]
            {
                {{Right}}
            }
            """,
            "FLA0001: The class 'Gated' declares a recurrence and must be visible in its whole assembly, but it is 'file'"),
        new("a generic class", $$"""
            [Recurrence]
            public static partial class [|Gated|]<T>
            {
                {{Right}}
            }
            """,
            "FLA0002: The class 'Gated' has type parameters, which a declared recurrence and the classes around it cannot have: name dimensions by Vec<>, Mat<,> and State<,>, which take any size"),
        new("a class in a generic class", $$"""
            public static partial class Variants<T>
            {
                [Recurrence]
                public static partial class [|Gated|]
                {
                    {{Right}}
                }
            }
            """,
            "FLA0002: The class 'Variants' has type parameters, which a declared recurrence and the classes around it cannot have: name dimensions by Vec<>, Mat<,> and State<,>, which take any size"),
        new("no Step", """
            [Recurrence]
            public static partial class [|Gated|]
            {
                static Vec<K> Forward(Vec<K> q) => q;
            }
            """,
            "FLA0003: The class 'Gated' declares a recurrence and must have one 'static' method named 'Step'; it has none"),
        new("Step in another part", $$"""
            [Recurrence]
            public static partial class [|Gated|]
            {
            }

            public static partial class Gated
            {
                {{Right}}
            }
            """,
            "FLA0003: The class 'Gated' declares a recurrence and must have one 'static' method named 'Step'; it has one in another part, and it must be in the part with [Recurrence]"),
        InStep("two Steps", $$"""
            static Vec<V> [|Step|](Vec<V> v) => v;

            {{Right}}
            """.Replace("[|Step|]", "Step").Replace("Vec<V> Step(Vec<K>", "Vec<V> [|Step|](Vec<K>"),
            "FLA0003: The class 'Gated' declares a recurrence and must have one 'static' method named 'Step'; it has 2"),
        InStep("a Step that is not static", """
            Vec<K> [|Step|](Vec<K> x, ref State<K> h)
            {
                h += x;
                return h;
            }
            """,
            "FLA0003: The class 'Gated' declares a recurrence and must have one 'static' method named 'Step'; it has one that is not static"),
        InStep("a Step with type parameters", """
            static Vec<T> Step[|<T>|](Vec<T> x, ref State<T> h) where T : IDimension
            {
                h += x;
                return h;
            }
            """,
            "FLA0003: The class 'Gated' declares a recurrence and must have one 'static' method named 'Step'; it has one with type parameters"),
    ];
}
