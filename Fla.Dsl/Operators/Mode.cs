namespace Fla.Dsl;

/// <summary>The ways to evaluate a recurrence over a sequence. All give the same output, final state and gradients.</summary>
public enum Mode
{
    /// <summary>All chunks at once: what needs no state runs in parallel over the sequence, only the state walks from chunk to chunk.</summary>
    Chunk,

    /// <summary>One chunk after the other, with no chunk state kept but a few checkpoints.</summary>
    FusedChunk,

    /// <summary>One token after the other, O(T K V).</summary>
    FusedRecurrent,

    /// <summary>The quadratic form: the whole sequence is one chunk.</summary>
    Parallel,
}
