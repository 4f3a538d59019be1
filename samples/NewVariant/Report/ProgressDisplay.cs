using NewVariant.Training;
using Spectre.Console;

namespace NewVariant.Report;

/// <summary>Shows how a race goes: live on a terminal, in plain lines elsewhere.</summary>
internal sealed class ProgressDisplay(Race race)
{
    private const int PlainLines = 2 * Plan.Evaluations;
    private const int BarLength = 36;

    private readonly int firstStep = race.Steps;
    private readonly long firstTick = Environment.TickCount64;

    /// <summary>Does some work, which says when to look again.</summary>
    public void Around(Action<Action> work)
    {
        if (Console.IsOutputRedirected)
            work(WritePlainLine);
        else
            AnsiConsole.Live(Table()).Start(live => work(() => live.UpdateTarget(Table())));
    }

    private void WritePlainLine()
    {
        var (steps, all) = (race.Steps, race.Plan.Steps);
        if (steps * PlainLines / all == (steps - 1) * PlainLines / all) return;
        var models = race.Trainers.Select(trainer => $"{trainer.Name} {Recent(trainer):F3}" + (IsFresh(trainer) ? $" (held out {trainer.HeldOutBits[^1].Bits:F3})" : ""));
        Console.WriteLine($"step {steps}/{all}: bits per byte {string.Join(", ", models)}; {Left()} left");
    }

    private Table Table()
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("model", "loss", "bits per byte", "held out", "bytes/s");
        foreach (var trainer in race.Trainers)
            table.AddRow(
                trainer.Name,
                race.Steps > 0 ? $"{Recent(trainer) * Math.Log(2):F3}" : "",
                race.Steps > 0 ? $"{Recent(trainer):F3}" : "",
                trainer.HeldOutBits.Count > 0 ? $"{trainer.HeldOutBits[^1].Bits:F3}" : "",
                $"{Speed(trainer):N0}");
        var done = (int)((long)BarLength * race.Steps / race.Plan.Steps);
        return table.Caption($"step {race.Steps}/{race.Plan.Steps} {new string('━', done)}{new string('─', BarLength - done)} {Left()} left");
    }

    /// <summary>Bits per byte over the last steps: one step's windows say little.</summary>
    public static double Recent(Trainer trainer) => trainer.TrainBits.TakeLast(20).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Bytes trained on in a second.</summary>
    public static double Speed(Trainer trainer) =>
        trainer.Spent > TimeSpan.Zero ? trainer.TrainBits.Count * Text.Batches.Count * Text.Batches.Length / trainer.Spent.TotalSeconds : 0;

    private bool IsFresh(Trainer trainer) => trainer.HeldOutBits.Count > 0 && trainer.HeldOutBits[^1].Steps == race.Steps;

    private string Left()
    {
        var done = race.Steps - firstStep;
        var left = done > 0 ? (Environment.TickCount64 - firstTick) / (double)done * (race.Plan.Steps - race.Steps) : 0;
        return TimeSpan.FromMilliseconds(left).ToString(@"m\:ss");
    }
}
