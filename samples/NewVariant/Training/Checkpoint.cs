using System.Globalization;
using Fla.Layers.Checkpoints;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NewVariant.Training;

/// <summary>
/// A race in one safetensors file: of each model the weights, AdamW's moments and the curves; step, seed and text as metadata. The
/// data's order and the learning rate follow from the step and the seed, so there is no generator's state to keep.
/// </summary>
internal static class Checkpoint
{
    public static void Save(string path, Race race)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        var metadata = Identity(race);
        metadata["step"] = Text(race.Steps);
        foreach (var trainer in race.Trainers)
        {
            foreach (var (name, tensor) in Live(trainer))
                tensors[name] = tensor;
            tensors[$"{trainer.Name}.curve.train"] = tensor(trainer.TrainBits.ToArray());
            double[] heldOut = [.. trainer.HeldOutBits.SelectMany(point => new[] { point.Steps, point.Bits })];
            tensors[$"{trainer.Name}.curve.held_out"] = tensor(heldOut);
            metadata[$"{trainer.Name}.seconds"] = trainer.Spent.TotalSeconds.ToString("R", CultureInfo.InvariantCulture);
        }

        SafetensorsFile.Save(path, tensors, metadata);
    }

    /// <exception cref="UserError">It is of another run.</exception>
    public static void Load(string path, Race race)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        foreach (var (name, expected) in Identity(race))
            if (!file.Metadata.TryGetValue(name, out var found) || found != expected)
                throw new UserError($"{path} is of another run: expected {name} {expected}, found {found ?? "none"}");

        race.Steps = int.Parse(file.Metadata["step"], CultureInfo.InvariantCulture);
        using var noGradient = no_grad();
        foreach (var trainer in race.Trainers)
        {
            foreach (var (name, tensor) in Live(trainer))
                tensor.copy_(file.Read(name));
            foreach (var state in States(trainer))
                state.step = race.Steps;
            trainer.TrainBits.AddRange(file.Read($"{trainer.Name}.curve.train").data<double>());
            var heldOut = file.Read($"{trainer.Name}.curve.held_out").data<double>();
            trainer.HeldOutBits.AddRange(heldOut.Chunk(2).Select(point => ((int)point[0], point[1])));
            trainer.Spent = TimeSpan.FromSeconds(double.Parse(file.Metadata[$"{trainer.Name}.seconds"], CultureInfo.InvariantCulture));
        }
    }

    // What must agree for a run to go on as if it had not stopped.
    private static Dictionary<string, string> Identity(Race race) => new()
    {
        ["seed"] = Text(race.Plan.Seed),
        ["steps"] = Text(race.Plan.Steps),
        ["text"] = race.Corpus.Fingerprint,
        ["models"] = string.Join(", ", race.Trainers.Select(trainer => $"{trainer.Name} of {trainer.Parameters} parameters")),
    };

    // The tensors that training changes, by their names in the file.
    private static IEnumerable<(string Name, Tensor Tensor)> Live(Trainer trainer)
    {
        foreach (var ((name, parameter), state) in trainer.Model.named_parameters().Zip(States(trainer)))
        {
            yield return ($"{trainer.Name}.model.{name}", parameter);
            yield return ($"{trainer.Name}.adamw.exp_avg.{name}", state.exp_avg);
            yield return ($"{trainer.Name}.adamw.exp_avg_sq.{name}", state.exp_avg_sq);
        }
    }

    private static IEnumerable<AdamW.State> States(Trainer trainer) => trainer.Optimizer.state_dict().State.Cast<AdamW.State>();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
