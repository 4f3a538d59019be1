using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>A recurrence compiled for one granularity: a chunk or a token at a time.</summary>
internal sealed record CompiledProgram(SplitProgram Forward, SplitProgram Backward);

/// <summary>A recurrence after the last pass, ready to be written out.</summary>
/// <param name="Declaration">What was compiled.</param>
/// <param name="Form">Its normal form; null if it has none.</param>
/// <param name="Chunk">The program of a chunk; null without a normal form.</param>
/// <param name="Token">The program of a token.</param>
/// <param name="Limits">Why there is no normal form.</param>
internal sealed record CompiledRecurrence(Declaration Declaration, NormalForm? Form, CompiledProgram? Chunk, CompiledProgram Token, EquatableArray<Problem> Limits);

/// <summary>The whole compiler between parsing and writing, from top to bottom.</summary>
internal static class Pipeline
{
    /// <param name="declaration">A parsed declaration.</param>
    /// <param name="dump">If given, receives the name and the result of every pass; <see cref="PassText"/> writes them.</param>
    /// <exception cref="DeclarationException">The declaration has no compiled form.</exception>
    public static CompiledRecurrence Compile(Declaration declaration, Action<string, object>? dump = null)
    {
        T Pass<T>(string name, T result)
            where T : notnull
        {
            dump?.Invoke(name, result);
            return result;
        }

        TileProgram Checked(string name, TileProgram program) => Pass(name, Verifier.Verify(program));

        CompiledProgram Derive(TileProgram lowered)
        {
            // Sharing equal terms and dropping unused ones first keeps the derivative small.
            var forward = Checked("simplify", Simplification.Simplify(lowered));

            // The gradient of a chunk, from the program of the chunk alone.
            var backward = Checked("differentiate", Differentiation.Differentiate(forward, declaration));

            // Most of what differentiation writes is 0, 1, or there already.
            backward = Checked("simplify backward", Simplification.Simplify(backward));

            // What needs no state can run for all chunks at once.
            return new CompiledProgram(Pass("split", Fission.Split(forward)), Pass("split backward", Fission.Split(backward)));
        }

        try
        {
            // Decays, writes and reads instead of C#: the form in which every variant is one.
            var form = Pass("normalize", Normalizer.Normalize(declaration));

            // The chunk's equations, from the normal form; the token's, from the declaration word by word.
            var chunk = Derive(Checked("lower to chunks", ChunkLowering.Lower(declaration, form)));
            return new CompiledRecurrence(declaration, form, chunk, Token(), default);
        }
        catch (DeclarationException limit) when (Rules.Get(limit.Problem.Id).DefaultSeverity == DiagnosticSeverity.Warning)
        {
            return new CompiledRecurrence(declaration, null, null, Token(), EquatableArray<Problem>.Empty.Add(limit.Problem));
        }

        CompiledProgram Token() => Derive(Checked("lower to tokens", TokenLowering.Lower(declaration)));
    }
}
