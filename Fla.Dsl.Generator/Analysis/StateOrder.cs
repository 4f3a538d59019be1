using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>The order in which states are computed.</summary>
internal static class StateOrder
{
    /// <summary>Orders states so that each is written from reads of earlier ones; itself it may read linearly.</summary>
    public static IEnumerable<StateForm> Of(IEnumerable<StateForm> forms)
    {
        var waiting = forms.ToList();
        while (waiting.Count > 0)
        {
            var next = waiting.FirstOrDefault(form => !waiting.Any(other => other != form && form.Update.Needs(other.Name)))
                ?? throw Coupled(waiting);
            waiting.Remove(next);
            yield return next;
        }
    }

    // Each of them needs another: following the needs leads round in a circle.
    private static DeclarationException Coupled(List<StateForm> waiting)
    {
        var path = new List<StateForm> { waiting[0] };
        while (true)
        {
            var next = waiting.First(other => other != path[path.Count - 1] && path[path.Count - 1].Update.Needs(other.Name));
            if (path.IndexOf(next) is var start and >= 0)
            {
                var circle = path.Skip(start).ToList();
                var need = circle[0].Update.Parts().FirstOrDefault(part => part.Reads(circle[1].Name))?.Span
                    ?? circle[0].Update.Inflows[0].Span;
                return new DeclarationException(Rules.Coupled, need, string.Join(" and ", circle.Select(form => $"'{form.Name}'")));
            }

            path.Add(next);
        }
    }
}
