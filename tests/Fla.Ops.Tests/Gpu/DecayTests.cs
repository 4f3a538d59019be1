using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using TorchSharp;
using static Fla.Ops.Tests.Gpu.Blocks;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Decayed products against loops in fp64.</summary>
public class DecayTests
{
    // Beyond the columns there are lies what is no number.
    private const int Gap = 3;

    // Of an fp32 sum, its terms and the exponents in them.
    private const double Epsilon = 1.0 / (1 << 22);

    // Of operands that tensor cores take as fp32 of 11 bits, each rounded to nearest.
    private const double EpsilonOfOperands = 1.0 / (1 << 10);

    // What is below it is nothing in fp32.
    private const double Least = 1e-37;

    private static readonly Type[] Points = [typeof(BeforeDecay), typeof(AfterDecay), typeof(AfterWrite)];

    /// <summary>C, K, rows and columns that there are, and whether gates are strong.</summary>
    public static TheoryData<int, int, int, int, bool> Chunks => new()
    {
        { 32, 32, 32, 32, false },
        { 32, 64, 27, 50, true },
        { 64, 32, 64, 30, true },
    };

    private static float Moderate(Random random) => -0.2f * random.NextSingle();

    /// <summary>Down to -50 a token, among them such that let nothing through and such that let all through.</summary>
    private static float Extreme(Random random) => random.Next(8) switch
    {
        0 => float.NegativeInfinity,
        1 => 0f,
        2 => -1e-6f,
        3 => -1f,
        _ => -50f * random.NextSingle(),
    };

    [Theory]
    [MemberData(nameof(Chunks))]
    public void What_tokens_have_in_common_decays_by_the_gates_between_them(int size, int width, int rows, int columns, bool strong) =>
        CheckDots(new Inputs(size, width, rows, columns, strong ? Extreme : Moderate), typeof(SingleElement));

    [Theory]
    [MemberData(nameof(Chunks))]
    public void Later_tokens_see_what_is_left_of_earlier_ones(int size, int width, int rows, int columns, bool strong) =>
        CheckMixes(new Inputs(size, width, rows, columns, strong ? Extreme : Moderate), typeof(SingleElement));

    [Theory]
    [MemberData(nameof(Chunks))]
    public void Earlier_tokens_give_what_is_left_of_them_to_later_ones(int size, int width, int rows, int columns, bool strong) =>
        CheckTransposedMixes(new Inputs(size, width, rows, columns, strong ? Extreme : Moderate), typeof(SingleElement));

    [CudaTheory]
    [MemberData(nameof(Chunks))]
    [InlineData(64, 128, 64, 128, false)]
    [InlineData(64, 128, 61, 127, true)]
    public void On_tensor_cores_it_is_all_so_too(int size, int width, int rows, int columns, bool strong)
    {
        var inputs = new Inputs(size, width, rows, columns, strong ? Extreme : Moderate, onCuda: true);
        foreach (var element in new[] { typeof(SingleElement), typeof(BrainElement), typeof(HalfElement) })
        {
            CheckDots(inputs, element);
            CheckMixes(inputs, element);
            CheckTransposedMixes(inputs, element);
        }
    }

    [Theory]
    [InlineData(32, 32, typeof(SingleElement))]
    [InlineData(32, 96, typeof(BrainElement))]
    [InlineData(64, 64, typeof(HalfElement))]
    public void Sums_run_down_the_tokens_and_up(int size, int width, Type type)
    {
        var inputs = new Inputs(size, width, size - 5, width - 1, Moderate);
        foreach (var (reverse, exclusive) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            var result = New(size * width);
            Blocks.Run(
                typeof(DecayKernels), nameof(DecayKernels.Sums), [Size(size), Size(width), type], inputs.SharedBytes,
                Address(inputs.X), inputs.Stride, inputs.Rows, inputs.Columns, reverse ? 1 : 0, exclusive ? 1 : 0, Address(result));
            inputs.Check(result, width, start: 0, typeof(SingleElement), terms: (i, k) => Enumerable.Range(0, size)
                .Where(j => (reverse ? j > i : j < i) || (j == i && !exclusive))
                .Select(j => inputs.At(inputs.X, j, k)));
        }
    }

    [PtxasTheory]
    [InlineData(nameof(DecayKernels.Dot), 64, 128, typeof(BrainElement), typeof(AfterDecay))]
    [InlineData(nameof(DecayKernels.Dot), 32, 32, typeof(HalfElement), typeof(AfterWrite))]
    [InlineData(nameof(DecayKernels.Mix), 64, 128, typeof(BrainElement), typeof(AfterDecay))]
    [InlineData(nameof(DecayKernels.MixTransposed), 64, 128, typeof(BrainElement), typeof(BeforeDecay))]
    [InlineData(nameof(DecayKernels.MixTransposed), 32, 64, typeof(SingleElement), typeof(AfterDecay))]
    public void Decayed_products_stay_in_registers(string kernel, int size, int width, Type type, Type point)
    {
        var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(DecayKernels), kernel, Size(size), Size(width), type, point));
        Assert.Equal((0, 0), (stack, spills));
    }

    private static void CheckDots(Inputs inputs, Type element)
    {
        foreach (var point in Points)
        {
            var result = inputs.Run(nameof(DecayKernels.Dot), element, point, inputs.X, inputs.Y, inputs.Size * inputs.Size);
            inputs.Check(result, inputs.Size, start: 0, element, terms: (i, j) =>
                Enumerable.Range(0, inputs.Counts(j, i, point) ? inputs.Columns : 0)
                    .Select(k => inputs.At(inputs.X, i, k) * inputs.At(inputs.Y, j, k) * inputs.Decay(j, i, k, point)));
        }
    }

    private static void CheckMixes(Inputs inputs, Type element)
    {
        foreach (var point in Points)
        {
            var result = inputs.Run(nameof(DecayKernels.Mix), element, point, inputs.Square(point), inputs.Y, inputs.Size * inputs.Width);
            inputs.Check(result, inputs.Width, start: 1, element, terms: (i, k) =>
                Enumerable.Range(0, inputs.Size).Where(j => inputs.Counts(j, i, point))
                    .Select(j => inputs.A[(i * inputs.Size) + j] * inputs.At(inputs.Y, j, k) * inputs.Decay(j, i, k, point)));
        }
    }

    private static void CheckTransposedMixes(Inputs inputs, Type element)
    {
        foreach (var point in Points)
        {
            var result = inputs.Run(
                nameof(DecayKernels.MixTransposed), element, point, inputs.Square(point), inputs.X, inputs.Size * inputs.Width);
            inputs.Check(result, inputs.Width, start: 1, element, terms: (j, k) =>
                Enumerable.Range(0, inputs.Size).Where(i => inputs.Counts(j, i, point))
                    .Select(i => inputs.A[(i * inputs.Size) + j] * inputs.At(inputs.X, i, k) * inputs.Decay(j, i, k, point)));
        }
    }

    /// <summary>Tensors of a chunk, their numbers exact in half types.</summary>
    private sealed class Inputs
    {
        private readonly bool onCuda;

        public Inputs(int size, int width, int rows, int columns, Func<Random, float> gate, bool onCuda = false)
        {
            (Size, Width, Rows, Columns, this.onCuda) = (size, width, rows, columns, onCuda);
            var random = new Random(7);
            (X, Y, Gates) = (Tensor(() => Short(random)), Tensor(() => Short(random)), Tensor(() => gate(random)));
            A = New(size * size);
            for (var i = 0; i < A.Length; i++) A[i] = Short(random);
        }

        public int Size { get; }

        public int Width { get; }

        public int Rows { get; }

        public int Columns { get; }

        public float[] X { get; }

        public float[] Y { get; }

        public float[] A { get; }

        public long Stride => (Columns + Gap) * 4L;

        // As much as the tiles of any of the kernels take, which have up to 16 bytes more a row than numbers.
        public int SharedBytes => (3 * Size * ((Width * 4) + 16)) + (Size * ((Size * 4) + 16));

        private float[] Gates { get; }

        public float[] Run(string kernel, Type element, Type point, float[] first, float[] second, int count)
        {
            Type[] arguments = [Size(Size), Size(Width), element, point];
            var result = New(count);
            if (!onCuda)
            {
                Blocks.Run(typeof(DecayKernels), kernel, arguments, SharedBytes,
                    Address(first), Address(second), Address(Gates), Stride, Rows, Columns, Address(result));
                return result;
            }

            using var scope = torch.NewDisposeScope();
            var there = torch.tensor(result, device: torch.CUDA);
            RunOnCuda(typeof(DecayKernels), kernel, arguments, SharedBytes,
                There(first), There(second), There(Gates), Stride, Rows, Columns, there);
            return there.cpu().data<float>().ToArray();

            static torch.Tensor There(float[] numbers) => torch.tensor(numbers, device: torch.CUDA);
        }

        /// <summary>A, where tokens count for others; nothing else is looked at.</summary>
        public float[] Square(Type point)
        {
            var square = New(A.Length);
            for (var i = 0; i < A.Length; i++)
                if (Counts(i % Size, i / Size, point)) square[i] = A[i];
            return square;
        }

        public bool Counts(int j, int i, Type point) => point == typeof(AfterWrite) ? j <= i : j < i;

        /// <summary>An element of a tensor as the tile has it: 0 past the tensor's end.</summary>
        public double At(float[] tensor, int row, int column) =>
            row < Rows && column < Columns ? tensor[(row * (Columns + Gap)) + column] : 0;

        public double Decay(int j, int i, int column, Type point)
        {
            var sum = 0.0;
            for (var token = j + 1; token < (point == typeof(BeforeDecay) ? i : i + 1); token++) sum += At(Gates, token, column);
            return Math.Exp(sum);
        }

        /// <summary>Each element is what it was at first and the sum of its terms.</summary>
        public void Check(float[] result, int across, double start, Type element, Func<int, int, IEnumerable<double>> terms)
        {
            // Sums of gates are rounded as they grow, and the exponents are off by as much.
            var largest = Enumerable.Range(0, Columns).Max(k => Enumerable.Range(0, Rows).Sum(i => Math.Min(100, -At(Gates, i, k))));
            for (var i = 0; i < result.Length; i++)
            {
                var all = terms(i / across, i % across).Append(start).ToList();
                var epsilon = ((all.Count + largest) * Epsilon) + (element == typeof(SingleElement) ? 0 : EpsilonOfOperands);
                Assert.Equal(all.Sum(), result[i], Least + (epsilon * all.Sum(Math.Abs)));
            }
        }

        private static float Short(Random random) => random.Next(-128, 128) / 128f;

        private float[] Tensor(Func<float> next)
        {
            var tensor = New(Rows * (Columns + Gap));
            for (var i = 0; i < tensor.Length; i++)
                if (i % (Columns + Gap) < Columns) tensor[i] = next();
            return tensor;
        }
    }
}
