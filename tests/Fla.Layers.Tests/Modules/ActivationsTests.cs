using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class ActivationsTests
{
    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Tanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    public static TheoryData<string, Func<double, double>> Formulas => new()
    {
        { "relu", x => Math.Max(x, 0) },
        { "sigmoid", Sigmoid },
        { "logsigmoid", x => -Math.Log(1 + Math.Exp(-x)) },
        { "silu", x => x * Sigmoid(x) },
        { "swish", x => x * Sigmoid(x) },
        { "sqrelu", x => Math.Max(x, 0) * Math.Max(x, 0) },
        { "gelu", Tanh },
    };

    [Theory]
    [MemberData(nameof(Formulas))]
    public void An_activation_is_its_formula(string name, Func<double, double> formula)
    {
        double[] points = [-3, -0.5, 0, 0.5, 2];
        using var y = Activations.Get(name)(tensor(points));
        Assert.All(points.Zip(y.data<double>()), pair => Assert.Equal(formula(pair.First), pair.Second, 1e-12));
    }

    [Fact]
    public void Hugging_Face_calls_the_exact_form_gelu()
    {
        using var y = Activations.GetHuggingFace("gelu")(tensor(1.0));
        Assert.Equal(0.8413447460685429, y.item<double>(), 1e-12);
    }

    [Fact]
    public void The_powered_linear_unit_has_a_slope_everywhere()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { -2.0, 0.0, 0.5, 4.0 }, requires_grad: true);
        var y = Activations.PoweredLinearUnit(x);
        double[] expected = [-2 * Sigmoid(-2), 0, Math.Pow(0.5, 3 / (Math.Sqrt(0.5) + 1)) * Sigmoid(0.5), 4 * Sigmoid(4)];
        Assert.All(expected.Zip(y.data<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        y.sum().backward();
        Assert.True(x.grad!.isfinite().all().item<bool>());
        Assert.Equal(0.5, x.grad[1].item<double>(), 1e-12);
    }

    [Fact]
    public void An_unknown_name_is_told_with_the_known_ones() =>
        Assert.Contains("sqrelu", Assert.Throws<ArgumentException>(() => Activations.Get("mish")).Message);
}
