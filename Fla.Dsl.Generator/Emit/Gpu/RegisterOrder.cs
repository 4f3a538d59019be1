using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// In which order what needs no barrier between is computed, so that as few registers as can be are taken at once: next is always what
/// leaves the fewest of them taken.
/// </summary>
internal sealed class RegisterOrder(GpuPlan plan)
{
    private readonly HashSet<int> computed = [];

    public IReadOnlyList<int> Of(IEnumerable<IEnumerable<int>> turns)
    {
        var order = new List<int>();
        foreach (var turn in turns)
        {
            var left = turn.ToList();
            while (left.Count > 0)
            {
                var next = left.Where(id => !plan.Sources(id).Any(left.Contains)).OrderBy(Taken).ThenBy(id => id).First();
                left.Remove(next);
                computed.Add(next);
                order.Add(next);
            }
        }

        return order;
    }

    /// <summary>
    /// The registers that are taken when a value has been computed, less those before. A tile that is there for a sum is soon gone.
    /// </summary>
    private int Taken(int id) => (IsKept(id) ? Size(id) : 0) - plan.Sources(id).Where(source => IsLast(source, id)).Sum(Size);

    private bool IsKept(int id) =>
        plan.RegisterReaders(id).Any(reader => !plan.IsSum(reader)) || plan.Program.Next.Any(next => next.Id == id);

    private bool IsLast(int source, int reader) => plan.RegisterReaders(source).Contains(reader)
        && plan.RegisterReaders(source).All(other => other == reader || computed.Contains(other));

    /// <summary>The size of a tile, where a chunk has half as many tokens as states have rows.</summary>
    private int Size(int id)
    {
        var shape = plan.Program[id].Shape;
        return plan.PlaceOf(id) == Place.Tile ? Length(shape.Rows) * Length(shape.Columns) : 0;
    }

    private static int Length(string dimension) => dimension == Dim.Time ? 1 : 2;
}
