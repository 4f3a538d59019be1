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
        Console.WriteLine($"step {steps}/{all}: bits per byte {string.Join(", ", race.Trainers.Select(Bits))}; {Left()} left");
    }

    private string Bits(Trainer trainer) => trainer.HeldOutBits is [.., var (steps, heldOut)] && steps == race.Steps
        ? $"{trainer.Name} {trainer.RecentBits:F3} (held out {heldOut:F3})"
        : $"{trainer.Name} {trainer.RecentBits:F3}";

    private Table Table()
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("model", "loss", "bits per byte", "held out", "bytes/s");
        foreach (var trainer in race.Trainers)
            table.AddRow(
                trainer.Name,
                race.Steps > 0 ? $"{trainer.RecentBits * Math.Log(2):F3}" : "",
                race.Steps > 0 ? $"{trainer.RecentBits:F3}" : "",
                trainer.HeldOutBits.Count > 0 ? $"{trainer.HeldOutBits[^1].Bits:F3}" : "",
                $"{trainer.Speed:N0}");
        var done = (int)((long)BarLength * race.Steps / race.Plan.Steps);
        var bar = new string('━', done) + new string('─', BarLength - done);
        return table.Caption($"step {race.Steps}/{race.Plan.Steps} {bar} {Left()} left");
    }

    private string Left()
    {
        var done = race.Steps - firstStep;
        var left = done > 0 ? (Environment.TickCount64 - firstTick) / (double)done * (race.Plan.Steps - race.Steps) : 0;
        return Summary.Minutes(TimeSpan.FromMilliseconds(left));
    }
}
