using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Runtime;

namespace Fla.Ops.Tests.Launch;

/// <summary>Recurrences with kernels.</summary>
internal static class KernelOps
{
    /// <summary><see cref="TestOps.DecayingSums"/> that has nothing but kernels for chunks: TorchSharp's program refuses.</summary>
    public static TestOp DecayingSums { get; } = With(DecayingSumsKernels.Program);

    /// <summary>The same, with the given kernels.</summary>
    public static TestOp With(GpuProgram program)
    {
        var op = TestOps.DecayingSums.Op;
        var refusing = new Sweep(_ => throw ByTorch(), (_, _) => throw ByTorch(), (_, _, _) => throw ByTorch());
        return new TestOp(
            new RecurrenceOp
            {
                Name = op.Name,
                Declaration = op.Declaration,
                Class = op.Class,
                HasHeads = op.HasHeads,
                Arguments = op.Arguments,
                States = op.States,
                OutputDimensions = op.OutputDimensions,
                Modes = op.Modes,
                ChunkProgram = new(refusing, refusing),
                TokenProgram = op.TokenProgram,
                Gpu = program,
            },
            TestOps.DecayingSums.Token);
    }

    private static ByTorchException ByTorch() => new();
}

/// <summary>TorchSharp evaluates what is to be evaluated by kernels.</summary>
internal sealed class ByTorchException : Exception;
