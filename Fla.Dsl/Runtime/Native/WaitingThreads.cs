using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Native;

/// <summary>
/// How libtorch's threads wait for one another. Its OpenMP, libgomp, has them spin some 300,000 rounds before they sleep. Alone on a
/// machine that gains little over a few; beside any other program that uses the cores it is ruinous, for a thread then spins while the
/// one it waits for has no core (measured on two cores, one of them busy: a training step 20 times slower than on a single thread).
/// </summary>
internal static class WaitingThreads
{
    // About as long as a thread takes to fall asleep and wake up.
    private const string Rounds = "1000";

    /// <summary>Has them spin briefly, unless the user has said otherwise. Must come before libgomp is loaded, which reads it once.</summary>
    public static void SpinBriefly()
    {
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
            _ = setenv("GOMP_SPINCOUNT", Rounds, overwrite: 0);
    }

    // .NET's own environment variables are a copy, which native code does not see.
    [DllImport("libc")]
    private static extern int setenv(string name, string value, int overwrite);
}
