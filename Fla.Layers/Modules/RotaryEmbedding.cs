using Fla.Dsl.Runtime;
using Fla.Layers.Kernels;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Rotary position embedding: pairs of channels are turned by an angle that grows with the position, so that the product of a query
/// and a key depends on the distance of their positions alone. Su et al., 2021, arXiv:2104.09864, equation 34. The angles and their
/// sines are fp32 (fp64 for fp64) whatever the type of the input.
/// </summary>
public sealed class RotaryEmbedding : nn.Module<Tensor, Tensor, (Tensor Q, Tensor K)>
{
    private readonly long dim;
    private readonly double rotationBase;
    private readonly bool interleaved;

    /// <param name="dim">How many channels of a head are turned, from the first; even.</param>
    /// <param name="rotationBase">Pair i turns by <c>base^(-2i / dim)</c> a position.</param>
    /// <param name="interleaved">Whether channels (2i, 2i + 1) make a pair; otherwise (i, i + dim / 2).</param>
    /// <exception cref="ArgumentException">The dimension is not even and positive, or the base is not positive.</exception>
    public RotaryEmbedding(long dim, double rotationBase = 10000, bool interleaved = false)
        : base(nameof(RotaryEmbedding))
    {
        if (dim < 2 || dim % 2 != 0) throw new ArgumentException($"expected an even, positive dimension, came {dim}", nameof(dim));
        if (!(rotationBase > 0 && double.IsFinite(rotationBase)))
            throw new ArgumentException($"expected a finite, positive base, came {rotationBase}", nameof(rotationBase));
        (this.dim, this.rotationBase, this.interleaved) = (dim, rotationBase, interleaved);
    }

    /// <summary>Turns queries and keys of sequences that begin at position 0.</summary>
    /// <param name="q"><c>[B, T, H, D]</c>, D at least the dimension of the embedding.</param>
    /// <param name="k"><c>[B, T, H', D]</c></param>
    /// <returns>The same shapes and types.</returns>
    public override (Tensor Q, Tensor K) forward(Tensor q, Tensor k) => forward(q, k, 0);

    /// <summary>Turns queries and keys of sequences that begin at one position.</summary>
    /// <param name="q"><c>[B, T, H, D]</c></param>
    /// <param name="k"><c>[B, T, H', D]</c></param>
    /// <param name="seqlenOffset">The position of the first token.</param>
    /// <returns>The same shapes and types.</returns>
    public (Tensor Q, Tensor K) forward(Tensor q, Tensor k, long seqlenOffset)
    {
        using var positions = arange(seqlenOffset, seqlenOffset + q.shape[1], device: q.device).unsqueeze(0);
        return forward(q, k, positions);
    }

    /// <summary>Turns queries and keys at given positions, which may differ between sequences (padding) or begin again (packed).</summary>
    /// <param name="q"><c>[B, T, H, D]</c></param>
    /// <param name="k"><c>[B, T, H', D]</c></param>
    /// <param name="positions"><c>[B, T]</c> or <c>[1, T]</c></param>
    /// <returns>The same shapes and types.</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public (Tensor Q, Tensor K) forward(Tensor q, Tensor k, Tensor positions)
    {
        Check(q, nameof(q));
        Check(k, nameof(k));
        if (positions.dim() != 2 || positions.shape[1] != q.shape[1] || (positions.shape[0] != 1 && positions.shape[0] != q.shape[0]))
        {
            throw new ArgumentException(
                $"expected positions [{q.shape[0]} or 1, {q.shape[1]}], came [{string.Join(", ", positions.shape)}]", nameof(positions));
        }

        using var scope = NewDisposeScope();
        var (cosine, sine) = Angles(positions, Precision.Wide(q.dtype));
        return scope.MoveToOuter(Turned(q, cosine, sine), Turned(k, cosine, sine));
    }

    /// <summary>The line PyTorch prints.</summary>
    public override string ToString() =>
        $"{GetName()}(dim={dim}, base={PythonText.Of(rotationBase)}, interleaved={PythonText.Of(interleaved)}, pos_idx_in_fp32=True)";

    /// <summary>The cosines and sines of all pairs, <c>[B or 1, T, 1, dim / 2]</c>.</summary>
    internal (Tensor Cosine, Tensor Sine) Angles(Tensor positions, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var exponents = arange(0, dim, 2, dtype: type, device: positions.device).mul(Scalars.Of(-Math.Log(rotationBase) / dim));
        var angles = (positions.to(type).unsqueeze(-1) * exponents.exp()).unsqueeze(2);
        return scope.MoveToOuter(angles.cos(), angles.sin());
    }

    private Tensor Turned(Tensor x, Tensor cosine, Tensor sine)
    {
        if (ModuleKernel.DeviceOf(x, cosine, sine) is { } device)
            return FusedRotation.Apply(device, x, cosine, sine, interleaved);

        var turned = Precision.Widen(x.narrow(-1, 0, dim));
        var pairs = interleaved ? turned.unflatten(3, [dim / 2, 2]) : turned.unflatten(3, [2, dim / 2]);
        var axis = interleaved ? 4 : 3;
        var (first, second) = (pairs.select(axis, 0), pairs.select(axis, 1));
        var result = stack([first * cosine - second * sine, (first * sine).add(second * cosine, Scalars.One)], axis)
            .flatten(-2, -1).to(x.dtype);
        var rest = x.shape[^1] - dim;
        return rest == 0 ? result : cat([result, x.narrow(-1, dim, rest)], -1);
    }

    private void Check(Tensor x, string name)
    {
        if (x.dim() != 4 || x.shape[3] < dim)
            throw new ArgumentException($"expected {name} [B, T, H, D >= {dim}], came [{string.Join(", ", x.shape)}]", name);
    }
}
