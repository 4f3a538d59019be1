namespace Fla.Dsl.Runtime;

/// <summary>When in a token its state is read: which earlier tokens j count for token i, and decayed by which gates.</summary>
public enum ReadPoint
{
    /// <summary>j &lt; i, decayed by the gates strictly between them.</summary>
    BeforeDecay,

    /// <summary>j &lt; i, decayed by the gates after j up to and with i's own.</summary>
    AfterDecay,

    /// <summary>j &lt;= i, decayed as for <see cref="AfterDecay"/>.</summary>
    AfterWrite,
}
