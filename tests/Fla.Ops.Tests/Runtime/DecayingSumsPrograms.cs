using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>The sweeps of <see cref="TestOps.DecayingSums"/>, derived by hand.</summary>
internal static class DecayingSumsPrograms
{
    public static TorchProgram Chunk { get; } = new(
        new(
            inputs =>
            {
                var (_, k, v, sums, fromTokens, total) = Parts(inputs);
                return [total, k.mul(fromTokens).transpose(-2, -1).matmul(v), v.mul(fromTokens).sum(-2, keepdim: true), sums];
            },
            (state, local) => [local[0] * state[0] + local[1], local[0] * state[1] + local[2]],
            (inputs, state, local) =>
            {
                var (q, _, v, _, _, _) = Parts(inputs);
                var scale = inputs[5];
                var fromStart = local[3].exp();
                return [scale * (q * fromStart).matmul(state[0]) + fromStart * state[1] + Weights(inputs, local[3]).matmul(v)];
            }),
        new(
            inputs =>
            {
                var (q, _, _, sums, _, total) = Parts(inputs);
                var output = inputs[9];
                var fromStart = sums.exp();
                return [total, inputs[5] * (q * fromStart).transpose(-2, -1).matmul(output), (fromStart * output).sum(-2, keepdim: true)];
            },
            (gradient, local) => [local[0] * gradient[0] + local[1], local[0] * gradient[1] + local[2]],
            (inputs, gradient, _) =>
            {
                var (q, k, v, sums, fromTokens, total) = Parts(inputs);
                var (scale, mask, S, z, output, dS, dz) = (inputs[5], inputs[6], inputs[7], inputs[8], inputs[9], gradient[0], gradient[1]);
                var fromStart = sums.exp();
                var weights = Weights(inputs, sums);
                var toWeights = output.matmul(v.transpose(-2, -1));
                var toProducts = toWeights * Decays(sums) * scale;

                var dq = toProducts.matmul(k) + scale * fromStart * output.matmul(S.transpose(-2, -1));
                var dk = toProducts.transpose(-2, -1).matmul(q) + fromTokens * v.matmul(dS.transpose(-2, -1));
                var dv = weights.transpose(-2, -1).matmul(output) + fromTokens * (k.matmul(dS) + dz);

                var within = toWeights * weights;
                var toEnd = fromTokens * (v * (k.matmul(dS) + dz)).sum(-1, keepdim: true);
                var toTotal = toEnd.sum(-2, keepdim: true)
                    + total * ((S * dS).sum([-2, -1], keepdim: true) + (z * dz).sum(-1, keepdim: true));
                var dSums = within.sum(-1, keepdim: true) - within.sum(-2, keepdim: true).transpose(-2, -1)
                    + fromStart * (output * (scale * q.matmul(S) + z)).sum(-1, keepdim: true) - toEnd;
                var dDecay = dSums.flip(-2).cumsum(-2).flip(-2) + toTotal;      // every token's decay is in the total
                return [dq, dk, dv, dDecay, (dDecay * mask).sum(-2, keepdim: true)];
            }));

    // One token: nothing to sum or to mask. The second result of Local has one row.
    public static TorchProgram Single { get; } = new(
        new(
            inputs => [inputs[3].exp(), inputs[4].exp(), inputs[1].transpose(-2, -1).matmul(inputs[2]), inputs[2]],
            (state, local) => [local[0] * local[1] * state[0] + local[2], local[0] * local[1] * state[1] + local[3]],
            (inputs, state, local) =>
            [
                inputs[5] * inputs[0].matmul(local[0] * local[1] * state[0] + local[2]) + local[0] * local[1] * state[1] + local[3],
            ]),
        new(
            inputs => [inputs[3].exp(), inputs[4].exp(), inputs[5] * inputs[0].transpose(-2, -1).matmul(inputs[9]), inputs[9]],
            (gradient, local) => [local[0] * local[1] * (gradient[0] + local[2]), local[0] * local[1] * (gradient[1] + local[3])],
            (inputs, gradient, local) =>
            {
                var (k, v, scale, S, z, output) = (inputs[1], inputs[2], inputs[5], inputs[7], inputs[8], inputs[9]);
                var decay = local[0] * local[1];
                var (dS, dz) = (gradient[0] + local[2], gradient[1] + local[3]);
                var dDecay = decay * ((S * dS).sum([-2, -1], keepdim: true) + (z * dz).sum(-1, keepdim: true));
                return
                [
                    scale * output.matmul((decay * S + k.transpose(-2, -1).matmul(v)).transpose(-2, -1)),
                    v.matmul(dS.transpose(-2, -1)),
                    k.matmul(dS) + dz,
                    dDecay,
                    dDecay,
                ];
            }));

    private static (Tensor Q, Tensor K, Tensor V, Tensor Sums, Tensor FromTokens, Tensor Total) Parts(Tensor[] inputs)
    {
        var sums = (inputs[3] + inputs[4] * inputs[6]).cumsum(-2);
        var last = sums.narrow(-2, sums.shape[^2] - 1, 1);
        return (inputs[0], inputs[1], inputs[2], sums, (last - sums).exp(), last.exp());
    }

    private static Tensor Decays(Tensor sums)
    {
        var length = sums.shape[^2];
        var later = torch.ones(length, length, dtype: ScalarType.Bool).triu(1);
        return (sums - sums.transpose(-2, -1)).masked_fill(later, double.NegativeInfinity).exp();
    }

    private static Tensor Weights(Tensor[] inputs, Tensor sums) =>
        (inputs[5] * inputs[0].matmul(inputs[1].transpose(-2, -1)) + 1) * Decays(sums);
}
