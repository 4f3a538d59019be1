using System.Text;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>The driver's own compiler, from PTX to the machine code of a device.</summary>
internal static unsafe class CudaLinker
{
    private const int ErrorLogBuffer = 5, ErrorLogBufferSize = 6;
    private const int PtxInput = 1;
    private const int LogBytes = 16 * 1024;

    /// <summary>The machine code of a kernel.</summary>
    /// <exception cref="KernelCompilationException">The driver refuses the text; the message has its log.</exception>
    public static CompiledKernel Link(CudaDevice device, PtxKernel kernel, string name)
    {
        using var context = device.Enter();
        byte[] text = [.. Encoding.ASCII.GetBytes(kernel.Text), 0];
        byte[] log = new byte[LogBytes];
        fixed (byte* ptx = text, messages = log, label = "kernel\0"u8)
        {
            int* options = stackalloc int[] { ErrorLogBuffer, ErrorLogBufferSize };
            nint* values = stackalloc nint[] { (nint)messages, LogBytes };
            CudaDriver.Check(CudaDriver.cuLinkCreate(2, options, values, out nint link), $"cuLinkCreate for {name}");
            try
            {
                Require(CudaDriver.cuLinkAddData(link, PtxInput, ptx, (nuint)text.Length, label, 0, null, null), name, log);
                Require(CudaDriver.cuLinkComplete(link, out byte* cubin, out nuint size), name, log);
                return new CompiledKernel(kernel.EntryPoint, new ReadOnlySpan<byte>(cubin, (int)size).ToArray());
            }
            finally
            {
                _ = CudaDriver.cuLinkDestroy(link);
            }
        }
    }

    private static void Require(int result, string name, byte[] log)
    {
        if (result == 0) return;
        int end = Array.IndexOf(log, (byte)0);
        string messages = Encoding.UTF8.GetString(log, 0, end < 0 ? log.Length : end).Trim();
        try
        {
            CudaDriver.Check(result, $"Compiling {name}");
        }
        catch (CudaException e)
        {
            throw new KernelCompilationException($"{e.Message}\n{messages}", e);
        }
    }
}
