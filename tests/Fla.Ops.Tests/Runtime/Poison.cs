using System.Runtime.CompilerServices;
using Fla.Dsl.Runtime;

namespace Fla.Ops.Tests.Runtime;

/// <summary>In tests, memory holds NaN until it is written.</summary>
internal static class Poison
{
    [ModuleInitializer]
    internal static void Enable() => Unwritten.HoldsNaN = true;
}
