using Fla.Dsl;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>What is wrong with an input is said before anything runs: which, what was expected, what came.</summary>
public class BindingTests
{
    private readonly RecurrenceOp op = TestOps.DecayingSums.Op;

    [Fact]
    public void A_dimension_is_what_the_first_argument_with_it_says() =>
        Refused("k", "k: expected [B=2, T=10, H, K=6], K=6 as q says, came [2, 10, 4, 5].", arguments => arguments[1] = Zeros(2, 10, 4, 5));

    [Fact]
    public void Batch_and_time_agree()
    {
        Refused("v", "v: expected [B=2, T=10, H, V], B=2 as q says, came [3, 10, 4, 4].", arguments => arguments[2] = Zeros(3, 10, 4, 4));
        Refused("g", "g: expected [B=2, T=10, H], T=10 as q says, came [2, 11, 4].", arguments => arguments[3] = Zeros(2, 11, 4));
    }

    [Fact]
    public void Ranks_are_right()
    {
        Refused("q", "q: expected rank 4 [B, T, H, K], came [2, 10, 6].", arguments => arguments[0] = Zeros(2, 10, 6));
        Refused("g", "g: expected rank 3 [B=2, T=10, H], came [2, 10, 4, 1].", arguments => arguments[3] = Zeros(2, 10, 4, 1));
        Refused("gamma", "gamma: expected rank 1 [H], came [2, 10, 4].", arguments => arguments[4] = Zeros(2, 10, 4));
    }

    [Fact]
    public void Head_counts_divide_the_largest() =>
        Refused("v", "v: expected a number of heads H that divides the 4 of q, came 3.", arguments => arguments[2] = Zeros(2, 10, 3, 4));

    [Fact]
    public void There_is_something_to_do()
    {
        Refused("q", "q: expected [B=2, T, H, K] with T at least 1, came [2, 0, 4, 6].", arguments => arguments[0] = Zeros(2, 0, 4, 6));
        Refused("q", "q: expected [B, T, H, K] with B at least 1, came [0, 10, 4, 6].", arguments => arguments[0] = Zeros(0, 10, 4, 6));
    }

    [Fact]
    public void Tensors_are_there_and_alive_and_of_a_float_type_and_on_one_device()
    {
        Refused("k", "k: expected a tensor, came null.", arguments => arguments[1] = null);
        Refused("k", "k: expected a tensor, came a disposed one.", arguments => arguments[1]!.Dispose());
        Refused("k", "k: expected one of BFloat16, Float16, Float32, Float64, came Int64.", arguments => arguments[1] = arguments[1]!.to(ScalarType.Int64));
        Refused("k", "k: expected device cpu, where q is; came meta.", arguments => arguments[1] = arguments[1]!.to(new Device(DeviceType.META)));
    }

    [Fact]
    public void The_count_of_arguments_is_right() =>
        Assert.StartsWith(
            "arguments: expected 5 (q, k, v, g, gamma), came 2.",
            Assert.Throws<ArgumentException>("arguments", () => op.Run(Mode.Chunk, [Zeros(2, 10, 4, 6), Zeros(2, 10, 4, 6)])).Message);

    [Fact]
    public void The_mode_exists()
    {
        var chunkOnly = new RecurrenceOp
        {
            Name = "ChunkOnly", Declaration = op.Declaration, Class = op.Class, HasHeads = op.HasHeads, Arguments = op.Arguments,
            States = op.States, OutputDimensions = op.OutputDimensions, Modes = [Mode.Chunk], ChunkProgram = op.ChunkProgram, TokenProgram = op.TokenProgram,
        };
        Assert.StartsWith(
            "mode: expected Chunk, which ChunkOnly has; came Parallel.",
            Assert.Throws<ArgumentException>("mode", () => chunkOnly.Run(Mode.Parallel, Arguments())).Message);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void The_scale_is_finite(double scale) =>
        Assert.StartsWith(
            "scale: expected a finite number", Assert.Throws<ArgumentException>("scale", () => op.Run(Mode.Chunk, Arguments(), scale)).Message);

    [Fact]
    public void Lengths_are_divided_by_only_where_a_declaration_has_the_option() =>
        Assert.StartsWith(
            $"l2Norm: expected false, as no argument of {op.Name} has the option; came true.",
            Assert.Throws<ArgumentException>("l2Norm", () => op.Run(Mode.Chunk, Arguments(), l2Norm: true)).Message);

    [Fact]
    public void A_scale_is_given_only_to_what_has_one() =>
        Assert.StartsWith(
            "scale: expected none, as GatedScan has no scale; came 2.",
            Assert.Throws<ArgumentException>("scale", () => TestOps.GatedScan.Op.Run(Mode.Chunk, [Zeros(1, 3, 5), Zeros(1, 3, 5), Zeros(5)], scale: 2)).Message);

    [Fact]
    public void States_fit()
    {
        StateRefused("initialState", "initialState: expected 2 (S, z), came 1.", [Zeros(2, 4, 6, 4)]);
        StateRefused("initialState[0]", "initialState[0]: expected [N=2, H=4, K=6, V=4], H=4 as q says, came [2, 2, 6, 4].", [Zeros(2, 2, 6, 4), null]);
        StateRefused("initialState[0]", "initialState[0]: expected [N=2, H=4, K=6, V=4], K=6 as q says, came [2, 4, 4, 6].", [Zeros(2, 4, 4, 6), null]);
        StateRefused("initialState[1]", "initialState[1]: expected rank 3 [N=2, H=4, V=4], came [2, 4, 1, 4].", [null, Zeros(2, 4, 1, 4)]);
        StateRefused("initialState[1]", "initialState[1]: expected [N=2, H=4, V=4], N=2 as q says, came [1, 4, 4].", [null, Zeros(1, 4, 4)]);

        void StateRefused(string name, string message, Tensor?[] state) =>
            Assert.StartsWith(message, Assert.Throws<ArgumentException>(name, () => op.Run(Mode.Chunk, Arguments(), initialState: state)).Message);
    }

    [Fact]
    public void A_step_names_its_own_axes()
    {
        Tensor[] token = [Zeros(2, 4, 6), Zeros(2, 4, 6), Zeros(2, 4, 4), Zeros(2, 4), Zeros(4)];
        Assert.Equal([2, 4, 4], op.Step(token).o.shape);
        Assert.StartsWith(
            "q: expected rank 3 [B, H, K], came [2, 1, 4, 6].",
            Assert.Throws<ArgumentException>("q", () => op.Step([Zeros(2, 1, 4, 6), .. token[1..]])).Message);
        Assert.StartsWith(
            "state: expected 2 (S, z), came 1.", Assert.Throws<ArgumentException>("state", () => op.Step(token, [null])).Message);
    }

    [Fact]
    public void Offsets_cut_the_tokens_into_sequences()
    {
        OffsetsRefused("cuSeqlens: expected Int64 or Int32; came Float32.", torch.tensor(new[] { 0f, 10f }));
        OffsetsRefused("cuSeqlens: expected [N + 1] offsets of at least one sequence; came [1, 2].", torch.tensor(new[] { 0L, 10 }).unsqueeze(0));
        OffsetsRefused("cuSeqlens: expected [N + 1] offsets of at least one sequence; came [1].", torch.tensor(new[] { 10L }));
        OffsetsRefused("cuSeqlens: expected 0 first; came 1.", torch.tensor(new[] { 1L, 10 }));
        OffsetsRefused("cuSeqlens: expected the number of tokens T = 10 last; came 9.", torch.tensor(new[] { 0L, 9 }));
        OffsetsRefused("cuSeqlens: expected offsets that never fall; came 3 after 5 at 2.", torch.tensor(new[] { 0L, 5, 3, 10 }));
        OffsetsRefused("cuSeqlens: expected B = 1, the sequences packed along T; came B = 2.", torch.tensor(new[] { 0L, 10 }), batch: 2);
        Assert.Equal([1, 10, 4, 4], op.Run(Mode.Chunk, Arguments(1), cuSeqlens: torch.tensor(new[] { 0, 4, 10 })).o.shape);
        Assert.StartsWith(
            "initialState[0]: expected [N=3, H=4, K=6, V=4], N=3 as cuSeqlens says, came [1, 4, 6, 4].",
            Assert.Throws<ArgumentException>(() => op.Run(
                Mode.Chunk, Arguments(1), initialState: [Zeros(1, 4, 6, 4), null], cuSeqlens: torch.tensor(new[] { 0, 4, 4, 10 }))).Message);

        void OffsetsRefused(string message, Tensor offsets, long batch = 1) =>
            Assert.StartsWith(message, Assert.Throws<ArgumentException>("cuSeqlens", () => op.Run(Mode.Chunk, Arguments(batch), cuSeqlens: offsets)).Message);
    }

    private void Refused(string name, string message, Action<Tensor?[]> spoil)
    {
        var arguments = Arguments();
        spoil(arguments);
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(name, () => op.Run(Mode.Chunk, arguments)).Message);
    }

    private static Tensor?[] Arguments(long batch = 2) =>
        [Zeros(batch, 10, 4, 6), Zeros(batch, 10, 4, 6), Zeros(batch, 10, 4, 4), Zeros(batch, 10, 4), Zeros(4)];

    private static Tensor Zeros(params long[] shape) => torch.zeros(shape);
}
