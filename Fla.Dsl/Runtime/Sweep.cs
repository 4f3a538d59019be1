using TorchSharp;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Generated code for one walk over the chunks of a sequence, cut where the carried state comes in. A chunk is a row: every
/// per-token tensor is <c>[rows, H, C, dim]</c> with <c>dim</c> 1 for scalars, every per-head tensor <c>[1, H, 1, dim]</c>, every
/// carried matrix <c>[rows, H, R, C]</c> (a vector state has R = 1). The three parts hold for any number of rows, so that one
/// schedule gives them all chunks at once and another one chunk at a time.
/// </summary>
/// <param name="Local">From the inputs: what needs no carried state. Each result has the rows of the inputs, or one row.</param>
/// <param name="Advance">From the state carried into a chunk and <paramref name="Local"/>'s results: the state carried out of it.</param>
/// <param name="Output">From the inputs, the state carried into each chunk and <paramref name="Local"/>'s results: the outputs.</param>
public sealed record Sweep(
    Func<torch.Tensor[], torch.Tensor[]> Local,
    Func<torch.Tensor[], torch.Tensor[], torch.Tensor[]> Advance,
    Func<torch.Tensor[], torch.Tensor[], torch.Tensor[], torch.Tensor[]> Output);

/// <summary>
/// A recurrence compiled for one granularity (a chunk, or a token).
/// <para><see cref="Forward"/> takes the arguments in declaration order (the scale as <c>[1, 1, 1, 1]</c>), then the validity mask
/// <c>[rows, 1, C, 1]</c> (1 for a token, 0 for padding, whose arguments read as 0); it carries the states and gives <c>[o]</c>.</para>
/// <para><see cref="Backward"/> takes Forward's inputs, then the states carried into each chunk, then the gradient of o; it carries
/// the gradient of the states from the last chunk to the first and gives the gradient of every argument but the scale
/// (<c>[rows, H, 1, dim]</c> for a per-head argument).</para>
/// </summary>
/// <param name="Forward">The walk forward in time.</param>
/// <param name="Backward">The walk backward in time.</param>
public sealed record TorchProgram(Sweep Forward, Sweep Backward);
