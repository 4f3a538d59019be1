using Fla.Dsl;

namespace Fla.Ops;

// provisional: until the generator emits it into Fla.Ops.
internal static class Catalogue
{
    public static IReadOnlyList<RecurrenceOp> All { get; } = [];
}
