using Microsoft.CodeAnalysis.Text;

namespace Fla.Dsl.Generator.Tests.Running;

/// <summary>Source text with the places marked where something is expected: <c>[|here|]</c>.</summary>
internal sealed record MarkedSource(string Text, IReadOnlyList<TextSpan> Places)
{
    public static MarkedSource Parse(string marked)
    {
        var text = new System.Text.StringBuilder();
        var places = new List<TextSpan>();
        var start = 0;
        for (var i = 0; i < marked.Length; i++)
        {
            if (string.CompareOrdinal(marked, i, "[|", 0, 2) == 0)
            {
                start = text.Length;
                i++;
            }
            else if (string.CompareOrdinal(marked, i, "|]", 0, 2) == 0)
            {
                places.Add(TextSpan.FromBounds(start, text.Length));
                i++;
            }
            else
            {
                text.Append(marked[i]);
            }
        }

        return new MarkedSource(text.ToString(), places);
    }
}
