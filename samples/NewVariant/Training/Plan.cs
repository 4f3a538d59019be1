namespace NewVariant.Training;

/// <summary>What a run trains for and how: the one home of these numbers.</summary>
/// <param name="Steps">The optimizer's steps.</param>
/// <param name="Seed">What weights and data order are drawn from.</param>
internal sealed record Plan(int Steps, int Seed)
{
    public const double PeakRate = 6e-3, Beta1 = 0.9, Beta2 = 0.95, WeightDecay = 0.1, LargestGradient = 1;

    /// <summary>Times the held-out text is looked at.</summary>
    public const int Evaluations = 6;

    /// <summary>Windows of held-out text it is looked at through: 32 KiB.</summary>
    public const int HeldOutWindows = 128;

    private const int WarmUp = 30;
    private const double LastRate = 0.05; // of the peak

    /// <summary>The learning rate of a step: up in a line, down in half a cosine.</summary>
    public double RateAt(int step) => PeakRate * Math.Min(1, (step + 1.0) / WarmUp)
        * (LastRate + (1 - LastRate) * 0.5 * (1 + Math.Cos(Math.PI * step / Steps)));

    /// <summary>Whether the held-out text is looked at after so many steps.</summary>
    public bool EvaluatesAfter(int steps) => steps * Evaluations / Steps > (steps - 1) * Evaluations / Steps;
}
