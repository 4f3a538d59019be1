using NewVariant.Text;
using NewVariant.Training;
using ScottPlot;

namespace NewVariant.Report;

/// <summary>The curves of a race as a picture.</summary>
internal static class CurvePlot
{
    // Drawn with a font that comes along: there may be none on the machine.
    private const string Font = "DejaVu Sans Latin";
    private const string FontFile = "DejaVuSans-Latin.ttf";

    // A single step's windows say little: the training curve is the mean of the last so many steps.
    private const int Smoothing = 20;

    private static readonly Color[] Colors = [Color.FromHex("#c2410c"), Color.FromHex("#1d4ed8")];

    public static void Save(string path, Race race)
    {
        Fonts.AddFontFile(Font, Path.Combine(AppContext.BaseDirectory, "Font", FontFile));
        using var plot = new Plot { ScaleFactor = 1.5 };
        foreach (var (trainer, color) in race.Trainers.Zip(Colors))
        {
            var train = plot.Add.ScatterLine(Smooth(trainer.TrainBits), color.WithAlpha(0.4));
            train.LineWidth = 1.5f;
            train.LegendText = $"{trainer.Name}, training text";

            Coordinates[] points = [.. trainer.HeldOutBits.Select(point => new Coordinates(KiB(point.Steps), point.Bits))];
            var heldOut = plot.Add.Scatter(points, color);
            heldOut.LineWidth = 2.5f;
            heldOut.MarkerSize = 8;
            heldOut.LegendText = $"{trainer.Name}, held-out text: {trainer.HeldOutBits[^1].Bits:F3} at last";
        }

        plot.Axes.Title.Label.Text = "Bits per byte of a small language model";
        plot.Axes.Title.Label.Bold = false;
        plot.XLabel("text trained on, KiB");
        plot.YLabel("bits per byte");
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Axes.SetLimits(left: 0, right: KiB(race.Plan.Steps) * 1.02, bottom: Lowest(race), top: Lowest(race) + 3);
        plot.ShowLegend(Alignment.UpperRight);
        plot.Font.Set(Font);
        plot.SavePng(path, 1500, 900);
    }

    private static Coordinates[] Smooth(List<double> bits) =>
    [
        .. Enumerable.Range(0, Math.Max(0, bits.Count - Smoothing)).Select(i =>
        {
            var reach = Math.Min(i, Smoothing);
            return new Coordinates(KiB(i), bits.Skip(i - reach).Take(2 * reach + 1).Average());
        }),
    ];

    // To the half bit.
    private static double Lowest(Race race) => Math.Floor(2 * race.Trainers.Min(
        trainer => Smooth(trainer.TrainBits).Select(point => point.Y).Concat(trainer.HeldOutBits.Select(point => point.Bits)).Min())) / 2;

    private static double KiB(int steps) => steps * (Batches.Count * Batches.Length / 1024.0);
}
