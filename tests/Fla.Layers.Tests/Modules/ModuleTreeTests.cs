using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class ModuleTreeTests
{
    private sealed class Mixer : TokenMixer
    {
        public Mixer(long size)
            : base("Mixer", null)
        {
            register_module("q_proj", nn.Linear(size, 2, hasBias: false));
            register_module("gk_proj", nn.Sequential(("0", nn.Linear(4, 16)), ("1", nn.Tanh())));
            register_module("conv1d", nn.Conv1d(8, 8, 4, padding: 3, groups: 8));
            register_module("time_shift", nn.ZeroPad2d((0, 0, 1, -1)));
            register_module("norm", new RMSNorm(8));
        }

        public override Tensor forward(Tensor hiddenStates, Tensor? attentionMask, Cache? cache = null, Tensor? cuSeqlens = null) =>
            hiddenStates;
    }

    private sealed class Parent : nn.Module
    {
        public Parent(nn.Module layers)
            : base(nameof(Parent)) => register_module("layers", layers);
    }

    private const string Tree = """
        Mixer(
          (q_proj): Linear(in_features=4, out_features=2, bias=False)
          (gk_proj): Sequential(
            (0): Linear(in_features=4, out_features=16, bias=True)
            (1): Tanh()
          )
          (conv1d): Conv1d(8, 8, kernel_size=(4,), stride=(1,), padding=(3,), groups=8)
          (time_shift): ZeroPad2d((0, 0, 1, -1))
          (norm): RMSNorm(8, eps=1e-05)
        )
        """;

    [Fact]
    public void A_layer_prints_as_its_tree() => Assert.Equal(Tree, new Mixer(4).ToString());

    [Fact]
    public void Equal_neighbours_in_a_list_are_one_line()
    {
        var list = new ModuleList<Mixer>(new Mixer(4), new Mixer(4), new Mixer(5), new Mixer(4));
        var lines = ModuleTree.Text(new Parent(list)).Split('\n');
        Assert.Equal("  (layers): ModuleList(", lines[1]);
        Assert.Equal(["    (0-1): 2 x Mixer(", "    (2): Mixer(", "    (3): Mixer("], lines.Where(line => line.EndsWith(" Mixer(")));
    }

    [Theory]
    [InlineData(1e-6, "1e-06")]
    [InlineData(0.00032, "0.00032")]
    [InlineData(1.5e-7, "1.5e-07")]
    [InlineData(10000.0, "10000.0")]
    [InlineData(1e16, "1e+16")]
    [InlineData(0.1, "0.1")]
    [InlineData(-32.0, "-32.0")]
    [InlineData(0.0, "0.0")]
    public void Floats_print_as_Python_prints_them(double value, string text) => Assert.Equal(text, PythonText.Of(value));
}
