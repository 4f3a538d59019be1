using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>What the tile library does to a tile as a whole: sums and scans down the tokens, decayed dots, softmaxes, inverses.</summary>
internal sealed partial class GpuBody
{
    /// <summary>Sums down the tokens, from log-decays as they came or from registers, which are stored where the sums will be.</summary>
    private void RunningSums(int id)
    {
        var tile = program[id];
        var operand = tile.Operands[0];
        var sizes = $"TBlock, {Dimensions(tile.Shape)}";
        var name = Fresh(id);
        var (from, element) = (name, Single);
        if (shared.TryGetValue(operand, out var arrived) && !registers.ContainsKey(operand))
        {
            regions.Take(name, $"Shared<{Dimensions(tile.Shape)}, {Single}>.Bytes", Code);
            (from, element) = (arrived.Name, arrived.Element);
        }
        else
        {
            StoredSingle(operand, name);
        }

        Touch([from], [name]);
        Code.Line(IsForward(tile)
            ? $"RunningSums.OfGates<{sizes}, {element}>({name}, {from});"
            : $"RunningSums.Of<{sizes}, {element}>({name}, {from}, {GpuText.Flag(tile.Reverse)}, {GpuText.Flag(tile.Exclusive)});");
        shared.Add(id, new SharedTile(name, Single));
    }

    /// <summary>A decayed dot: as products take it where nothing else does, or in fp32.</summary>
    private void Dot(int id)
    {
        var tile = program[id];
        var operands = tile.Operands.Select(Operand).ToList();
        var (name, element) = (Fresh(id), plan.IsOnlyStored(id) ? "TElement" : Single);
        regions.Take(name, $"Shared<TChunk, TChunk, {element}>.Bytes", Code);
        Touch(operands, [name]);
        Code.Line($"DecayedDots.Store<TBlock, TChunk, {Size(program[tile.Operands[0]].Shape.Columns)}, TElement, {element}>({name}, {string.Join(", ", operands)}, ReadPoint.{tile.Point});");
        shared.Add(id, new SharedTile(name, element));
        if (element == "TElement") storedUses.Add(id, plan.StoredUses(id));
        foreach (var operand in tile.Operands) Used(operand);
    }

    /// <summary>A scan down the tokens in fp32, of registers that are stored where its result will be.</summary>
    private void Scan(int id)
    {
        var tile = program[id];
        var sizes = Dimensions(tile.Shape);
        var name = StoredSingle(tile.Operands[0], Fresh(id));
        if (tile.Op == TileOp.LogScan)
        {
            Touch([name], [name]);
            Code.Line($"TokenScans.Logarithmic<TBlock, {sizes}>({name}, {name}, ReadPoint.{tile.Point});");
        }
        else
        {
            var factors = StoredSingle(tile.Operands[1], names.Fresh("factors"));
            Touch([name, factors], [name]);
            Code.Line($"TokenScans.LinearTransposed<{sizes}>({name}, {name}, {factors}, ReadPoint.{tile.Point});");
            regions.Leave(factors);
        }

        shared.Add(id, new SharedTile(name, Single));
    }

    /// <summary>Stores registers in fp32.</summary>
    private string StoredSingle(int id, string name)
    {
        var shape = program[id].Shape;
        var from = RegistersOf(id);
        regions.Take(name, $"Shared<{Dimensions(shape)}, {Single}>.Bytes", Code);
        Touch([], [name]);
        Code.Line($"Tile.Store<{Generic(shape)}, {Single}>({name}, {from});");
        return name;
    }

    /// <summary>A softmax over the columns that the tensors have.</summary>
    private void Softmax(int id)
    {
        var shape = program[id].Shape;
        var scores = RegistersOf(program[id].Operands[0]);
        string name = NewTile(id, shape), zones = names.Fresh("zones");
        regions.Take(zones, $"Reductions.SoftmaxBytes<{Generic(shape)}>()", Code);
        Touch([], [zones]);
        Code.Line($"for (var i = 0; i < Layout<{Generic(shape)}>.Count; i++) {name}[i] = {scores}[i];");
        Code.Line($"Reductions.Softmax<{Generic(shape)}>({zones}, {name}, {io.SizeOf(shape.Columns)});");
        regions.Leave(zones);
    }

    private static bool IsForward(Instruction sums) => sums is { Reverse: false, Exclusive: false };

    private void Inverse(int id)
    {
        var l = RegistersOf(program[id].Operands[0]);
        string name = Fresh(id), work = names.Fresh("work");
        regions.Take(name, $"Shared<TChunk, TChunk, TElement>.Bytes", Code);
        regions.Take(work, "Solves.WorkBytes<TChunk>()", Code);
        Touch([], [name, work]);
        Code.Line($"Solves.Inverse<TBlock, TChunk, TElement>({name}, {work}, {l});");
        regions.Leave(work);
        shared.Add(id, new SharedTile(name, "TElement"));
        storedUses.Add(id, plan.StoredUses(id));
    }
}
