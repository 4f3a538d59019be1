using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Kernels;

/// <summary>
/// <see cref="NormFunction"/> as one kernel, and its gradients as another. What is kept for the backward pass is the sum, as it was
/// rounded to be given back, and two numbers a row.
/// </summary>
internal static class FusedNorm
{
    private static readonly ModuleKernel Forward = new(typeof(NormKernels), nameof(NormKernels.Forward), sums: true);
    private static readonly ModuleKernel Backward = new(typeof(NormKernels), nameof(NormKernels.Backward), sums: true);

    /// <summary>The device whose kernels compute the function; null where there are none for these tensors.</summary>
    public static KernelDevice? DeviceOf(NormFunction function, Tensor x, Tensor? residual, Tensor? gate, Tensor? weight, Tensor? bias) =>
        x.shape[^1] / function.Normalisation.Groups <= RowShape.MostColumns
        && (gate is null || gate.dtype == x.dtype)
        && (weight is null || bias is null || weight.dtype == bias.dtype)
            ? ModuleKernel.DeviceOf(x, residual, gate, weight, bias)
            : null;

    /// <summary>The function without a residual; arguments as for <see cref="NormFunction"/>.</summary>
    public static Tensor Apply(KernelDevice device, NormFunction function, Tensor x, Tensor? gate, Tensor? weight, Tensor? bias) =>
        DerivedFunction.Apply(Rule(device, function, null, x.dtype, null, false), x, null, gate, weight, bias);

    /// <summary>The function with a residual; arguments as for <see cref="NormFunction"/>.</summary>
    public static (Tensor Output, Tensor Sum) Apply(
        KernelDevice device, NormFunction function, Tensor x, Tensor? residual, ScalarType kept, Tensor? gate, Tensor? weight, Tensor? bias)
    {
        // Two leaves would take over one gradient, and what is later added to the one were added to both.
        bool apart = x.is_leaf && residual is { is_leaf: true };
        var outputs = DerivedFunction.ApplyAll(
            Rule(device, function, kept, x.dtype, residual?.dtype, apart), x, residual, gate, weight, bias);
        return (outputs[0], outputs[1]);
    }

    private static Derivation Rule(
        KernelDevice device, NormFunction function, ScalarType? kept, ScalarType type, ScalarType? residualType, bool apart)
    {
        var (normalisation, gate) = function;
        bool gateFirst = gate == NormGate.SwishFirst, swish = gate != NormGate.Sigmoid;
        return new Derivation(Evaluate, Differentiate);

        (Tensor[] Outputs, Tensor?[] Kept) Evaluate(Tensor?[] inputs, bool[] wanted)
        {
            using var scope = NewDisposeScope();
            var (x, gates) = (inputs[0]!.contiguous(), inputs[2]?.contiguous());
            var (weight, bias) = (inputs[3]?.contiguous(), inputs[4]?.contiguous());
            var residual = inputs[1]?.to(kept!.Value).contiguous();
            var (shape, rows, columns) = Rows(x, residual, gates, weight, bias);
            bool differentiates = wanted.Contains(true);
            var y = Unwritten.Tensor(x.shape, type, x.device);
            var sum = kept is { } sumType ? Unwritten.Tensor(x.shape, sumType, x.device) : null;
            var means = differentiates && normalisation.Centres ? Unwritten.Tensor([rows], ScalarType.Float32, x.device) : null;
            var scales = differentiates ? Unwritten.Tensor([rows], ScalarType.Float32, x.device) : null;
            Forward.Launch(
                device, Blocks(rows, shape), Types(shape, type, kept ?? type, weight ?? bias),
                y, ModuleKernel.Address(sum), ModuleKernel.Address(means), ModuleKernel.Address(scales), x,
                ModuleKernel.Address(residual), ModuleKernel.Address(gates), ModuleKernel.Address(weight), ModuleKernel.Address(bias),
                rows, (int)columns, (int)normalisation.Groups, Share(columns), Centre(columns), (float)normalisation.Eps,
                swish ? 1 : 0, gateFirst ? 1 : 0);
            Tensor[] outputs = sum is null ? [y] : [y, sum];
            Tensor?[] saved = differentiates ? [sum?.detach() ?? x, gates, weight, bias, means, scales] : [];
            scope.MoveToOuter(outputs.Concat(saved.OfType<Tensor>()));
            return (outputs, saved);
        }

        Tensor?[] Differentiate(Tensor?[] saved, Tensor?[] gradients, bool[] wanted)
        {
            using var scope = NewDisposeScope();
            var (x, gates, weight, bias, means, scales) = (saved[0]!, saved[1], saved[2], saved[3], saved[4], saved[5]!);
            var dy = gradients[0]?.contiguous() ?? zeros_like(x, type);
            var dsum = gradients.Length > 1 ? gradients[1]?.contiguous() : null;
            var (shape, rows, columns) = Rows(x, dy, dsum, gates, weight, bias);

            // A team has rows of one group alone, to sum up the gradients of that one's weights.
            long groups = normalisation.Groups, step = groups / Greatest(groups, shape.RowsPerBlock);
            var types = Types(shape, type, x.dtype, weight ?? bias);
            var blocks = (Math.Min(Blocks(rows, shape), Backward.BlocksAtOnce(device, types)) + step - 1) / step * step;
            var teams = blocks * shape.RowsPerBlock;
            var dx = Unwritten.Tensor(x.shape, x.dtype, x.device);
            var dgate = wanted[2] ? Unwritten.Tensor(x.shape, type, x.device) : null;
            var dweight = wanted[3] ? Unwritten.Tensor([teams, columns], ScalarType.Float32, x.device) : null;
            var dbias = wanted[4] ? Unwritten.Tensor([teams, columns], ScalarType.Float32, x.device) : null;
            Backward.Launch(
                device, (int)blocks, types,
                dx, ModuleKernel.Address(dgate), ModuleKernel.Address(dweight), ModuleKernel.Address(dbias), dy, ModuleKernel.Address(dsum),
                x, ModuleKernel.Address(means), scales,
                ModuleKernel.Address(gates), ModuleKernel.Address(weight), ModuleKernel.Address(bias),
                rows, (int)columns, (int)groups, Share(columns), Centre(columns), swish ? 1 : 0, gateFirst ? 1 : 0);
            Tensor?[] results =
            [
                wanted[0] ? dx.to(type) : null,
                !wanted[1] ? null : apart ? dx.to(residualType!.Value, copy: true) : dx.to(residualType!.Value),
                dgate,
                Total(dweight, weight),
                Total(dbias, bias),
            ];
            scope.MoveToOuter(results.OfType<Tensor>());
            return results;

            Tensor? Total(Tensor? parts, Tensor? parameter) =>
                parts?.view(teams / groups, groups * columns).sum([0L]).to(parameter!.dtype);
        }

        (RowShape Shape, long Rows, long Columns) Rows(params ReadOnlySpan<Tensor?> tensors)
        {
            var columns = tensors[0]!.shape[^1] / normalisation.Groups;
            return (RowShape.Of(columns, ModuleKernel.Aligned(tensors)), tensors[0]!.NumberOfElements / columns, columns);
        }

        float Share(long columns) => normalisation.Averages ? 1f / columns : 1f;

        float Centre(long columns) => normalisation.Centres ? 1f / columns : 0f;
    }

    private static int Blocks(long rows, RowShape shape) => checked((int)((rows + shape.RowsPerBlock - 1) / shape.RowsPerBlock));

    private static Type[] Types(RowShape shape, ScalarType type, ScalarType sum, Tensor? parameter) =>
        [.. shape.Types, ModuleKernel.ElementOf(type), ModuleKernel.ElementOf(sum), ModuleKernel.ElementOf(parameter?.dtype ?? type)];

    private static long Greatest(long a, long b) => b == 0 ? a : Greatest(b, a % b);
}
