using Fla.Layers;
using Fla.Layers.Generation;
using Fla.Layers.Models;
using static TorchSharp.torch;

// The examples of flash-linear-attention's README.

Heading("A layer of retention in the place of attention");
using var noGrad = no_grad();
using var scope = NewDisposeScope();
var retention = new MultiScaleRetention(hiddenSize: 1024, numHeads: 4);
Console.WriteLine(retention);
var x = randn(2, 128, 1024);
var y = retention.forward(x);
Console.WriteLine($"[{string.Join(", ", x.shape)}] -> [{string.Join(", ", y.shape)}]");

Heading("The configuration of a model");
var config = new GLAConfig();
Console.WriteLine(config);

Heading("A model from a configuration");
// Eight layers of a quarter of the width: the default, 1.3 billion parameters, takes its time on a CPU.
var gla = AutoModelForCausalLM.FromConfig(config with { HiddenSize = 512, NumHiddenLayers = 8 });
Console.WriteLine(gla);
Console.WriteLine($"{gla.ParameterCount:N0} parameters");

Heading("A hybrid of Mamba and attention over a window");
var samba = AutoModelForCausalLM.FromConfig(new SambaConfig
{
    NumHiddenLayers = 2,
    Attn = new AttentionSpec { Layers = [1], NumHeads = 18, NumKvHeads = 18, WindowSize = 2048 },
});
Console.WriteLine(samba);
Console.WriteLine($"{samba.ParameterCount:N0} parameters");

Heading("A few tokens of it, from a state of constant size and a window");
var prompt = randint(samba.Config.VocabSize, [1, 8], ScalarType.Int64);
foreach (var step in samba.Stream(prompt, new GenerationConfig { MaxNewTokens = 8, DoSample = true, Seed = 0 }))
    Console.Write($"{step[0]} ");
Console.WriteLine();

static void Heading(string text) => Console.WriteLine($"\n== {text} ==");
