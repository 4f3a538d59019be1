namespace Fla.Dsl.Runtime;

/// <summary>A kernel could not be compiled; the message names it, and has what the compiler says.</summary>
public sealed class KernelCompilationException : Exception
{
    internal KernelCompilationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
