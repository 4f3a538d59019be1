using System.Runtime.CompilerServices;
using Snapshooter;
using Snapshooter.Core;
using Snapshooter.Core.Serialization;
using Xunit.Sdk;

namespace VerifyXunit;

/// <summary>
/// Stands in for the package Verify.Xunit: the names and files of Verify (<c>Name.verified.cs</c> beside the test is what was accepted,
/// <c>Name.received.cs</c> what came), compared by Snapshooter. To change over, delete this file and the package Snapshooter.Xunit, and
/// add the package Verify.Xunit. Nothing is ever accepted by itself: without a verified file a test fails.
/// </summary>
internal static class Verifier
{
    public static SettingsTask Verify(string target, string extension = "txt", [CallerFilePath] string sourceFile = "") =>
        new(target, extension, Path.GetDirectoryName(sourceFile)!);
}

/// <summary>A comparison to be awaited, once it is told its file.</summary>
internal sealed class SettingsTask(string target, string extension, string folder)
{
    private string? name;

    /// <summary>The folder of the files, seen from the test's source file.</summary>
    public SettingsTask UseDirectory(string directory)
    {
        folder = Path.Combine(folder, directory);
        return this;
    }

    public SettingsTask UseFileName(string fileName)
    {
        name = fileName;
        return this;
    }

    public TaskAwaiter GetAwaiter()
    {
        var files = new VerifiedFiles(extension);
        var serializer = new SnapshotSerializer(new GlobalSnapshotSettingsResolver());
        var snapshot = new SnapshotFullName(name ?? throw new InvalidOperationException("Say UseFileName."), folder);
        new SnapshotAssert(serializer, files, files, new LineComparer(files.Received(snapshot)), new JsonSnapshotFormatter(serializer))
            .AssertSnapshot(target, snapshot, new MatchOptions());
        return Task.CompletedTask.GetAwaiter();
    }
}

/// <summary>Verify's files instead of Snapshooter's folders.</summary>
internal sealed class VerifiedFiles(string extension) : ISnapshotFileHandler, ISnapshotEnvironmentCleaner
{
    public string Received(SnapshotFullName snapshot) => Path.Combine(snapshot.FolderPath, $"{snapshot.Filename}.received.{extension}");

    public bool TryReadSnapshot(SnapshotFullName snapshotFullName, out string snapshotData)
    {
        var exists = File.Exists(Verified(snapshotFullName));
        snapshotData = exists ? ReadSnapshot(snapshotFullName) : null!;
        return exists;
    }

    public string ReadSnapshot(SnapshotFullName snapshotFullName) => File.ReadAllText(Verified(snapshotFullName));

    public string SaveNewSnapshot(SnapshotFullName snapshotFullName, string snapshotData) =>
        throw new XunitException($"There is no {Verified(snapshotFullName)}. Read {Received(snapshotFullName)}, and rename it if it is right.");

    public string SaveMismatchSnapshot(SnapshotFullName snapshotFullName, string snapshotData)
    {
        Directory.CreateDirectory(snapshotFullName.FolderPath);
        File.WriteAllText(Received(snapshotFullName), snapshotData);
        return Received(snapshotFullName);
    }

    public void Cleanup(SnapshotFullName snapshotFullName) => DeleteSnapshot(snapshotFullName);

    /// <summary>Deletes what an earlier run received.</summary>
    public void DeleteSnapshot(SnapshotFullName snapshotFullName) => File.Delete(Received(snapshotFullName));

    public void DeleteSnapshotSubfolder(SnapshotFullName snapshotFullName, string subfolderName)
    {
    }

    private string Verified(SnapshotFullName snapshot) => Path.Combine(snapshot.FolderPath, $"{snapshot.Filename}.verified.{extension}");
}

/// <summary>Equal texts whatever their line ends; otherwise says where they part.</summary>
internal sealed class LineComparer(string received) : ISnapshotComparer
{
    private const int Shown = 8;

    public void CompareSnapshots(string expectedSnapshot, string actualSnapshot, MatchOptions matchOptions)
    {
        var (expected, actual) = (Lines(expectedSnapshot), Lines(actualSnapshot));
        if (expected.SequenceEqual(actual)) return;
        var first = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        throw new XunitException(string.Join('\n',
        [
            $"{received} is not what was verified, from line {first + 1} on. Rename it to '.verified.' if it is right.",
            .. expected.Skip(first).Take(Shown).Select(line => $"- {line}"),
            .. actual.Skip(first).Take(Shown).Select(line => $"+ {line}"),
        ]));
    }

    private static string[] Lines(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
}
