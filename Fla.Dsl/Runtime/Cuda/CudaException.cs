namespace Fla.Dsl.Runtime.Cuda;

/// <summary>The CUDA driver refused something, or there is none; the message says what failed, and what the driver says of it.</summary>
public sealed class CudaException : Exception
{
    internal CudaException(string message, int code = 0)
        : base(message) => Code = code;

    /// <summary>The driver's number for it (<c>CUresult</c>); 0 where there is no driver.</summary>
    public int Code { get; }
}
