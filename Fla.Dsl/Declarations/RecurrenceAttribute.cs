namespace Fla.Dsl;

/// <summary>
/// Marks a static partial class whose static method <c>Step</c> declares one token of a recurrence: its arguments, its states as
/// <c>ref</c> parameters, and the output it returns. The generator adds every mode to the class.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class RecurrenceAttribute : Attribute
{
    /// <summary>Whether tensors have a head axis: <c>[B, T, H, dim]</c>, or <c>[B, T, dim]</c> when false (HGRN, Mamba-1).</summary>
    public bool Heads { get; set; } = true;
}
