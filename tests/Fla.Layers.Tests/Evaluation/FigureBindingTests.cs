using Fla.Dsl;
using Fla.Layers.Checkpoints;
using Fla.Layers.Evaluation;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

/// <summary>Which tensor of the figures goes where. Two sequences of five tokens, three heads, and small unequal dimensions.</summary>
public sealed class FigureBindingTests : IDisposable
{
    private const int B = 2, T = 5, H = 3, K = 4, V = 6, M = 7;

    private static readonly Argument Scale = new("scale", [], ArgumentRole.Scale);
    private static readonly Argument[] Qkv = [Token("q", "K"), Token("k", "K"), Token("v", "V")];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Names_decide_and_states_go_in_order()
    {
        var op = HandmadeOps.Signature(
            "Slots", [.. Qkv, Token("s", "M"), Scale], [new("Sk", ["K", "M"]), new("Sv", ["M", "V"])], ["V"]);
        var binding = Bind(op,
            ("in.v", [B, T, H, V]), ("in.s", [B, T, H, M]), ("in.q", [B, T, H, K]), ("in.k", [B, T, H, K]),
            ("in.hk0", [B, H, K, M]), ("in.hv0", [B, H, M, V]),
            ("out.o", [B, T, H, V]), ("out.state0", [B, H, K, M]), ("out.state1", [B, H, M, V]));
        Assert.Equal([new("q", false), new("k", false), new("v", false), new("s", false)], binding.Arguments);
        Assert.Equal([new("hk0", false), new("hv0", false)], binding.InitialStates);
        Assert.Equal([new(0, false), new(1, false)], binding.FinalStates);
    }

    [Fact]
    public void States_that_the_figures_leave_out_are_passed_over()
    {
        var op = HandmadeOps.Signature("Normalised", [.. Qkv], [new("z", ["K"]), new("S", ["K", "V"])], ["V"]);
        var binding = Bind(op, [.. QkvShapes, ("in.h0", [B, H, K, V]), ("out.state0", [B, H, K, V])]);
        Assert.Equal([null, new("h0", false)], binding.InitialStates);
        Assert.Equal([new(1, false)], binding.FinalStates);
    }

    [Theory]
    [InlineData("N", "D", true)]
    [InlineData("D", "N", false)]
    public void Matrices_the_other_way_round_are_turned(string row, string column, bool transposed)
    {
        const int D = 8, N = 3;
        var op = HandmadeOps.Signature(
            "Scan", [Token("x", "D"), Token("Bm", "N"), new("A", [row, column], ArgumentRole.PerHead)], [new("S", [row, column])], ["D"], heads: false);
        var binding = Bind(op,
            ("in.x", [B, T, D]), ("in.Bm", [B, T, N]), ("in.A", [D, N]), ("in.h0", [B, D, N]), ("out.o", [B, T, D]), ("out.state0", [B, D, N]));
        Assert.Equal(new("A", transposed), binding.Arguments[2]);
        Assert.Equal([new("h0", transposed)], binding.InitialStates);
        Assert.Equal([new(0, transposed)], binding.FinalStates);
    }

    [Fact]
    public void An_argument_of_another_name_takes_the_one_input_that_fits()
    {
        var op = HandmadeOps.Signature(
            "Bonus", [Token("r", "K"), Token("k", "K"), Token("v", "V"), new("u", ["K"], ArgumentRole.PerHead)], [new("S", ["K", "V"])], ["V"]);
        var binding = Bind(op, [.. QkvShapes, ("in.bonus", [H, K]), ("in.h0", [B, H, K, V])]);
        Assert.Equal([new("q", false), new("k", false), new("v", false), new("bonus", false)], binding.Arguments);
    }

    [Fact]
    public void An_argument_that_more_than_one_input_fits_is_not_guessed()
    {
        var op = HandmadeOps.Signature("Two", [Token("r", "K"), Token("w", "K"), Token("v", "V")], [], ["V"]);
        var e = Assert.Throws<InvalidDataException>(() => Bind(op, QkvShapes));
        Assert.Contains("'in.r' [B=2, T=5, H=3, K] for Two", e.Message);
        Assert.Contains("more than one that fits: k, q", e.Message);
    }

    [Fact]
    public void A_per_head_default_needs_no_input()
    {
        var gamma = new Argument("gamma", [], ArgumentRole.PerHead, Default: (head, _) => 1 - Math.Pow(2, -5 - head));
        var op = HandmadeOps.Signature("Retention", [.. Qkv, gamma], [new("S", ["K", "V"])], ["V"]);
        Assert.Null(Bind(op, QkvShapes).Arguments[3]);
    }

    [Fact]
    public void Grouped_heads_fit_and_others_do_not()
    {
        var op = HandmadeOps.Signature("Linear", [.. Qkv], [new("S", ["K", "V"])], ["V"]);
        (string, long[])[] Grouped(long heads) => [("in.q", [B, T, H, K]), ("in.k", [B, T, heads, K]), ("in.v", [B, T, heads, V]), ("out.o", [B, T, H, V])];
        Bind(op, Grouped(1));
        var e = Assert.Throws<InvalidDataException>(() => Bind(op, Grouped(2)));
        Assert.Contains("expected 'in.k' of Linear to be [B=2, T=5, H=3, K=4], came [2, 5, 2, 4]", e.Message);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        var op = HandmadeOps.Signature("Linear", [.. Qkv], [new("S", ["K", "V"])], ["V"]);
        void Refuse(string expected, params (string, long[])[] tensors) =>
            Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => Bind(op, tensors)).Message);

        Refuse("'in.extra' [9] is neither", [.. QkvShapes, ("in.extra", [9])]);
        Refuse("'in.h1' [2, 3, 4, 6] is neither", [.. QkvShapes, ("in.h0", [B, H, K, V]), ("in.h1", [B, H, K, V])]);
        Refuse("'out.state0' [2, 3, 6] fits none", [.. QkvShapes, ("out.state0", [B, H, V])]);
        Refuse("'in.v' [B=2, T=5, H=3, V=6] for Linear, came none of that name and none that fits", [.. QkvShapes.Where(item => item.Item1 != "in.v")]);
        Refuse("the output of Linear to be [B, T, H, V], came [2, 5, 6]", ("out.o", [B, T, V]));
    }

    [Fact]
    public void A_file_without_the_layout_is_refused()
    {
        void Refuse(string expected, params (string, long[])[] tensors) =>
            Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => Figures(tensors)).Message);

        Refuse("'out.o', came none", ("in.q", [B, T, H, K]));
        Refuse("'out.o' to be [B, T, ...], came [2]", ("out.o", [B]));
        Refuse("expected 'in.q' beside 'grad.q'", ("out.o", [B, T, H, V]), ("grad.q", [1]));
        Refuse("expected 'grad.q' to be [2, 5, 3, 4] like 'in.q', came [1]", [.. QkvShapes, ("grad.q", [1])]);
        Refuse("expected 'out.state0' beside 'grad_out.state0'", [.. QkvShapes, ("grad_out.state0", [1])]);
        Refuse("expected 'grad_out.o' beside the gradients", [.. QkvShapes, ("grad.q", [B, T, H, K])]);
    }

    private static (string, long[])[] QkvShapes =>
        [("in.q", [B, T, H, K]), ("in.k", [B, T, H, K]), ("in.v", [B, T, H, V]), ("out.o", [B, T, H, V])];

    private static Argument Token(string name, string dimension) => new(name, [dimension], ArgumentRole.Token);

    private FigureBinding Bind(RecurrenceOp op, params (string Name, long[] Shape)[] tensors)
    {
        using var figures = Figures(tensors);
        return FigureBinding.Of(op, figures);
    }

    private OpFigures Figures(params (string Name, long[] Shape)[] tensors)
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(folder.File("figures"), tensors.ToDictionary(item => item.Name, item => zeros(item.Shape)));
        var figures = OpFigures.Read(folder.File("figures"));
        scope.Detach(figures.Inputs.Values);
        scope.Detach(figures.Output);
        scope.Detach(figures.States);
        return figures;
    }
}
