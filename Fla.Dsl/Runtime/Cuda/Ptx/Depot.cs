namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A local array of a function, in the thread's own memory.</summary>
/// <param name="Name">Stands for its address; begins with <see cref="Prefix"/>.</param>
/// <param name="Declaration">The line that declares it.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record Depot(Register Name, string Declaration, int Bytes)
{
    /// <summary>How ILGPU begins the names of local arrays.</summary>
    public const string Prefix = "__local_depot";

    /// <summary>Reads <c>.local .align 4 .b8 __local_depot0[64];</c>; null for any other declaration.</summary>
    public static Depot? TryParse(string line, RegisterFile registers)
    {
        int name = line.IndexOf(Prefix, StringComparison.Ordinal), open = line.IndexOf('['), close = line.IndexOf(']');
        return line.StartsWith(".local ", StringComparison.Ordinal) && line.Contains(" .b8 ", StringComparison.Ordinal)
            && name > 0 && open > name && close > open && int.TryParse(line.AsSpan(open + 1, close - open - 1), out int bytes)
            ? new Depot(registers.Array(line[name..open]), line, bytes)
            : null;
    }
}
