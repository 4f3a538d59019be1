using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>What a kernel's machine code depends on, as one name.</summary>
/// <param name="Hash">In hexadecimal, good as the name of a file.</param>
internal sealed record KernelKey(string Hash)
{
    /// <summary>
    /// The key of a method's kernel on a device: the builds of all assemblies that the method, its type arguments and the kernels' library
    /// come from, the method itself, what it is written for, and the driver that compiles it.
    /// </summary>
    public static KernelKey Of(MethodInfo method, CudaDevice device) =>
        Of(method, $"{device.Target.Name} on {device.ComputeCapability}, driver {device.DriverVersion}");

    /// <summary>The key of a method's kernel on what <paramref name="machine"/> describes.</summary>
    public static KernelKey Of(MethodInfo method, string machine)
    {
        var text = new StringBuilder();
        Append(text, typeof(KernelKey).Module);
        Append(text, method.Module);
        text.Append(method.MetadataToken).Append('\n').Append(machine).Append('\n');
        if (method.DeclaringType is { } declaring) Append(text, declaring);
        foreach (var argument in method.GetGenericArguments()) Append(text, argument);
        return new KernelKey(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))));
    }

    // A build of an assembly has an identifier of its own; deterministic builds of the same source have the same.
    private static void Append(StringBuilder text, Module module) => text.Append(module.ModuleVersionId).Append('\n');

    private static void Append(StringBuilder text, Type type)
    {
        Append(text, type.Module);
        text.Append(type.FullName).Append('\n');
        foreach (var argument in type.GetGenericArguments()) Append(text, argument);
    }
}
