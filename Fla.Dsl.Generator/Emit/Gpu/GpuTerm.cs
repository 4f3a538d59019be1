namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>An element of a value as C#, with the lines and tiles in shared memory that it reads.</summary>
internal sealed record GpuTerm(string Text, IReadOnlyCollection<string> Reads);
