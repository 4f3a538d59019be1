namespace Fla.Dsl.Runtime.Native;

/// <summary>TorchSharp's native libraries cannot be used as they are.</summary>
/// <param name="message">Which file, what was expected, what was found.</param>
/// <param name="inner">What failed underneath, if anything did.</param>
public sealed class NativeLibraryException(string message, Exception? inner = null) : InvalidOperationException(message, inner);
