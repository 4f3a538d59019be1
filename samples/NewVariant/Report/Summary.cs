using System.Diagnostics;
using System.Text;
using NewVariant.Generation;
using NewVariant.Text;
using NewVariant.Training;
using Spectre.Console;

namespace NewVariant.Report;

/// <summary>What is learnt from, what came of it, and what the model writes.</summary>
internal static class Summary
{
    private const int SampleLength = 500, PromptLength = 80, LongestLine = 200;

    public static void WriteStart(Race race)
    {
        var (corpus, steps) = (race.Corpus, race.Plan.Steps);
        Console.WriteLine($"Text: {corpus.Files} files of {corpus.Source}, {corpus.Train.Length >> 10} KiB to learn from.");
        Console.WriteLine($"Held out: the last tenth of every file, {corpus.HeldOut.Length >> 10} KiB.");
        Console.WriteLine($"Training: {steps} steps of {Batches.Count} windows of {Batches.Length} bytes, the same for all.");
        Console.WriteLine("Ctrl-C stops, --resume goes on.");
    }

    public static void WriteEnd(Race race)
    {
        var table = new Table().Border(TableBorder.Simple)
            .Title($"Bits per byte; held-out text in up to {Plan.HeldOutWindows} windows, evenly spread")
            .AddColumns("model", "parameters", "training text", "held-out text", "bytes/s", "time");
        foreach (var trainer in race.Trainers)
            table.AddRow(
                trainer.Name, $"{trainer.Parameters:N0}", $"{trainer.RecentBits:F3}", $"[bold]{trainer.HeldOutBits[^1].Bits:F3}[/]",
                $"{trainer.Speed:N0}", Minutes(trainer.Spent));
        AnsiConsole.Write(table);
    }

    /// <summary>A time as minutes and seconds.</summary>
    public static string Minutes(TimeSpan time) => $"{(int)time.TotalMinutes}:{time.Seconds:00}";

    public static void WriteSample(Trainer trainer, Corpus corpus, int seed)
    {
        var prompt = Prompt(corpus.HeldOut);
        using var decoder = new ByteDecoder(trainer.Model, seed);
        foreach (var next in prompt)
            decoder.Read(next);
        var watch = Stopwatch.StartNew();
        var written = Enumerable.Range(0, SampleLength).Select<int, byte>(_ => decoder.Write()).ToArray();
        var speed = SampleLength / watch.Elapsed.TotalSeconds;
        AnsiConsole.Write(new Panel(new Markup($"[grey]{Show(prompt)}[/]{Show(written)}"))
            .Header($"{trainer.Name} writes on, {speed:N0} bytes/s"));
    }

    // Whole lines from the middle of the held-out text.
    private static byte[] Prompt(byte[] text)
    {
        var start = NextLine(text.Length / 2);
        return text[start..NextLine(start + PromptLength)];

        // Where lines are not far apart.
        int NextLine(int at) => at + text.AsSpan(at, LongestLine).IndexOf((byte)'\n') + 1;
    }

    private static string Show(byte[] bytes) =>
        Markup.Escape(string.Concat(Encoding.UTF8.GetString(bytes).Where(c => c == '\n' || !char.IsControl(c))));
}
