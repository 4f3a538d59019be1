using System.CommandLine;
using System.CommandLine.Invocation;
using Fla.Cli;

var root = new RootCommand("Linear attention for C#: what is in the catalogue, what was compiled for it, whether it is right.")
{
    OpsCommand.Create(),
    KernelsCommand.Create(),
    InfoCommand.Create(),
    GenerateCommand.Create(),
    new Command("bench", "Measure how fast it is.")
    {
        BenchOpsCommand.Create(),
    },
    new Command("verify", "Compare with figures of a reference implementation.")
    {
        VerifyOpsCommand.Create(),
        VerifyModelsCommand.Create(),
    },
};

var command = root.Parse(args);
var exitCode = command.Invoke();
return command.Action is ParseErrorAction ? ExitCode.Usage : exitCode;
