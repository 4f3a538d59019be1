using System.CommandLine;

namespace NewVariant;

/// <summary>What the command line says.</summary>
/// <param name="Text">A file or folder to learn from.</param>
/// <param name="Steps">The optimizer's steps.</param>
/// <param name="Output">Where checkpoint and picture go.</param>
/// <param name="Seed">What weights, data order and the written text are drawn from.</param>
/// <param name="Resume">Whether to go on from the checkpoint.</param>
internal sealed record Settings(string Text, int Steps, string Output, int Seed, bool Resume)
{
    private const int DefaultSteps = 300;

    /// <summary>The command line, for a program that takes settings and gives an exit code.</summary>
    public static RootCommand Command(Func<Settings, int> run)
    {
        var text = new Argument<string?>("text")
        {
            Description = "A file or folder to learn from; by default this repository's own sources and documents.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var steps = new Option<int>("--steps") { Description = "Training steps, of 2 KiB of text each.", DefaultValueFactory = _ => DefaultSteps };
        steps.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1) result.AddError("expected at least 1 for --steps");
        });
        var output = new Option<string>("--out")
        {
            Description = "The folder for checkpoint and picture.",
            DefaultValueFactory = _ => Path.Combine("artifacts", "new-variant"),
        };
        var seed = new Option<int>("--seed") { Description = "What all chance is drawn from.", DefaultValueFactory = _ => 1 };
        var resume = new Option<bool>("--resume") { Description = "Go on from the checkpoint in the output folder." };

        var command = new RootCommand("Declares a new kind of linear attention, checks what was generated for it, and trains a language model with it.")
        {
            text, steps, output, seed, resume,
        };
        command.SetAction(result => run(new(
            result.GetValue(text) ?? RepositoryRoot(),
            result.GetValue(steps),
            result.GetRequiredValue(output),
            result.GetValue(seed),
            result.GetValue(resume))));
        return command;
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Fla.Dsl.sln")))
                return folder.FullName;
        throw new UserError("expected a file or folder of text as an argument: this program does not lie in a checkout whose sources it could learn from");
    }
}
