namespace Fla.Dsl.Numerics;

/// <summary>
/// Records the adjoints of the operations on this thread from its making to its disposal, so that one walk backwards gives the gradient of
/// every <see cref="Value"/> that took part. Without a tape nothing is recorded.
/// </summary>
internal sealed class Tape : IDisposable
{
    [ThreadStatic]
    private static Tape? current;

    private readonly Stack<(Value Result, Action Adjoint)> entries = new();
    private readonly Tape? outer = current;

    /// <summary>Starts recording; an outer tape waits meanwhile.</summary>
    public Tape() => current = this;

    /// <summary>The tape that records on this thread, if any.</summary>
    public static Tape? Current => current;

    /// <summary>
    /// Adds an operation: <paramref name="adjoint"/> adds to its operands' gradients what the gradient of its result makes of them.
    /// </summary>
    public void Record(Value result, Action adjoint) => entries.Push((result, adjoint));

    /// <summary>Walks back once from the gradients already added to the results; the tape is empty afterwards.</summary>
    public void Backward()
    {
        while (entries.TryPop(out var entry))
        {
            // A result nobody added a gradient to has none to pass on.
            if (entry.Result.HasGradient)
                entry.Adjoint();
        }
    }

    /// <summary>Stops recording.</summary>
    public void Dispose() => current = outer;
}
