namespace Fla.Dsl.Generator.Tests.Language;

/// <summary>
/// Writes a declaration at random that C# takes: terms of the right types made of all the language has, with states in all places. Many
/// have no compiled form, and must be refused; what is not refused must give what it declares.
/// </summary>
internal sealed class RandomDeclaration
{
    private static readonly string[] Dimensions = ["K", "V"];

    private readonly Random random;
    private readonly List<(string Name, string Dimension)> vectors = [];
    private readonly List<string> scalars = [];
    private readonly List<(string Name, string Rows, string Columns)> matrices = [];
    private readonly List<(string Name, string Dimension)> vectorStates = [];
    private readonly List<(string Name, string Rows, string Columns)> matrixStates = [];
    private readonly System.Text.StringBuilder body = new();
    private int locals;

    private RandomDeclaration(int seed) => random = new Random(seed);

    /// <summary>A class of the given name.</summary>
    public static string Write(string name, int seed) => new RandomDeclaration(seed).Write(name);

    private string Write(string name)
    {
        var parameters = new List<string>();
        foreach (var dimension in Dimensions.Append("K"))
        {
            var vector = $"x{vectors.Count}";
            parameters.Add($"Vec<{dimension}> {vector}");
            vectors.Add((vector, dimension));
        }

        Argument("Scalar", "a");
        Argument("[LogDecay] Scalar", "g");
        Argument("[PerHead] Scalar", "p");
        if (random.Next(3) == 0) VectorArgument("[PerHead] Vec<K>", "pk", "K");
        if (random.Next(2) == 0) VectorArgument("[LogDecay] Vec<V>", "gv", "V");
        if (random.Next(2) == 0) VectorArgument("[LogDecay] Vec<K>", "gk", "K");
        if (random.Next(4) == 0) Argument("[Scale] Scalar", "scale");
        for (var states = 1 + random.Next(3); states > 0; states--) State();

        foreach (var state in matrixStates.Select(state => state.Name).Concat(vectorStates.Select(state => state.Name)).OrderBy(_ => random.Next()))
        {
            if (random.Next(3) == 0) Local();
            Update(state);
            if (random.Next(5) == 0) Update(state);
        }

        if (random.Next(3) == 0) Local();
        var (type, output) = random.Next(5) == 0 ? ("Scalar", Scalar(3)) : Pick(Dimensions) is var given ? ($"Vec<{given}>", Vector(given, 4)) : default;
        return $$"""
            [Recurrence]
            public static partial class {{name}}
            {
                static {{type}} Step({{string.Join(", ", parameters)}})
                {
            {{body}}        return {{output}};
                }
            }

            """;

        void Argument(string declared, string argument)
        {
            parameters.Add($"{declared} {argument}");
            scalars.Add(argument);
        }

        void VectorArgument(string declared, string argument, string dimension)
        {
            parameters.Add($"{declared} {argument}");
            vectors.Add((argument, dimension));
        }

        void State()
        {
            if (random.Next(3) == 0)
            {
                var dimension = Pick(Dimensions);
                vectorStates.Add(($"h{vectorStates.Count}", dimension));
                parameters.Add($"ref State<{dimension}> {vectorStates[^1].Name}");
            }
            else
            {
                var (rows, columns) = (Pick(Dimensions), Pick(Dimensions));
                matrixStates.Add(($"S{matrixStates.Count}", rows, columns));
                parameters.Add($"ref State<{rows}, {columns}> {matrixStates[^1].Name}");
            }
        }
    }

    private void Line(string line) => body.Append("        ").Append(line).Append('\n');

    private void Local()
    {
        var name = $"y{locals++}";
        switch (random.Next(4))
        {
            case 0:
                Line($"Scalar {name} = {Scalar(2)};");
                scalars.Add(name);
                break;
            case 1:
                var (rows, columns) = (Pick(Dimensions), Pick(Dimensions));
                Line($"Mat<{rows}, {columns}> {name} = {Matrix(rows, columns, 2)};");
                matrices.Add((name, rows, columns));
                break;
            default:
                var dimension = Pick(Dimensions);
                Line($"Vec<{dimension}> {name} = {Vector(dimension, 3)};");
                vectors.Add((name, dimension));
                break;
        }
    }

    private void Update(string state)
    {
        if (vectorStates.FirstOrDefault(s => s.Name == state) is { Name: not null } vector)
        {
            var term = Vector(vector.Dimension, 2);
            Line(random.Next(8) switch
            {
                0 => $"{state} = {term};",
                1 => $"{state} -= {term};",
                2 => $"{state} += {Scalar(1)} * ({term} - {state});",
                3 or 4 => $"{state} = {Decay()} * {state} + {term};",
                5 => $"{state} = {DecayVector(vector.Dimension)} * {state} + {term};",
                _ => $"{state} += {term};",
            });
            return;
        }

        var (_, rows, columns) = matrixStates.Single(s => s.Name == state);
        var decayed = random.Next(6) switch
        {
            0 => state,
            1 => $"{state} * {DecayVector(columns)}",
            2 => $"{DecayVector(rows)} * {state}",
            3 => $"{DecayVector(rows)} * ({Decay()} * {state})",
            _ => $"{Decay()} * {state}",
        };
        Line(random.Next(9) switch
        {
            0 => $"{state} = {Matrix(rows, columns, 2)};",
            1 => $"{state} -= {Write(rows, columns)};",
            2 => $"{state} = {decayed};",
            3 => $"{state} += {Write(rows, columns)};",
            4 or 5 => $"{state} = {decayed} + Outer({Vector(rows, 1)}, {Vector(columns, 1)} - {Scalar(1)} * Dot({Vector(rows, 1)}, {state}));",
            _ => $"{state} = {decayed} + {Write(rows, columns)};",
        });
    }

    private string Write(string rows, string columns) => $"Outer({Vector(rows, 1)}, {Vector(columns, 2)})";

    private string Decay() => random.Next(5) switch
    {
        0 => $"Sigmoid({Scalar(1)})",
        1 => $"Exp(-Softplus({Scalar(1)}))",
        2 => "0.9",
        3 => "p",
        _ => "Exp(g)",
    };

    private string DecayVector(string dimension) => vectors.FirstOrDefault(v => v.Dimension == dimension && v.Name[0] == 'g') is { Name: { } gate } && random.Next(2) == 0
        ? $"Exp({gate})"
        : $"Sigmoid({Vector(dimension, 1)})";

    private string Scalar(int depth)
    {
        if (depth == 0) return random.Next(4) == 0 ? Pick(["0.5", "2", "1", "-1.5", "0"]) : Pick(scalars);
        var dimension = Pick(Dimensions);
        return random.Next(9) switch
        {
            0 => $"Dot({Vector(dimension, depth - 1)}, {Vector(dimension, depth - 1)})",
            1 => $"Sum({Vector(dimension, depth - 1)})",
            2 => $"{Pick(["Sigmoid", "Tanh", "Softplus", "Silu", "LogSigmoid", "Square", "Relu"])}({Scalar(depth - 1)})",
            3 => Joined(Scalar(depth - 1), Pick(["+", "-", "*"]), Scalar(depth - 1)),
            4 => $"({Scalar(depth - 1)} / (1 + Square({Scalar(depth - 1)})))",
            5 => $"-({Scalar(depth - 1)})",
            6 => $"Sqrt(1 + Square({Scalar(depth - 1)}))",
            _ => Scalar(0),
        };
    }

    private string Vector(string dimension, int depth)
    {
        if (depth == 0)
        {
            var state = vectorStates.Where(s => s.Dimension == dimension).ToList();
            return state.Count > 0 && random.Next(6) == 0 ? $"(Vec<{dimension}>){Pick(state).Name}" : Pick(vectors.Where(v => v.Dimension == dimension).ToList()).Name;
        }

        var other = Pick(Dimensions);
        return random.Next(13) switch
        {
            0 or 1 or 2 => $"Dot({Vector(other, depth - 1)}, {Matrix(other, dimension, depth - 1)})",
            3 => $"Dot({Matrix(dimension, other, depth - 1)}, {Vector(other, depth - 1)})",
            4 => Joined(Vector(dimension, depth - 1), Pick(["+", "-", "*"]), Vector(dimension, depth - 1)),
            5 => $"({Scalar(depth - 1)} * {Vector(dimension, depth - 1)})",
            6 => $"({Vector(dimension, depth - 1)} {Pick(["+", "-", "*"])} {Scalar(depth - 1)})",
            7 => $"{Pick(["Sigmoid", "Tanh", "Softplus", "Silu", "Softmax", "L2Normalize", "Square", "Relu"])}({Vector(dimension, depth - 1)})",
            8 => $"({Vector(dimension, depth - 1)} / (1 + Square({Vector(dimension, depth - 1)})))",
            9 => $"-({Vector(dimension, depth - 1)})",
            _ => Vector(dimension, 0),
        };
    }

    private string Matrix(string rows, string columns, int depth)
    {
        var held = matrixStates.Concat(matrices).Where(m => m.Rows == rows && m.Columns == columns).ToList();
        if (depth <= 0 || random.Next(3) == 0) return held.Count > 0 && random.Next(8) > 0 ? $"(Mat<{rows}, {columns}>){Pick(held).Name}" : $"Outer({Vector(rows, 0)}, {Vector(columns, 0)})";
        return random.Next(8) switch
        {
            0 => Joined(Matrix(rows, columns, depth - 1), Pick(["+", "-"]), Matrix(rows, columns, depth - 1)),
            1 => $"{Scalar(depth - 1)} * {Matrix(rows, columns, depth - 1)}",
            2 => $"{Vector(rows, depth - 1)} * {Matrix(rows, columns, depth - 1)}",
            3 => $"{Matrix(rows, columns, depth - 1)} * {Vector(columns, depth - 1)}",
            4 => $"{Decay()} * {Matrix(rows, columns, depth - 1)}",
            5 => $"-({Matrix(rows, columns, depth - 1)})",
            6 => $"{Matrix(rows, columns, depth - 1)} / 2",
            _ => $"({Matrix(rows, columns, depth - 1)} + Outer({Vector(rows, depth - 1)}, {Vector(columns, depth - 1)}))",
        };
    }

    /// <summary>What cancels out leaves nothing but rounding errors, which differ.</summary>
    private static string Joined(string left, string operation, string right) => left.Contains(right) || right.Contains(left) ? left : $"({left} {operation} {right})";

    private T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];
}
