using Fla.Dsl.Testing;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Language;

/// <summary>The declarations, run by the oracle, against another implementation's outputs, final states and gradients.</summary>
public class GoldenTests
{
    // The figures are fp32.
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData("linear_attn", typeof(Variants.LinearAttention), "S:h0")]
    [InlineData("linear_attn_normalized", typeof(Variants.NormalizedLinearAttention), "S", "z")]
    [InlineData("retention", typeof(Variants.Retention), "S")]
    [InlineData("simple_gla", typeof(Variants.SimpleGla), "S:h0")]
    [InlineData("gla", typeof(Variants.GatedLinearAttention), "S:h0")]
    [InlineData("gla_strong_decay", typeof(Variants.GatedLinearAttention), "S:h0")]
    [InlineData("delta_rule", typeof(Variants.DeltaRule), "S:h0")]
    [InlineData("gated_delta_rule", typeof(Variants.GatedDeltaRule), "S:h0")]
    [InlineData("kda", typeof(Variants.KimiDeltaAttention), "S:h0")]
    [InlineData("comba", typeof(Variants.Comba), "S:h0")]
    [InlineData("dplr_delta_rule", typeof(Variants.DplrDeltaRule), "S:h0")]
    [InlineData("rwkv6", typeof(Variants.Rwkv6), "S:h0")]
    [InlineData("gsa", typeof(Variants.GatedSlotAttention), "Sk:hk0", "Sv:hv0")]
    [InlineData("hgrn", typeof(Variants.Hgrn), "h:h0")]
    [InlineData("selective_scan", typeof(Variants.SelectiveScan), "S:h0")]
    public void Declaration_gives_the_figures(string file, Type declaration, params string[] states)
    {
        using var scope = NewDisposeScope();
        var golden = new Golden(file);
        var arguments = golden.Under("in");
        var initial = new Dictionary<string, Tensor>();
        var gradFinal = new Dictionary<string, Tensor>();
        var names = states.Select(s => s.Split(':')).ToArray();
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i] is [var state, var file0] && arguments.Remove(file0, out var h0))
                initial.Add(state, h0);
            if (golden.Has($"grad_out.state{i}"))
                gradFinal.Add(names[i][0], golden[$"grad_out.state{i}"]);
        }
        var scale = declaration.GetMethod("Step", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!
            .GetParameters().Any(p => p.Name == "scale") ? golden.Scale : null;

        var gradients = Oracle.Differentiate(declaration, arguments, golden["grad_out.o"], gradFinal, initial, scale);

        Close("o", gradients.Result.Output, golden["out.o"]);
        for (var i = 0; i < names.Length; i++)
        {
            if (golden.Has($"out.state{i}"))
                Close($"final {names[i][0]}", gradients.Result.FinalStates[names[i][0]], golden[$"out.state{i}"]);
            if (names[i] is [var state, var file0])
                Close($"gradient of {file0}", gradients.InitialStates[state], golden[$"grad.{file0}"]);
        }
        foreach (var name in arguments.Keys)
            Close($"gradient of {name}", gradients.Arguments[name], golden[$"grad.{name}"]);
    }

    [Fact]
    public void A_transposed_declaration_gives_the_same_figures()
    {
        using var scope = NewDisposeScope();
        var golden = new Golden("selective_scan");
        var arguments = golden.Under("in");
        arguments["A"] = arguments["A"].mT;
        arguments.Remove("h0", out var h0);
        var gradients = Oracle.Differentiate(
            typeof(Variants.SelectiveScanTransposed),
            arguments,
            golden["grad_out.o"],
            new Dictionary<string, Tensor> { ["S"] = golden["grad_out.state0"].mT },
            new Dictionary<string, Tensor> { ["S"] = h0!.mT });

        Close("o", gradients.Result.Output, golden["out.o"]);
        Close("gradient of A", gradients.Arguments["A"].mT, golden["grad.A"]);
        Close("gradient of h0", gradients.InitialStates["S"].mT, golden["grad.h0"]);
    }

    private static void Close(string what, Tensor actual, Tensor expected)
    {
        var error = RelativeError.Rms(actual, expected);
        Assert.True(error <= Tolerance, $"{what}: relative error {error:e1}");
    }
}
