using System.Reflection;

namespace Fla.Dsl.Runtime;

/// <summary>A kernel that is ready to be launched on a device.</summary>
public abstract class PreparedKernel
{
    private const int ThreadsOfWarp = 32;

    private readonly ParameterInfo[] parameters;

    private protected PreparedKernel(MethodInfo method)
    {
        Name = NameOf(method);
        parameters = method.GetParameters();
    }

    /// <summary>The method's name with its type arguments, for messages.</summary>
    public string Name { get; }

    /// <summary>Launches the kernel. On a GPU this does not wait for it to end.</summary>
    /// <param name="grid">How many blocks.</param>
    /// <param name="block">How many threads a block has: whole warps of 32.</param>
    /// <param name="sharedBytes">How much dynamic shared memory a block has, in bytes.</param>
    /// <param name="arguments">One for each of the method's parameters, of its type.</param>
    /// <exception cref="ArgumentException">An argument is not what the method takes, or the device has not that much to give.</exception>
    public void Launch(Dim3 grid, int block, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments)
    {
        if (grid.X < 1 || grid.Y < 1 || grid.Z < 1)
            throw new ArgumentException($"{Name}: expected at least one block along each axis, got {grid}", nameof(grid));
        if (block < ThreadsOfWarp || block % ThreadsOfWarp != 0 || block > MostThreads)
            throw new ArgumentException(
                $"{Name}: expected a multiple of {ThreadsOfWarp} threads, at most {MostThreads}, got {block}", nameof(block));
        if (sharedBytes < 0 || sharedBytes > MostSharedBytes)
            throw new ArgumentException(
                $"{Name}: needs {sharedBytes} bytes of dynamic shared memory a block, and the device has {MostSharedBytes} for it",
                nameof(sharedBytes));
        if (arguments.Length != parameters.Length)
            throw new ArgumentException($"{Name}: expected {parameters.Length} arguments, got {arguments.Length}", nameof(arguments));
        for (int i = 0; i < parameters.Length; i++)
            if (arguments[i].Type != parameters[i].ParameterType)
                throw new ArgumentException(
                    $"{Name}: expected {parameters[i].ParameterType.Name} for {parameters[i].Name}, got {arguments[i].Type.Name}",
                    nameof(arguments));
        Run(grid, block, sharedBytes, arguments);
    }

    /// <summary>How many threads a block of this kernel may have.</summary>
    public abstract int MostThreads { get; }

    /// <summary>How much dynamic shared memory a block of this kernel may have, in bytes.</summary>
    public abstract int MostSharedBytes { get; }

    /// <summary>Launches it, with arguments that have been checked.</summary>
    private protected abstract void Run(Dim3 grid, int block, int sharedBytes, ReadOnlySpan<KernelArgument> arguments);

    internal static string NameOf(MethodInfo method)
    {
        string arguments = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(type => type.Name))}>" : "";
        return $"{method.DeclaringType?.Name}.{method.Name}{arguments}";
    }
}
