using NewVariant.Model;
using static TorchSharp.torch;

namespace NewVariant.Generation;

/// <summary>Writes on, a byte at a time: what it has read is in the state alone, of one size however long the text.</summary>
internal sealed class ByteDecoder(LanguageModel model, int seed) : IDisposable
{
    // Below 1 the likely is likelier still: a model this small has a long tail of nonsense.
    private const double Temperature = 0.6;

    private readonly Random random = new(seed);
    private MixerState[]? states;
    private double[] probabilities = [];

    /// <summary>Reads one more byte.</summary>
    public void Read(byte next)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (logits, after) = model.Step(tensor([(long)next]), states);
        probabilities = [.. nn.functional.softmax(logits.to(ScalarType.Float64) / Temperature, -1).data<double>()];
        foreach (var state in after)
            scope.Detach(state.Recent, state.Memory);
        Dispose();
        states = after;
    }

    /// <summary>Draws the next byte, and reads it.</summary>
    public byte Write()
    {
        var left = random.NextDouble();
        byte next = 0;
        while (next < byte.MaxValue && (left -= probabilities[next]) > 0) next++;
        Read(next);
        return next;
    }

    public void Dispose()
    {
        foreach (var (recent, memory) in states ?? [])
        {
            recent.Dispose();
            memory.Dispose();
        }
    }
}
