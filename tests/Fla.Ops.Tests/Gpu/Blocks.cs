using System.Reflection;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Emulator;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Kernels that are generic over their block and sizes, run by one block of the emulator or of a GPU, or compiled.</summary>
internal static class Blocks
{
    /// <summary>The type of a size.</summary>
    public static Type Size(int size) =>
        typeof(Tile).Assembly.GetType($"{typeof(Tile).Namespace}.Size{size}", throwOnError: true)!;

    /// <summary>Numbers between -1 and 1, in an array that kernels may have the address of.</summary>
    public static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        var numbers = New(count);
        for (var i = 0; i < count; i++) numbers[i] = (float)((2 * random.NextDouble()) - 1);
        return numbers;
    }

    /// <summary>As many times not a number, in an array that kernels may have the address of.</summary>
    public static float[] New(int count)
    {
        var numbers = GC.AllocateUninitializedArray<float>(count, pinned: true);
        Array.Fill(numbers, float.NaN);
        return numbers;
    }

    /// <summary>The address of an array that does not move.</summary>
    public static unsafe long Address(float[] numbers) => (long)System.Runtime.CompilerServices.Unsafe.AsPointer(ref numbers[0]);

    /// <summary>Runs a kernel in the emulator.</summary>
    public static void Run(Type kernels, string name, Type[] arguments, int sharedBytes, params ReadOnlySpan<KernelArgument> numbers) =>
        Run(EmulatedDevice.Instance, kernels, name, arguments, sharedBytes, numbers);

    /// <summary>Runs a kernel on a device.</summary>
    public static void Run(
        KernelDevice device, Type kernels, string name, Type[] arguments, int sharedBytes, params ReadOnlySpan<KernelArgument> numbers)
    {
        var block = device is EmulatedDevice ? typeof(Emulated8) : typeof(Cuda8);
        device.Prepare(Method(kernels, name, block, arguments)).Launch(1, 256, sharedBytes, numbers);
    }

    /// <summary>Runs a kernel on a GPU.</summary>
    public static void RunOnCuda(Type kernels, string name, Type[] arguments, int bytes, params ReadOnlySpan<KernelArgument> numbers) =>
        Run(CudaDevice.Number(0), kernels, name, arguments, bytes, numbers);

    /// <summary>What a static method of the library says of a block of the emulator.</summary>
    public static int Bytes(Type library, string name, params Type[] arguments) =>
        (int)library.GetMethod(name)!.MakeGenericMethod([typeof(Emulated8), .. arguments]).Invoke(null, null)!;

    /// <summary>A kernel's PTX.</summary>
    public static string Compile(Type kernels, string name, params Type[] arguments) =>
        KernelCompiler.Compile(Method(kernels, name, typeof(Cuda8), arguments), PtxText.Target).Text;

    private static MethodInfo Method(Type kernels, string name, Type block, Type[] arguments) =>
        kernels.GetMethod(name)!.MakeGenericMethod([block, .. arguments]);
}
