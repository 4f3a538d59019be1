namespace NewVariant;

/// <summary>What the user can put right: told in one line.</summary>
internal sealed class UserError(string message) : Exception(message);
