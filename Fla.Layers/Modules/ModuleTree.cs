using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Linear = TorchSharp.Modules.Linear;

namespace Fla.Layers.Modules;

/// <summary>
/// The tree of a module's submodules, as PyTorch prints it. A module of this library gives its own line by overriding
/// <see cref="object.ToString"/>, and is a leaf then whatever it contains; all others are printed with the name that was given to the
/// constructor of their base class, and their submodules in the order of registration.
/// </summary>
public static class ModuleTree
{
    /// <summary>The tree, without a line break at the end.</summary>
    /// <param name="module">Its root.</param>
    public static string Text(nn.Module module)
    {
        var children = module.named_children().ToArray();
        if (children.Length == 0 || HasOwnLine(module)) return Line(module);
        var text = new StringBuilder(NameOf(module)).Append("(\n");
        foreach (var (label, subtree) in Labelled(module, children)) text.Append($"  ({label}): {subtree.Replace("\n", "\n  ")}\n");
        return text.Append(')').ToString();
    }

    // Only lists show equal neighbours as one: (0-23): 24 x Block(...).
    private static IEnumerable<(string Label, string Subtree)> Labelled(nn.Module module, (string Name, nn.Module Module)[] children)
    {
        var subtrees = Array.ConvertAll(children, child => Text(child.Module));
        var isList = module.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(ModuleList<>);
        for (var first = 0; first < children.Length;)
        {
            var next = first + 1;
            while (isList && next < children.Length && subtrees[next] == subtrees[first]) next++;
            var count = next - first;
            yield return count == 1
                ? (children[first].Name, subtrees[first])
                : ($"{children[first].Name}-{children[next - 1].Name}", $"{count} x {subtrees[first]}");
            first = next;
        }
    }

    private static bool HasOwnLine(nn.Module module) =>
        module is not IPrintedAsTree
        && module.GetType().GetMethod(nameof(ToString), Type.EmptyTypes)!.DeclaringType is { } type
        && !IsTorchSharps(type) && type != typeof(object);

    // TorchSharp calls its own by C++ names.
    private static string NameOf(nn.Module module) =>
        IsTorchSharps(module.GetType()) ? module.GetType().Name.Split('`')[0] : module.GetName();

    private static bool IsTorchSharps(Type type) => type.Assembly == typeof(torch).Assembly;

    private static string Line(nn.Module module) => module switch
    {
        _ when HasOwnLine(module) => module.ToString()!,
        Linear linear =>
            $"Linear(in_features={linear.in_features}, out_features={linear.out_features}, bias={PythonText.Of(linear.bias is not null)})",
        Conv1d conv => ConvolutionLine(conv),
        ZeroPad2d pad => $"ZeroPad2d(({string.Join(", ", pad.padding)}))",
        _ => $"{NameOf(module)}()",
    };

    private static string ConvolutionLine(Conv1d conv)
    {
        var text = new StringBuilder($"Conv1d({conv.in_channels}, {conv.out_channels}");
        text.Append($", kernel_size=({conv.kernel_size[0]},), stride=({conv.stride[0]},)");
        if (conv.padding is { } padding && padding[0] != 0) text.Append($", padding=({padding[0]},)");
        if (conv.dilation[0] != 1) text.Append($", dilation=({conv.dilation[0]},)");
        if (conv.groups != 1) text.Append($", groups={conv.groups}");
        if (conv.bias is null) text.Append(", bias=False");
        return text.Append(')').ToString();
    }
}

/// <summary>A module whose <see cref="object.ToString"/> is its tree, and so no line of its own.</summary>
internal interface IPrintedAsTree;
