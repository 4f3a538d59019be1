using System.Reflection;
using Fla.Dsl.Runtime.Gpu;
using ILGPU;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// From what segments make of an empty state, and how they decay another one: the states with which they begin. Or backward in time, from
/// what they make of no gradient of the state after them.
/// </summary>
public static class SegmentStates
{
    private static readonly MethodInfo Method = typeof(SegmentStates).GetMethod(nameof(Carry))!;

    /// <summary>Carries a state from segment to segment.</summary>
    /// <param name="device">Where the tensors lie.</param>
    /// <param name="heads">H.</param>
    /// <param name="states">The segments' final states if they begin with zero, <c>[N, H, ..]</c>; then the states they begin with.</param>
    /// <param name="decays">The logarithms of their decays, of the same shape; null for no decay.</param>
    /// <param name="initial">The states of the sequences before the first token; null for zero.</param>
    /// <param name="first">The first segment of each sequence, and how many there are.</param>
    /// <param name="backward">
    /// Whether from the last segment to the first, with what <paramref name="initial"/> has after the last token.
    /// </param>
    internal static void Carry(
        KernelDevice device, int heads, Tensor states, Tensor? decays, Tensor? initial, long[] first, bool backward)
    {
        var elements = (int)(states.numel() / (first[^1] * heads));
        var blocks = (first.Length - 1) * heads * ((elements + GpuKernel.Threads - 1) / GpuKernel.Threads);
        device.Prepare(Method.MakeGenericMethod(device.Block)).Launch(
            blocks, GpuKernel.Threads, 0,
            states, Address(decays), Address(initial), DeviceNumbers.Of(first, states.device), heads, elements, backward ? 1 : 0);

        // A number would do for a tensor, too.
        static KernelArgument Address(Tensor? tensor) => tensor is null ? (KernelArgument)0L : tensor;
    }

    /// <summary>The kernel: a thread has an element of the states of a sequence and head. Addresses, 0 for what is not there.</summary>
    public static void Carry<TBlock>(long states, long decays, long initial, long first, int heads, int elements, int backward)
        where TBlock : struct, IBlock
    {
        var parts = (elements + Group.DimX - 1) / Group.DimX;
        var element = (Grid.IdxX % parts * Group.DimX) + Group.IdxX;
        if (element >= elements) return;
        int head = Grid.IdxX / parts % heads, sequence = Grid.IdxX / parts / heads;
        var state = 0f;
        if (initial != 0) state = SingleElement.Read(initial + (((((long)sequence * heads) + head) * elements) + element) * 4);
        long begin = Memory.ReadLong(first + (8L * sequence)), end = Memory.ReadLong(first + (8L * sequence) + 8);
        for (var n = begin; n < end; n++)
        {
            var segment = backward != 0 ? begin + end - 1 - n : n;
            var place = ((((segment * heads) + head) * elements) + element) * 4;
            var decay = 1f;
            if (decays != 0) decay = Numbers.Exp<TBlock>(SingleElement.Read(decays + place));
            var own = SingleElement.Read(states + place);
            SingleElement.Write(states + place, state);
            state = (decay * state) + own;
        }
    }
}
