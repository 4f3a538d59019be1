using System.Text;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A PTX text as ILGPU writes it: functions, and the lines around them.</summary>
internal sealed class PtxModule
{
    private readonly IReadOnlyList<object> pieces;

    private PtxModule(IReadOnlyList<object> pieces) => this.pieces = pieces;

    /// <summary>The functions whose bodies are understood; one that jumps by a table stays text.</summary>
    public IEnumerable<PtxFunction> Functions => pieces.OfType<PtxFunction>();

    /// <summary>Reads a text: the lines of a body stand between a line <c>{</c> and a line <c>}</c>.</summary>
    public static PtxModule Parse(string text)
    {
        List<object> pieces = [];
        var around = new StringBuilder();
        List<string>? body = null;
        int depth = 0;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            string line = text[range].Trim();
            if (body is null)
            {
                if (line == "{") body = [];
                else around.Append(line).Append('\n');
                continue;
            }
            depth += line.AsSpan().Count('{') - line.AsSpan().Count('}');
            if (depth >= 0)
            {
                body.Add(line);
                continue;
            }
            if (BodyParser.TryParse(around.ToString(), body) is { } function) pieces.Add(function);
            else pieces.Add($"{around}{{\n{string.Join('\n', body)}\n}}\n");
            around.Clear();
            (body, depth) = (null, 0);
        }
        pieces.Add(around.ToString());
        return new PtxModule(pieces);
    }

    /// <summary>The same with other functions.</summary>
    public PtxModule WithFunctions(Func<PtxFunction, PtxFunction> change) =>
        new([.. pieces.Select(piece => piece is PtxFunction function ? change(function) : piece)]);

    /// <summary>The same with other lines around the functions, of which their signatures are a part.</summary>
    public PtxModule WithLines(Func<string, string> change)
    {
        return new([.. pieces.Select(piece => piece switch
        {
            PtxFunction function => function with { Signature = Change(function.Signature) },
            string text => Change(text),
            _ => piece,
        })]);

        string Change(string text) => string.Join('\n', text.Split('\n').Select(change));
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (object piece in pieces)
        {
            if (piece is PtxFunction function) function.Write(text);
            else text.Append(piece);
        }
        return text.ToString();
    }
}
