using System.Diagnostics;
using NewVariant.Model;
using NewVariant.Text;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NewVariant.Training;

/// <summary>A model in training, with all that it has come through.</summary>
internal sealed class Trainer(string name, LanguageModel model) : IDisposable
{
    private const int RecentSteps = 20;

    public string Name => name;

    public LanguageModel Model => model;

    public AdamW Optimizer { get; } =
        optim.AdamW(model.parameters(), Plan.PeakRate, Plan.Beta1, Plan.Beta2, weight_decay: Plan.WeightDecay);

    public long Parameters => model.parameters().Sum(parameter => parameter.numel());

    /// <summary>Bits per byte of each step's windows, before the step.</summary>
    public List<double> TrainBits { get; } = [];

    /// <summary>Bits per byte of the held-out text, after so many steps.</summary>
    public List<(int Steps, double Bits)> HeldOutBits { get; } = [];

    /// <summary>Time spent in training steps.</summary>
    public TimeSpan Spent { get; set; }

    /// <summary>Bits per byte over the last steps: one step's windows say little.</summary>
    public double RecentBits => TrainBits.TakeLast(RecentSteps).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Bytes trained on in a second.</summary>
    public double Speed => Spent > TimeSpan.Zero ? TrainBits.Count * Batches.Count * Batches.Length / Spent.TotalSeconds : 0;

    /// <summary>One step down the gradient of some windows, <c>[B, T + 1]</c>.</summary>
    public void Step(Tensor windows, double rate)
    {
        using var scope = NewDisposeScope();
        var watch = Stopwatch.StartNew();
        foreach (var group in Optimizer.ParamGroups)
            group.LearningRate = rate;
        Optimizer.zero_grad();
        var loss = Loss(windows);
        loss.backward();
        nn.utils.clip_grad_norm_(model.parameters(), Plan.LargestGradient);
        Optimizer.step();
        TrainBits.Add(Bits(loss));
        Spent += watch.Elapsed;
    }

    /// <summary>Measures bits per byte of the held-out text.</summary>
    public void Evaluate(IEnumerable<Tensor> batches)
    {
        using var noGradient = no_grad();
        var (bits, windows) = (0.0, 0L);
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            bits += Bits(Loss(batch)) * batch.shape[0];
            windows += batch.shape[0];
            batch.Dispose();
        }

        HeldOutBits.Add((TrainBits.Count, bits / windows));
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        model.Dispose();
    }

    private Tensor Loss(Tensor windows)
    {
        var length = windows.shape[1] - 1;
        var logits = model.forward(windows.narrow(1, 0, length));
        return nn.functional.cross_entropy(logits.flatten(0, 1), windows.narrow(1, 1, length).flatten());
    }

    private static double Bits(Tensor loss) => loss.item<float>() / Math.Log(2);
}
