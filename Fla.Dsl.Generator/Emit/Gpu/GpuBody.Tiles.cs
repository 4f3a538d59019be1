using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Tiles: sums of elementwise terms and products. A product that is added to something is added in its registers.</summary>
internal sealed partial class GpuBody
{
    private const string Single = "SingleElement";

    private void Tile(int id)
    {
        var shape = program[id].Shape;
        if (shared.TryGetValue(id, out var arrived))
        {
            var copy = NewTile(id, shape);
            Touch([arrived.Name], []);
            Code.Line($"Tile.Load<{Generic(shape)}, {arrived.Element}>({copy}, {arrived.Name});");
            return;
        }

        var addends = plan.Addends(id).ToList();
        var products = addends.Where(addend => Places.IsProduct(program[addend].Op) && !IsKnown(addend)).ToList();
        var others = addends.Where(addend => !products.Contains(addend)).ToList();
        var operands = products.ToDictionary(product => product, product => program[product].Operands.SelectMany(Operands).ToList());
        var numbersOf = new Dictionary<(string Line, bool OfRows), string>();
        var terms = others.Select(other => Term(other, "row", "column", top: products.Count == 0 && other == id, numbersOf)).ToList();
        FinishLines(terms.SelectMany(term => term.Reads).Concat(operands.Values.SelectMany(all => all)));
        var name = NewTile(id, shape);
        if (terms.Count == 0)
        {
            Code.Line($"Tile.Fill<{Generic(shape)}>({name}, 0f);");
        }
        else
        {
            Touch(terms.SelectMany(term => term.Reads).ToList(), []);
            foreach (var (of, numbers) in numbersOf.Select(pair => (pair.Key, pair.Value)))
            {
                lineNumbers.Add((numbers, $"Layout<{Generic(shape)}>.{(of.OfRows ? "Rows" : "Columns")}"));
                Code.Line($"Columns.{(of.OfRows ? "OfRows" : "OfColumns")}<{Generic(shape)}>({numbers}, {of.Line});");
            }

            var text = string.Join(" + ", terms.Select(term => term.Text));
            Code.Block($"for (var i = 0; i < Layout<{Generic(shape)}>.Count; i++)", () =>
            {
                if (Mentions(text, "row")) Code.Line($"var row = Layout<{Generic(shape)}>.Row(i);");
                if (Mentions(text, "column")) Code.Line($"var column = Layout<{Generic(shape)}>.Column(i);");
                Code.Line($"{name}[i] = {text.Replace("Layout<>", $"Layout<{Generic(shape)}>")};");
            });
        }

        foreach (var product in products)
        {
            Touch(operands[product], []);
            Code.Line(Product(program[product], name, operands[product]));
            if (rests.TryGetValue(program[product].Operands[0], out var rest))
            {
                Touch([rest], []);
                Code.Line($"if (Tile.HasRest<TElement>()) {Product(program[product], name, [rest, .. operands[product].Skip(1)])}");
            }

            foreach (var operand in program[product].Operands) Used(operand);
        }
    }

    private static bool Mentions(string text, string variable) => System.Text.RegularExpressions.Regex.IsMatch(text, $@"\b{variable}\b");

    /// <summary>What a product takes for an operand: a tile in shared memory, and the line that scales it.</summary>
    private IEnumerable<string> Operands(int id)
    {
        if (!plan.IsScaledOperand(id)) return [Operand(id)];
        var (tile, scale) = (program[id].Operands[0], program[id].Operands[1]);
        if (!lines.ContainsKey(scale)) Line(scale);
        return [shared[tile].Name, lines[scale]];
    }

    private string Product(Instruction product, string to, IReadOnlyList<string> operands)
    {
        var given = $"{to}, {string.Join(", ", operands)}";
        var left = program[product.Operands[0]].Shape;
        string Decayed() => $"<TBlock, TChunk, {Size(product.Shape.Columns)}, TElement>({given}, ReadPoint.{product.Point});";
        string OfMap() => $"<TBlock, TChunk, {Size(FeatureDimension.Of($"{product.Map}", left.Columns))}, {Size(left.Columns)}, {product.Map}Map, TElement>({given}, {io.SizeOf(left.Columns)});";
        switch (product.Op)
        {
            case TileOp.DecayedMix: return $"DecayedMixes.Add{Decayed()}";
            case TileOp.DecayedMixTransposed: return $"DecayedMixes.AddTransposed{Decayed()}";
            case TileOp.Features: return $"Features.Add{OfMap()}";
            case TileOp.FeaturesGradient: return $"Features.AddGradient{OfMap()}";
        }

        var inner = product.TransposeLeft ? left.Rows : left.Columns;
        var method = (product.TransposeLeft ? "At" : "A") + (product.TransposeRight ? "Bt" : "B");
        return $"Products.{method}<{Generic(product.Shape)}, {Size(inner)}, TElement>({given});";
    }

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

    private string StoredSingle(int id, string name)
    {
        var shape = program[id].Shape;
        var from = RegistersOf(id);
        regions.Take(name, $"Shared<{Dimensions(shape)}, {Single}>.Bytes", Code);
        Touch([], [name]);
        Code.Line($"Tile.Store<{Generic(shape)}, {Single}>({name}, {from});");
        return name;
    }

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

    private string NewTile(int id, Shape shape)
    {
        var name = Fresh(id);
        tiles.Add((name, shape));
        registers.Add(id, name);
        return name;
    }

    /// <summary>A tile in shared memory, for a product.</summary>
    private string Operand(int id)
    {
        if (shared.TryGetValue(id, out var known) && (known.Element == "TElement" || program[id].Op == TileOp.CumulativeSum)) return known.Name;
        var shape = program[id].Shape;
        var from = RegistersOf(id);
        var name = names.Fresh($"{from.TrimStart('@')}Shared");
        regions.Take(name, $"Shared<{Dimensions(shape)}, TElement>.Bytes", Code);
        Touch([], [name]);
        Code.Line($"Tile.Store<{Generic(shape)}, TElement>({name}, {from});");

        // Weights that are rounded for a product are to sum up to what they are divided by.
        if (plan.IsSummed(id)) Code.Line($"Tile.Load<{Generic(shape)}, TElement>({from}, {name});");
        if (plan.IsDifference(id))
        {
            var rest = names.Fresh($"{from.TrimStart('@')}Rest");
            regions.Take(rest, $"Tile.RestBytes<{Dimensions(shape)}, TElement>()", Code);
            Touch([], [rest]);
            Code.Line($"Tile.StoreRest<{Generic(shape)}, TElement>({rest}, {from}, {name});");
            rests.Add(id, rest);
        }

        shared[id] = new SharedTile(name, "TElement");
        storedUses.Add(id, plan.StoredUses(id));
        return name;
    }

    /// <summary>Leaves the memory of a stored operand after its last product.</summary>
    private void Used(int id)
    {
        if (!storedUses.TryGetValue(id, out var uses)) return;
        storedUses[id] = uses - 1;
        if (uses > 1) return;
        regions.Leave(shared[id].Name);
        if (rests.TryGetValue(id, out var rest)) regions.Leave(rest);
    }

    /// <summary>An element of a value as C#.</summary>
    private GpuTerm Term(int id, string row, string column, bool top = false, Dictionary<(string Line, bool OfRows), string>? numbersOf = null)
    {
        var reads = new HashSet<string>();
        return new GpuTerm(Text(id, row, column, top, reads, numbersOf), reads);
    }

    private string Text(int id, string row, string column, bool top, HashSet<string> reads, Dictionary<(string Line, bool OfRows), string>? numbersOf)
    {
        var tile = program[id];
        var turned = tile.Op == TileOp.Transpose;
        string Of(int operand) => Text(tile.Operands[operand], turned ? column : row, turned ? row : column, false, reads, numbersOf);
        if (tile.Op == TileOp.Constant) return GpuText.Number(tile.Number);
        if (IsValidity(id)) return $"Columns.IsToken({row}, rows)";
        if (numbers.TryGetValue(id, out var number)) return number;
        if (registers.TryGetValue(id, out var own)) return $"{own}[i]";
        if (lines.TryGetValue(id, out var line))
        {
            reads.Add(line);
            var at = tile.Shape.Columns == Dim.One ? row : column;
            if (numbersOf is null || at is not ("row" or "column")) return $"Columns.Get({line}, {at})";
            if (!numbersOf.TryGetValue((line, at == "row"), out var ofThread)) numbersOf.Add((line, at == "row"), ofThread = names.Fresh($"{line.TrimStart('@')}Of{(at == "row" ? "Rows" : "Columns")}"));
            return $"{ofThread}[Layout<>.{(at == "row" ? "RowOf" : "ColumnOf")}(i)]";
        }

        if (shared.TryGetValue(id, out var arrived))
        {
            reads.Add(arrived.Name);
            return $"{arrived.Element}.ReadShared({arrived.Name} + Shared<{Dimensions(tile.Shape)}, {arrived.Element}>.At({row}, {column}))";
        }

        return tile.Op switch
        {
            TileOp.LastRow => Text(tile.Operands[0], $"{Size(program[tile.Operands[0]].Shape.Rows)}.Value - 1", column, false, reads, numbersOf),
            TileOp.AtLastRow => $"Numbers.Where({row} == {Size(tile.Shape.Rows)}.Value - 1, {Of(0)})",
            TileOp.CausalMask => $"Numbers.Where({row} {(tile.Point == ReadPoint.AfterWrite ? ">=" : ">")} {column}, {Of(0)})",
            _ => GpuText.Elementwise(tile.Op, Of, top),
        };
    }
}
