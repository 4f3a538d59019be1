using NewVariant.Text;

namespace NewVariant.Training;

/// <summary>Models trained side by side, each step on the same windows.</summary>
internal sealed class Race(Plan plan, Corpus corpus, IReadOnlyList<Trainer> trainers)
{
    private readonly Batches batches = new(corpus.Train, plan.Seed);

    public Plan Plan => plan;

    public Corpus Corpus => corpus;

    public IReadOnlyList<Trainer> Trainers => trainers;

    /// <summary>The steps that every model has made.</summary>
    public int Steps { get; set; }

    public bool IsOver => Steps == plan.Steps;

    /// <summary>Goes on to the end, or until told to stop.</summary>
    /// <param name="afterStep">Called after each step.</param>
    /// <param name="stop">Ends the race after the step in hand.</param>
    public void Run(Action afterStep, CancellationToken stop)
    {
        while (!IsOver && !stop.IsCancellationRequested)
        {
            using var windows = batches.At(Steps);
            foreach (var trainer in trainers)
                trainer.Step(windows, plan.RateAt(Steps));
            Steps++;
            if (plan.EvaluatesAfter(Steps))
                foreach (var trainer in trainers)
                    trainer.Evaluate(Batches.Spread(corpus.HeldOut, Plan.HeldOutWindows));
            afterStep();
        }
    }
}
