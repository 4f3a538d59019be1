namespace Fla.Dsl.Runtime;

/// <summary>Where a user's programs keep what they could make again.</summary>
internal static class UserCache
{
    /// <summary><c>$XDG_CACHE_HOME</c>, or else what the system has for it; null if there is no home.</summary>
    public static string? Folder()
    {
        // The specification says that a relative path is to be ignored.
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { } cache && Path.IsPathRooted(cache)) return cache;
        bool windows = OperatingSystem.IsWindows();
        var kind = windows ? Environment.SpecialFolder.LocalApplicationData : Environment.SpecialFolder.UserProfile;
        string home = Environment.GetFolderPath(kind);
        if (home.Length == 0) return null;
        return windows ? home : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
    }
}
