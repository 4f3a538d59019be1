using Fla.Dsl;
using Fla.Dsl.Runtime.Emulator;
using Fla.Dsl.Testing;
using Fla.Ops.Tests.Launch;
using TorchSharp;

namespace Fla.Ops.Tests.Operators;

/// <summary>Generated kernels, which the emulator runs, against the declarations: outputs, final states and all gradients.</summary>
public class KernelTests
{
    public static TheoryData<string> Names => [.. Fla.Ops.Catalogue.All.Where(op => op.Gpu is not null).Select(op => op.Name)];

    /// <summary>What users might declare: in this assembly, and not in the catalogue.</summary>
    public static TheoryData<string> Variants =>
        [.. Catalogue.All.Where(op => op.Gpu is not null).Select(op => op.Name).Except(Fla.Ops.Catalogue.All.Select(op => op.Name))];

    [Theory]
    [MemberData(nameof(Names))]
    public void They_equal_the_declaration(string name) => Check(Fla.Ops.Catalogue.All.Single(op => op.Name == name), Packed);

    [Theory]
    [MemberData(nameof(Variants))]
    public void Those_of_users_do_too(string name) => Check(Catalogue.All.Single(op => op.Name == name), Packed with { Heads = 1 });

    // Two chunks or more, none and one.
    private static ConformanceCase Packed => new()
    {
        Type = torch.ScalarType.Float32,
        SequenceLengths = [70, 0, 3],
        Sizes = new Dictionary<string, int> { ["K"] = 12, ["V"] = 20, ["M"] = 6, ["N"] = 5, ["D"] = 7 },
    };

    public static TheoryData<string> ByChannel => [.. Fla.Ops.Catalogue.All.Where(op => op.Gpu?.Forward.IsByChannel == true).Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(ByChannel))]
    public void Channels_are_spread_over_blocks(string name) => Check(Fla.Ops.Catalogue.All.Single(op => op.Name == name), new()
    {
        Type = torch.ScalarType.Float32,
        Tokens = 41,
        Sizes = new Dictionary<string, int> { ["D"] = 70, ["N"] = 8 },
        StrongestLogDecay = -20,
    });

    [Theory]
    [InlineData("Based")]
    [InlineData("GatedSlotAttention")]
    public void Columns_are_spread_over_blocks_also_where_a_state_has_others(string name)
    {
        var before = EmulatedDevice.Instance.Stated;
        EmulatedDevice.Instance.Stated = before with { Multiprocessors = 3 };
        try
        {
            Check(Fla.Ops.Catalogue.All.Single(op => op.Name == name), new()
            {
                Type = torch.ScalarType.Float32,
                Tokens = 33,
                Batch = 1,
                Heads = 1,
                Sizes = new Dictionary<string, int> { ["K"] = 12, ["V"] = 70 },
            });
        }
        finally
        {
            EmulatedDevice.Instance.Stated = before;
        }
    }

    /// <summary>Were operands of the triangular system rounded to bf16, the errors would be 5.0e-3 and 3.5e-3.</summary>
    [Theory]
    [InlineData("DeltaRule", 4.2e-3)]
    [InlineData("KimiDeltaAttention", 3.2e-3)]
    public void Gradients_through_a_triangular_system_are_more_exact_than_bf16(string name, double tolerance)
    {
        using var backend = BackendOf.Emulator;
        var test = new ConformanceCase
        {
            Type = torch.ScalarType.BFloat16,
            Batch = 1,
            Tokens = 70,
            Heads = 1,
            Sizes = new Dictionary<string, int> { ["K"] = 32, ["V"] = 32 },
        };
        var result = Conformance.Check(Fla.Ops.Catalogue.All.Single(op => op.Name == name), test, [new Execution(Mode.Chunk)]).Single();
        Assert.InRange(result.Errors["dk"], 0, tolerance);
    }

    private static void Check(RecurrenceOp op, ConformanceCase test)
    {
        using var backend = BackendOf.Emulator;
        foreach (var result in Conformance.Check(op, test, [new Execution(Mode.Chunk)]))
            Assert.True(result.Worst.Value < 1e-5, $"{result.Execution}: {string.Join(", ", result.Errors)}");
    }
}
