using System.Globalization;

namespace Fla.Dsl.Numerics;

/// <summary>
/// The numbers behind the language: an fp64 matrix, row after row (a vector is a column, a scalar 1 x 1). Seven primitives know their
/// adjoint (<see cref="Map"/>, <see cref="Zip"/>, <see cref="Repeat"/>, <see cref="Product"/>, <see cref="Transposed"/>,
/// <see cref="Pick"/>, <see cref="Stacked"/>); all else is made of them. Nothing broadcasts by itself: sizes that differ are an error, whichever they are.
/// </summary>
internal sealed class Value
{
    private double[]? gradient;

    public Value(double[] data, int rows, int columns)
    {
        if (data.Length != rows * columns)
            throw new ArgumentException($"{data.Length} numbers do not fill {rows} x {columns}.", nameof(data));
        (Data, Rows, Columns) = (data, rows, columns);
    }

    public double[] Data { get; }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>The gradient gathered so far, of the layout of <see cref="Data"/>.</summary>
    public double[] Gradient => gradient ??= new double[Data.Length];

    public bool HasGradient => gradient is not null;

    public Value Transposed
    {
        get
        {
            var result = new Value(Transpose(Data, Rows, Columns), Columns, Rows);
            Tape.Current?.Record(result, () => Add(Gradient, Transpose(result.Gradient, Columns, Rows)));
            return result;
        }
    }

    public static Value Number(double number) => new([number], 1, 1);

    public static Value Filled(double number, int rows, int columns)
    {
        var data = new double[rows * columns];
        Array.Fill(data, number);
        return new(data, rows, columns);
    }

    /// <summary>What to throw where a <c>default</c> of a type of the language is used.</summary>
    public static InvalidOperationException Unassigned(string type) =>
        new($"This {type} has no numbers: it is a default value that was never assigned. Make one from numbers, or by an operation.");

    /// <summary>Adds to the gradient: the seed of a backward walk.</summary>
    public void AddGradient(double[] terms) => Add(Gradient, terms);

    public static Value operator +(Value a, Value b) => Zip("+", a, b, (x, y) => x + y, (_, _) => (1, 1));

    public static Value operator -(Value a, Value b) => Zip("-", a, b, (x, y) => x - y, (_, _) => (1, -1));

    public static Value operator *(Value a, Value b) => Zip("*", a, b, (x, y) => x * y, (x, y) => (y, x));

    public static Value operator /(Value a, Value b) => Zip("/", a, b, (x, y) => x / y, (x, y) => (1 / y, -x / (y * y)));

    public static Value operator -(Value a) => a.Map(x => -x, (_, _) => -1);

    /// <summary>A function of each element; <paramref name="derivative"/> takes the element and the function's value there.</summary>
    public Value Map(Func<double, double> function, Func<double, double, double> derivative)
    {
        var result = new Value(Array.ConvertAll(Data, x => function(x)), Rows, Columns);
        Tape.Current?.Record(result, () =>
        {
            for (var i = 0; i < Data.Length; i++)
                Gradient[i] += result.Gradient[i] * derivative(Data[i], result.Data[i]);
        });
        return result;
    }

    /// <summary>A function of each pair of elements; <paramref name="derivatives"/> takes the pair.</summary>
    public static Value Zip(
        string name, Value a, Value b, Func<double, double, double> function, Func<double, double, (double A, double B)> derivatives)
    {
        if ((a.Rows, a.Columns) != (b.Rows, b.Columns))
            throw Mismatch(name, a, b);
        var data = new double[a.Data.Length];
        for (var i = 0; i < data.Length; i++)
            data[i] = function(a.Data[i], b.Data[i]);
        var result = new Value(data, a.Rows, a.Columns);
        Tape.Current?.Record(result, () =>
        {
            for (var i = 0; i < data.Length; i++)
            {
                var (da, db) = derivatives(a.Data[i], b.Data[i]);
                a.Gradient[i] += result.Gradient[i] * da;
                b.Gradient[i] += result.Gradient[i] * db;
            }
        });
        return result;
    }

    /// <summary>This matrix laid out <paramref name="down"/> times below and <paramref name="across"/> times beside itself.</summary>
    public Value Repeat(int down, int across)
    {
        var result = new Value(new double[Data.Length * down * across], Rows * down, Columns * across);
        for (var i = 0; i < result.Data.Length; i++)
            result.Data[i] = Data[Source(i)];
        Tape.Current?.Record(result, () =>
        {
            for (var i = 0; i < result.Data.Length; i++)
                Gradient[Source(i)] += result.Gradient[i];
        });
        return result;

        int Source(int i) => i / result.Columns % Rows * Columns + i % result.Columns % Columns;
    }

    /// <summary>The column of these elements of a column, in this order; one may be there more than once.</summary>
    public Value Pick(int[] elements)
    {
        var result = new Value(Array.ConvertAll(elements, i => Data[i]), elements.Length, 1);
        Tape.Current?.Record(result, () =>
        {
            for (var i = 0; i < elements.Length; i++)
                Gradient[elements[i]] += result.Gradient[i];
        });
        return result;
    }

    /// <summary>The columns one below the other.</summary>
    public static Value Stacked(params Value[] columns)
    {
        var result = new Value([.. columns.SelectMany(column => column.Data)], columns.Sum(column => column.Rows), 1);
        Tape.Current?.Record(result, () =>
        {
            var first = 0;
            foreach (var column in columns)
            {
                Add(column.Gradient, result.Gradient[first..(first + column.Rows)]);
                first += column.Rows;
            }
        });
        return result;
    }

    /// <summary>The matrix product.</summary>
    public static Value Product(Value a, Value b)
    {
        if (a.Columns != b.Rows)
            throw Mismatch("A product over a common dimension", a, b);
        var result = new Value(Multiply(a.Data, b.Data, a.Rows, a.Columns, b.Columns), a.Rows, b.Columns);
        Tape.Current?.Record(result, () =>
        {
            var bTransposed = Transpose(b.Data, b.Rows, b.Columns);
            var aTransposed = Transpose(a.Data, a.Rows, a.Columns);
            Add(a.Gradient, Multiply(result.Gradient, bTransposed, a.Rows, b.Columns, a.Columns));
            Add(b.Gradient, Multiply(aTransposed, result.Gradient, a.Columns, a.Rows, b.Columns));
        });
        return result;
    }

    public override string ToString()
    {
        var rows = Data.Chunk(Columns).Select(row =>
            $"[{string.Join(", ", row.Select(x => x.ToString("G6", CultureInfo.InvariantCulture)))}]");
        return string.Join(Environment.NewLine, rows);
    }

    private static ArgumentException Mismatch(string name, Value a, Value b) =>
        new($"{name}: sizes {a.Rows} x {a.Columns} and {b.Rows} x {b.Columns} do not fit (a vector is a column).");

    private static void Add(double[] sum, double[] term)
    {
        for (var i = 0; i < sum.Length; i++)
            sum[i] += term[i];
    }

    private static double[] Transpose(double[] data, int rows, int columns)
    {
        var result = new double[data.Length];
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                result[column * rows + row] = data[row * columns + column];
        return result;
    }

    private static double[] Multiply(double[] a, double[] b, int rows, int inner, int columns)
    {
        var result = new double[rows * columns];
        for (var row = 0; row < rows; row++)
            for (var i = 0; i < inner; i++)
                for (var column = 0; column < columns; column++)
                    result[row * columns + column] += a[row * inner + i] * b[i * columns + column];
        return result;
    }
}
