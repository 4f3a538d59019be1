using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using Fla.Dsl.Runtime.Native;
using NewVariant;
using NewVariant.Model;
using NewVariant.Report;
using NewVariant.Text;
using NewVariant.Training;
using Spectre.Console;

const int Success = 0, Failed = 1, Misused = 2, Interrupted = 130;
if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160; // not a terminal's 80, which would wrap

// The declaration, what was made of it, whether that is right, and what it is good for.
var command = Settings.Command(settings =>
{
    var corpus = Corpus.Read(settings.Text);
    GeneratedCode.Write(Palimpsest.Op);
    if (!ConformanceTable.Write(Palimpsest.Op)) return Failed;

    var size = new ModelSize();
    using var variant = new Trainer(nameof(Palimpsest), s => new PalimpsestMemory(s), size, settings.Seed);
    using var baseline = new Trainer(nameof(Fla.Ops.GatedLinearAttention), s => new GatedLinearMemory(s), size, settings.Seed);
    var race = new Race(new(settings.Steps, settings.Seed), corpus, [variant, baseline]);
    Summary.WriteStart(race);

    Directory.CreateDirectory(settings.Output);
    var checkpoint = Path.Combine(settings.Output, "checkpoint.safetensors");
    if (settings.Resume) Checkpoint.Load(checkpoint, race);
    using (var stop = new CancellationTokenSource())
    using (PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
    {
        signal.Cancel = !stop.IsCancellationRequested; // the second one ends the program at once
        stop.Cancel();
    }))
        new ProgressDisplay(race).Around(show => race.Run(show, stop.Token));

    Checkpoint.Save(checkpoint, race);
    if (!race.IsOver)
    {
        Console.WriteLine($"Stopped after step {race.Steps}; --resume goes on from {checkpoint}.");
        return Interrupted;
    }

    var picture = Path.Combine(settings.Output, "curves.png");
    CurvePlot.Save(picture, race);
    Summary.WriteEnd(race);
    Summary.WriteSample(variant, corpus, settings.Seed);
    Console.WriteLine($"Curves: {picture}, weights: {checkpoint}");
    return Success;
});

try
{
    var parsed = command.Parse(args);
    var exitCode = parsed.Invoke(new() { EnableDefaultExceptionHandler = false });
    return parsed.Action is ParseErrorAction ? Misused : exitCode;
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
