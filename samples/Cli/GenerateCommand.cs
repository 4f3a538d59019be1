using System.CommandLine;
using System.Diagnostics;
using Fla.Layers.Generation;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary><c>fla generate DIR --prompt TEXT</c>: continues a text.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var folder = CheckpointCommand.Folder();
        var prompt = new Option<string?>("--prompt") { Description = "The text to continue; needs the checkpoint's tokenizer." };
        var ids = new Option<string?>("--ids") { Description = "Tokens to continue in place of a text, separated by commas." };
        var maxlen = new Option<int>("--maxlen") { Description = "How many tokens to generate.", DefaultValueFactory = _ => 64 };
        var temperature = new Option<double>("--temperature") { Description = "0 takes the likeliest.", DefaultValueFactory = _ => 0 };
        var topK = new Option<int?>("--topk") { Description = "How many of the likeliest tokens may be drawn." };
        var topP = new Option<double>("--topp") { Description = "The probability that they reach together.", DefaultValueFactory = _ => 1 };
        var penalty = new Option<double>("--repetition-penalty", "--repetition_penalty")
        {
            Description = "Above 1 makes tokens that are there already less likely.", DefaultValueFactory = _ => 1,
        };
        var seed = new Option<long>("--seed") { Description = "What drawing begins with.", DefaultValueFactory = _ => 0 };
        var noCache = new Option<bool>("--no-cache") { Description = "Compute all tokens anew for each." };
        var noStop = new Option<bool>("--no-eos") { Description = "Go on after the end of the text." };
        var (device, dtype) = (Choices.Device(), Choices.Dtype());
        var command = new Command("generate", "Continue a text, and tell how long it took.")
        {
            folder, prompt, ids, maxlen, temperature, topK, topP, penalty, seed, noCache, noStop, device, dtype,
        };
        command.SetAction(result =>
        {
            var draws = result.GetValue(temperature) != 0;
            var config = new GenerationConfig
            {
                MaxNewTokens = result.GetValue(maxlen),
                DoSample = draws,
                Temperature = draws ? result.GetValue(temperature) : 1,
                TopK = result.GetValue(topK),
                TopP = result.GetValue(topP),
                RepetitionPenalty = result.GetValue(penalty),
                Seed = result.GetValue(seed),
                UseCache = !result.GetValue(noCache),
                EosTokenIds = result.GetValue(noStop) ? [] : null,
            };
            return Run(
                result.GetRequiredValue(folder), result.GetValue(prompt), result.GetValue(ids), config,
                result.GetRequiredValue(device), result.GetValue(dtype));
        });
        return command;
    }

    private static int Run(DirectoryInfo folder, string? prompt, string? ids, GenerationConfig config, string device, string? dtype)
    {
        if (prompt is null == ids is null) return ExitCode.Misused("expected --prompt or --ids");
        return CheckpointCommand.Run(folder, device, dtype, model =>
        {
            var tokenizer = prompt is null ? null : PretrainedTokenizer.FromPretrained(folder.FullName);
            long[] tokens = tokenizer is null ? ParseIds(ids!) : [.. tokenizer.EncodeToIds(prompt!).Select(id => (long)id)];
            if (tokens.Length == 0) throw new ArgumentException("--prompt: expected at least one token, came none");
            string Text(IEnumerable<long> of) => tokenizer is null ? string.Join(",", of) : tokenizer.Decode(of.Select(id => (int)id))!;

            Console.WriteLine($"Number of parameters: {model.ParameterCount}");
            Console.WriteLine($"Prompt:\n{prompt ?? ids}\n");
            Console.WriteLine("Generated:");
            using var input = tensor(tokens, [1, tokens.Length], device: model.Device);
            var watch = Stopwatch.StartNew();
            var length = tokens.Length;
            var shown = "";
            List<long> all = [.. tokens];
            foreach (var step in model.Stream(input, config))
            {
                all.Add(step[0]);
                shown = ShowNew(Text(all), shown);
            }

            watch.Stop();
            Console.WriteLine($"\n\nPrompt length: {length}, generation length: {all.Count - length}");
            Console.WriteLine($"Total prompt processing + decoding time: {watch.Elapsed.TotalMilliseconds:F0}ms");
            return ExitCode.Success;
        });
    }

    // A character may take several tokens: what is not whole yet waits for the rest.
    private static string ShowNew(string text, string shown)
    {
        if (text.EndsWith('\uFFFD') || !text.StartsWith(shown, StringComparison.Ordinal)) return shown;
        Console.Write(text[shown.Length..]);
        return text;
    }

    private static long[] ParseIds(string ids) => [.. ids.Split(',').Select(id => long.TryParse(id.Trim(), out var token)
        ? token
        : throw new ArgumentException($"--ids: expected numbers separated by commas, came '{id}'"))];
}
