namespace Fla.Cli;

/// <summary>What the tool tells the shell.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>It ran, and something did not pass.</summary>
    public const int Failure = 1;

    /// <summary>It was not clear what to run, or it cannot run here.</summary>
    public const int Usage = 2;

    /// <summary>Says on standard error why nothing ran.</summary>
    public static int Misused(string message)
    {
        Console.Error.WriteLine(message);
        return Usage;
    }
}
