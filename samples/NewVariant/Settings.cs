using System.CommandLine;
using NewVariant.Text;

namespace NewVariant;

/// <summary>What the command line says.</summary>
/// <param name="Text">A file or folder to learn from.</param>
/// <param name="Steps">The optimizer's steps.</param>
/// <param name="Output">Where checkpoint and picture go.</param>
/// <param name="Seed">What weights, data order and the written text are drawn from.</param>
/// <param name="Resume">Whether to go on from the checkpoint.</param>
internal sealed record Settings(string Text, int Steps, string Output, int Seed, bool Resume)
{
    private const int DefaultSteps = 400;

    /// <summary>The checkpoint of models, optimizers and curves.</summary>
    public string Checkpoint => Path.Combine(Output, "checkpoint.safetensors");

    /// <summary>The picture of the curves.</summary>
    public string Picture => Path.Combine(Output, "curves.png");

    /// <summary>The command line of a program that takes settings and gives an exit code.</summary>
    public static RootCommand Command(Func<Settings, int> run)
    {
        var text = new Argument<string?>("text")
        {
            Description = "A file or folder to learn from; by default this repository's own sources and documents.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var steps = new Option<int>("--steps")
        {
            Description = $"Training steps, each of {Batches.Count * Batches.Length} bytes.",
            HelpName = "N",
            DefaultValueFactory = _ => DefaultSteps,
        };
        var output = new Option<string>("--out")
        {
            Description = "The folder for checkpoint and picture.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Path.Combine("artifacts", "new-variant"),
        };
        var seed = new Option<int>("--seed")
        {
            Description = "What all chance is drawn from.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        var resume = new Option<bool>("--resume") { Description = "Go on from the checkpoint in the output folder." };

        var command = new RootCommand("A new linear attention: declared, checked, and trained as a language model beside a known one.")
        {
            text, steps, output, seed, resume,
        };
        command.SetAction(result => run(new Settings(
            result.GetValue(text) ?? RepositoryRoot(),
            result.GetValue(steps),
            result.GetRequiredValue(output),
            result.GetValue(seed),
            result.GetValue(resume)).Checked()));
        return command;
    }

    // Before anything takes time: a mistake is told at once, not after minutes of training.
    private Settings Checked()
    {
        if (Text.StartsWith('-')) throw new UserError($"unknown option {Text}; --help lists those there are");
        if (Steps < 1) throw new UserError($"expected at least 1 for --steps, got {Steps}");
        if (Resume && !File.Exists(Checkpoint)) throw new UserError($"expected a checkpoint to resume from, found none at {Checkpoint}");
        try
        {
            Directory.CreateDirectory(Output);
            File.Create(Path.Combine(Output, Path.GetRandomFileName()), bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"expected a folder that can be written to for --out, got {Output}: {e.Message}");
        }

        return this;
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Fla.Dsl.sln")))
                return folder.FullName;
        throw new UserError("expected a file or folder of text as an argument: this program lies in no checkout to learn the sources of");
    }
}
