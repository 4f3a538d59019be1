using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

/// <summary>The losses against their formulas in plain operations of TorchSharp, which autograd differentiates.</summary>
public class LossTests
{
    private const int Rows = 37, Size = 6, Classes = 11, Ignored = -1;

    public static TheoryData<double, double, double, double?, string> Settings => new()
    {
        { 0, 1, 0, null, "mean" },
        { 0, 1, 0, null, "sum" },
        { 0.1, 1, 0, null, "mean" },
        { 0, 0.7, 0.01, null, "mean" },
        { 0, 1, 0, 2.0, "sum" },
        { 0.2, 1.3, 0.05, 1.5, "mean" },
        { 0.2, 1.3, 0.05, 1.5, "none" },
    };

    private static Tensor Formula(Tensor logits, Tensor target, double smoothing, double scale, double z, double? cap, string reduction)
    {
        var x = logits * scale;
        if (cap is { } bound)
            x = bound * (x / bound).tanh();
        var lse = x.logsumexp(-1);
        var counted = target.ne(Ignored);
        var own = x.gather(-1, target.clamp(0).unsqueeze(-1)).squeeze(-1);
        var losses = (lse - (1 - smoothing) * own - smoothing * x.mean([-1]) + z * lse * lse) * counted.to(x.dtype);
        return reduction switch { "mean" => losses.sum() / counted.sum(), "sum" => losses.sum(), _ => losses };
    }

    private static Tensor Targets()
    {
        var target = randint(0, Classes, Rows);
        target[0] = target[5] = target[Rows - 1] = Ignored;
        return target;
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Cross_entropy_is_its_formula(double smoothing, double scale, double z, double? cap, string reduction)
    {
        using var scope = NewDisposeScope();
        foreach (var inplace in new[] { false, true })
        {
            var loss = new FusedCrossEntropyLoss(Ignored, reduction, smoothing, scale, z, cap, inplace);
            var (logits, target) = ((3 * randn(Rows, Classes, dtype: ScalarType.Float64)).requires_grad_(), Targets());
            var theirs = logits.detach().clone().requires_grad_();
            var upstream = randn(reduction == "none" ? [Rows] : [], dtype: ScalarType.Float64);
            var (ours, ourZ) = loss.WithZLoss(logits, target);
            var expected = Formula(theirs, target, smoothing, scale, z, cap, reduction);
            var withoutZ = Formula(theirs, target, smoothing, scale, 0, cap, reduction);
            Assert.True(ours.From(expected) < 1e-12);
            Assert.True(ourZ.From(expected - withoutZ) < 1e-12);
            Assert.False(ourZ.requires_grad);

            ours.backward([upstream]);
            expected.backward([upstream]);
            Assert.True(logits.grad!.From(theirs.grad!) < 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Cross_entropy_of_a_map_is_that_of_its_output(double smoothing, double scale, double z, double? cap, string reduction)
    {
        using var scope = NewDisposeScope();
        if (reduction == "none" || z != 0)
            (reduction, z) = ("sum", 0); // it has neither
        foreach (var (chunks, hasBias) in new[] { (1, false), (3, true), (8, true) })
        {
            var loss = new FusedLinearCrossEntropyLoss(Ignored, smoothing, scale, cap, chunks, reduction);
            Tensor[] ours = [Drawn(Rows, Size), Drawn(Classes, Size), .. hasBias ? new[] { Drawn(Classes) } : []];
            Tensor[] theirs = [.. ours.Select(tensor => tensor.detach().clone().requires_grad_())];
            var target = Targets();
            var actual = loss.forward(ours[0].view(1, Rows, Size), target.view(1, Rows), ours[1], ours.ElementAtOrDefault(2));
            var logits = nn.functional.linear(theirs[0], theirs[1], theirs.ElementAtOrDefault(2));
            var expected = Formula(logits, target, smoothing, scale, z, cap, reduction);
            Assert.True(actual.From(expected) < 1e-12);

            (actual * 1.7).backward();
            (expected * 1.7).backward();
            Assert.All(ours.Zip(theirs), pair => Assert.True(pair.First.grad!.From(pair.Second.grad!) < 1e-12));
        }
    }

    [Fact]
    public void The_divergence_is_its_formula_and_has_no_chunk_in_it()
    {
        using var scope = NewDisposeScope();
        var (targetX, targetWeight) = (Drawn(Rows, 4).detach(), Drawn(Classes, 4).detach());
        Tensor[] ours = [Drawn(Rows, Size), Drawn(Classes, Size)];
        Tensor[] theirs = [.. ours.Select(tensor => tensor.detach().clone().requires_grad_())];
        var actual = new FusedKLDivLoss().forward(ours[0], targetX, ours[1], targetWeight);
        var (student, teacher) = (theirs[0].matmul(theirs[1].t()).log_softmax(-1), targetX.matmul(targetWeight.t()).log_softmax(-1));
        var expected = (teacher.exp() * (teacher - student)).sum() / Rows;
        Assert.True(actual.From(expected) < 1e-12);
        Assert.True(actual.item<double>() > 0);

        actual.backward();
        expected.backward();
        Assert.All(ours.Zip(theirs), pair => Assert.True(pair.First.grad!.From(pair.Second.grad!) < 1e-12));
        Assert.True(new FusedKLDivLoss().forward(targetX, targetX, targetWeight, targetWeight).From(zeros([])) < 1e-12);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.BFloat16, 2e-2)]
    public void Lower_precision_is_close_to_double(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var target = Targets();
        Tensor[] exact = [Drawn(Rows, Size), Drawn(Classes, Size)];
        Tensor[] rounded = [.. exact.Select(tensor => tensor.detach().to(type).requires_grad_())];
        using (no_grad())
            foreach (var (from, to) in rounded.Zip(exact))
                to.copy_(from);
        Func<Tensor[], Tensor>[] losses =
        [
            x => new FusedCrossEntropyLoss(Ignored).forward(nn.functional.linear(x[0], x[1]), target),
            x => new FusedLinearCrossEntropyLoss(Ignored).forward(x[0], target, x[1]),
            x => new FusedLinearCrossEntropyLoss(Ignored, accumulateGradInFp32: false).forward(x[0], target, x[1]),
            x => new FusedKLDivLoss().forward(x[0], exact[0].detach().to(x[0].dtype), x[1], exact[1].detach().to(x[0].dtype) * 0.5),
        ];
        foreach (var loss in losses)
        {
            var (actual, expected) = (loss(rounded), loss(exact));
            Assert.Equal(ScalarType.Float32, actual.dtype);
            Assert.True(actual.From(expected) < tolerance);
            actual.backward();
            expected.backward();
            foreach (var (ours, theirs) in rounded.Zip(exact))
            {
                Assert.Equal(type, ours.grad!.dtype);
                Assert.True(ours.grad.From(theirs.grad!) < tolerance * theirs.grad!.abs().max().item<double>());
                ours.grad = theirs.grad = null;
            }
        }
    }

    [Fact]
    public void The_warp_pushes_down_the_largest_logit_of_each_token()
    {
        using var scope = NewDisposeScope();
        var logits = Drawn(2, 3, Classes);
        var loss = L2Warp.Apply(tensor(5.0), logits, factor: 0.6);
        Assert.Equal(5, loss.item<double>());
        loss.backward();
        var (largest, places) = logits.detach().max(-1, keepdim: true);
        Assert.True(logits.grad!.From(zeros_like(logits).scatter(-1, places, largest * 0.6 / 6)) < 1e-12);

        var (x, weight, target) = (Drawn(Rows, Size), Drawn(Classes, Size).detach(), Targets());
        new FusedLinearCrossEntropyLoss(Ignored, useL2warp: true, l2PenaltyFactor: 0.6).forward(x, target, weight).backward();
        var other = x.detach().clone().requires_grad_();
        var output = nn.functional.linear(other, weight).view(1, Rows, Classes);
        L2Warp.Apply(new FusedCrossEntropyLoss(Ignored).forward(output.view(Rows, Classes), target), output, 0.6).backward();
        Assert.True(x.grad!.From(other.grad!) < 1e-12);
    }

    [Fact]
    public void Where_nothing_counts_the_mean_is_no_number_and_no_gradient_flows()
    {
        using var scope = NewDisposeScope();
        var (x, weight, target) = (Drawn(Rows, Size), Drawn(Classes, Size), full([Rows], Ignored, ScalarType.Int64));
        var loss = new FusedLinearCrossEntropyLoss(Ignored).forward(x, target, weight);
        loss.backward();
        Assert.True(double.IsNaN(loss.item<double>()));
        Assert.True(x.grad!.eq(0).all().item<bool>());

        var logits = Drawn(Rows, Classes);
        new FusedCrossEntropyLoss(Ignored).forward(logits, target).backward();
        Assert.True(logits.grad!.eq(0).all().item<bool>());
    }

    [Fact]
    public void The_logits_of_a_map_are_never_there_all_at_once()
    {
        const long Tokens = 4096, Channels = 64, Vocabulary = 8192, Logits = Tokens * Vocabulary * sizeof(float);
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(Tokens, Channels).requires_grad_(), randn(Vocabulary, Channels).requires_grad_());
        var target = randint(0, Vocabulary, Tokens);
        Run(Fused); // what libraries set up in their first use is not counted
        var (fused, plain) = (PeakMemory.Of(() => Run(Fused)), PeakMemory.Of(() => Run(Plain)));
        Assert.True(plain >= 2 * Logits, $"plain: {plain >> 20} MiB");
        Assert.True(fused < Logits, $"fused: {fused >> 20} MiB of {Logits >> 20} MiB of logits");

        void Run(Func<Tensor> loss)
        {
            using var inner = NewDisposeScope();
            loss().backward();
            (x.grad, weight.grad) = (null, null);
        }

        Tensor Fused() => new FusedLinearCrossEntropyLoss().forward(x, target, weight);

        Tensor Plain() => nn.functional.cross_entropy(nn.functional.linear(x, weight), target);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var (x, weight, logits, target) = (randn(5, Size), randn(Classes, Size), randn(5, Classes), zeros(5, ScalarType.Int64));
        var loss = new FusedCrossEntropyLoss();
        Assert.Throws<ArgumentException>("input", () => loss.forward(randn(1, 5, Classes), target));
        Assert.Throws<ArgumentException>("target", () => loss.forward(logits, target[..4]));
        Assert.Throws<ArgumentException>("target", () => loss.forward(logits, target.to(ScalarType.Int32)));
        Assert.Throws<ArgumentException>("target", () => loss.forward(logits, target + Classes));
        Assert.Throws<ArgumentException>("target", () => loss.forward(logits, target - 7));
        Assert.Throws<ArgumentException>("weight", () => new FusedLinearCrossEntropyLoss().forward(x, target, randn(Classes, 5)));
        Assert.Throws<ArgumentException>("bias", () => new FusedLinearCrossEntropyLoss().forward(x, target, weight, randn(5)));
        Assert.Throws<ArgumentException>("reduction", () => new FusedLinearCrossEntropyLoss(reduction: "none"));
        Assert.Throws<ArgumentException>("labelSmoothing", () => new FusedCrossEntropyLoss(labelSmoothing: 2));
        Assert.Throws<ArgumentException>("logitSoftcapping", () => new FusedCrossEntropyLoss(logitSoftcapping: 0));
        Assert.Throws<ArgumentException>("targetX", () => new FusedKLDivLoss().forward(x, randn(4, Size), weight, weight));
        Assert.Throws<ArgumentException>("targetWeight", () => new FusedKLDivLoss().forward(x, x, weight, randn(7, Size)));
        Assert.Throws<ArgumentException>("targetX", () => new FusedKLDivLoss().forward(x, x.detach().requires_grad_(), weight, weight));
    }

    private static Tensor Drawn(params long[] shape) => randn(shape, dtype: ScalarType.Float64).requires_grad_();
}
