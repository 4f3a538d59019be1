using Fla.Dsl.Runtime;

namespace Fla.Ops.Tests.Launch;

/// <summary>The backend that is asked for until it is disposed of.</summary>
internal sealed class BackendOf : IDisposable
{
    private readonly string? before = Environment.GetEnvironmentVariable(Backend.Variable);

    public BackendOf(string? name) => Environment.SetEnvironmentVariable(Backend.Variable, name);

    public static BackendOf Emulator => new("emulator");

    public void Dispose() => Environment.SetEnvironmentVariable(Backend.Variable, before);
}
