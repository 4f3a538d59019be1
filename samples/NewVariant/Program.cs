using System.Runtime.InteropServices;
using Fla.Dsl.Runtime.Native;
using Fla.Ops;
using NewVariant;
using NewVariant.Model;
using NewVariant.Report;
using NewVariant.Text;
using NewVariant.Training;
using Spectre.Console;

const int Success = 0, Failed = 1, Misused = 2, Interrupted = 130;
if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160; // not a terminal's 80, which would wrap

// The declaration is in Palimpsest.cs. Here: what was generated from it, whether that is right, and what it is good for.
var command = Settings.Command(settings =>
{
    var corpus = Corpus.Read(settings.Text);
    GeneratedCode.Write(Palimpsest.Op);
    if (!ConformanceTable.Write(Palimpsest.Op)) return Failed;

    var size = new ModelSize();
    using var variant = new Trainer(nameof(Palimpsest), new(size, () => new PalimpsestMemory(size), settings.Seed));
    using var baseline = new Trainer(nameof(GatedLinearAttention), new(size, () => new GatedLinearMemory(size), settings.Seed));
    var race = new Race(new(settings.Steps, settings.Seed), corpus, [variant, baseline]);
    if (settings.Resume) Checkpoint.Load(settings.Checkpoint, race);

    Summary.WriteStart(race);
    Train(race);
    Checkpoint.Save(settings.Checkpoint, race);
    if (!race.IsOver)
    {
        Console.WriteLine($"Stopped after step {race.Steps}; the same command with --resume goes on from {settings.Checkpoint}.");
        return Interrupted;
    }

    Summary.WriteEnd(race);
    Summary.WriteSample(variant, corpus, settings.Seed);
    CurvePlot.Save(settings.Picture, race);
    Console.WriteLine($"Curves are in {settings.Picture}, weights in {settings.Checkpoint}.");
    return Success;
});

try
{
    var parsed = command.Parse(args);
    if (parsed.Errors.Count > 0) throw new UserError(parsed.Errors[0].Message);
    return parsed.Invoke(new() { EnableDefaultExceptionHandler = false });
}
catch (UserError e)
{
    Console.Error.WriteLine(e.Message);
    return Misused;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or NativeLibraryException)
{
    Console.Error.WriteLine(e.Message);
    return Failed;
}

static void Train(Race race)
{
    using var stop = new CancellationTokenSource();
    using var onCtrlC = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
    {
        signal.Cancel = !stop.IsCancellationRequested; // a second one ends the program at once
        stop.Cancel();
    });
    new ProgressDisplay(race).Around(show => race.Run(show, stop.Token));
}
