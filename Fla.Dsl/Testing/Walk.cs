using Fla.Dsl.Numerics;

namespace Fla.Dsl.Testing;

/// <summary>One head of one sequence, token by token.</summary>
internal sealed class Walk(Call call, int sequence, int head)
{
    private readonly IReadOnlyList<Parameter> parameters = call.Step.Parameters;
    private readonly (int Batch, int Start, int End) tokens = call.Sequences[sequence];

    /// <summary>From the first token to the last.</summary>
    /// <param name="output">Gets the outputs.</param>
    /// <param name="finalStates">Gets the final states, each at its parameter's place.</param>
    /// <param name="operands">If given, gets what each token saw.</param>
    public void Forward(Blocks output, Blocks?[] finalStates, List<Value[]>? operands = null)
    {
        var current = new Value[parameters.Count];
        Load(current, tokens.Start, states: true);
        for (var token = tokens.Start; token < tokens.End; token++)
        {
            Load(current, token, states: false);
            operands?.Add([.. current]);
            output[call.OutputBlock(sequence, token, head)] = call.Step.Run(current, call.L2Norm);
        }
        for (var i = 0; i < current.Length; i++)
            if (finalStates[i] is { } final)
                final[Block(i, tokens.End)] = current[i];
    }

    /// <summary>
    /// From the last token to the first. Only one token's tape exists at a time: its states are those <see cref="Forward"/> kept.
    /// </summary>
    /// <param name="operands">What each token saw.</param>
    /// <param name="outputGradient">The gradient of the outputs.</param>
    /// <param name="gradients">
    /// For each parameter where to add its gradient; a state's comes in as the final's, goes out as the initial's.
    /// </param>
    public void Backward(List<Value[]> operands, Blocks outputGradient, Blocks[] gradients)
    {
        for (var token = tokens.End - 1; token >= tokens.Start; token--)
        {
            // Fresh leaves: a state that is merely passed on is one object in several tokens' operands, which must not share gradients.
            Value[] leaves = [.. operands[token - tokens.Start].Select(x => new Value(x.Data, x.Rows, x.Columns))];
            Value[] after = [.. leaves];
            using var tape = new Tape();
            call.Step.Run(after, call.L2Norm).AddGradient(outputGradient[call.OutputBlock(sequence, token, head)].Data);
            for (var i = 0; i < leaves.Length; i++)
                if (parameters[i].Part == Part.State)
                    after[i].AddGradient(gradients[i][Block(i, token)].Data);
            tape.Backward();

            for (var i = 0; i < leaves.Length; i++)
            {
                if (parameters[i].Part == Part.State)
                    gradients[i][Block(i, token)] = new(leaves[i].Gradient, leaves[i].Rows, leaves[i].Columns);
                else
                    gradients[i].Add(Block(i, token), leaves[i].Gradient);
            }
        }
    }

    private void Load(Value[] operands, int token, bool states)
    {
        for (var i = 0; i < operands.Length; i++)
            if (states == (parameters[i].Part == Part.State))
                operands[i] = call.Operands[i][Block(i, token)];
    }

    private int Block(int parameter, int token) => call.BlockOf(parameters[parameter], sequence, token, head);
}
