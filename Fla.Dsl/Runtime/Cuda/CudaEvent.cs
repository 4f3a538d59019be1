namespace Fla.Dsl.Runtime.Cuda;

/// <summary>A moment in a device's work, on the stream on which PyTorch and our kernels run.</summary>
public sealed class CudaEvent : IDisposable
{
    private readonly CudaDevice device;
    private nint handle;

    /// <summary>Makes one that is yet to come.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public CudaEvent(CudaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        using var context = device.Enter();
        CudaDriver.Check(CudaDriver.cuEventCreate(out handle, 0), "cuEventCreate");
    }

    /// <summary>Lets it be when all is done that was launched until now.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public void Record()
    {
        using var context = device.Enter();
        CudaDriver.Check(CudaDriver.cuEventRecord(handle, 0), "cuEventRecord");
    }

    /// <summary>Waits for it, and gives the time since another one, in seconds.</summary>
    /// <exception cref="CudaException">One of them was not recorded, or what was launched before failed.</exception>
    public double SecondsSince(CudaEvent start)
    {
        ArgumentNullException.ThrowIfNull(start);
        using var context = device.Enter();
        CudaDriver.Check(CudaDriver.cuEventSynchronize(handle), "cuEventSynchronize");
        CudaDriver.Check(CudaDriver.cuEventElapsedTime(out float milliseconds, start.handle, handle), "cuEventElapsedTime");
        return milliseconds / 1000.0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (handle == 0) return;
        using var context = device.Enter();
        CudaDriver.cuEventDestroy(handle);
        handle = 0;
    }
}
