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
        var preloads = new Preloads(Generic(shape), names);
        var terms = others.Select(other => Term(other, "row", "column", top: products.Count == 0 && other == id, preloads)).ToList();
        FinishLines(terms.SelectMany(term => term.Reads).Concat(operands.Values.SelectMany(all => all)));
        var name = NewTile(id, shape);
        if (terms.Count == 0)
        {
            Code.Line($"Tile.Fill<{Generic(shape)}>({name}, 0f);");
        }
        else
        {
            Touch(terms.SelectMany(term => term.Reads).ToList(), []);
            preloaded.AddRange(preloads.All);
            Code.Lines(preloads.Reads);
            var text = string.Join(" + ", terms.Select(term => term.Text));
            Code.Block($"for (var i = 0; i < Layout<{Generic(shape)}>.Count; i++)", () =>
            {
                if (Mentions(text, "row")) Code.Line($"var row = Layout<{Generic(shape)}>.Row(i);");
                if (Mentions(text, "column")) Code.Line($"var column = Layout<{Generic(shape)}>.Column(i);");
                Code.Line($"{name}[i] = {text};");
            });
        }

        foreach (var product in products)
        {
            Touch([.. operands[product], .. program[product].Operands.Where(rests.ContainsKey).Select(operand => rests[operand])], []);
            Code.Line(Product(program[product], name, operands[product]));
            Rests(program[product], name, operands[product]);
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

    /// <summary>What the rests of a product's operands add to it.</summary>
    private void Rests(Instruction product, string to, IReadOnlyList<string> operands)
    {
        var with = Enumerable.Range(0, product.Operands.Count).Where(place => rests.ContainsKey(product.Operands[place])).ToList();
        if (with.Count == 0) return;
        Code.Block("if (TElement.TensorCoreType != 0)", () =>
        {
            foreach (var place in with) Code.Line(Product(product, to, [.. operands.Select((operand, i) => i == place ? rests[product.Operands[place]] : operand)]));
        });
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
        shared[id] = new SharedTile(name, "TElement");
        storedUses.Add(id, plan.StoredUses(id));
        if (plan.HasRest(id)) Rest(id, name, from);
        return name;
    }

    /// <summary>What rounding leaves of a stored operand.</summary>
    private void Rest(int id, string stored, string from)
    {
        var shape = program[id].Shape;
        var name = names.Fresh($"{from.TrimStart('@')}Rest");
        regions.Take(name, $"Rests.Bytes<{Dimensions(shape)}, TElement>()", Code);
        Touch([], [name]);
        Code.Line($"Rests.Store<{Generic(shape)}, TElement>({name}, {from}, {stored});");
        rests.Add(id, name);
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
    private GpuTerm Term(int id, string row, string column, bool top = false, Preloads? preloads = null)
    {
        var reads = new HashSet<string>();
        return new GpuTerm(Text(id, row, column, top, reads, preloads), reads);
    }

    private string Text(int id, string row, string column, bool top, HashSet<string> reads, Preloads? preloads)
    {
        var tile = program[id];
        var turned = tile.Op == TileOp.Transpose;
        string Of(int operand) => Text(tile.Operands[operand], turned ? column : row, turned ? row : column, false, reads, preloads);
        if (tile.Op == TileOp.Constant) return GpuText.Number(tile.Number);
        if (IsValidity(id)) return $"Columns.IsToken({row}, rows)";
        if (numbers.TryGetValue(id, out var number)) return number;
        if (totals.TryGetValue(id, out var zones))
        {
            reads.Add(zones);
            return $"Reductions.TotalOf<TBlock>({zones})";
        }

        if (registers.TryGetValue(id, out var own)) return $"{own}[i]";
        if (lines.TryGetValue(id, out var line))
        {
            reads.Add(line);
            var at = tile.Shape.Columns == Dim.One ? row : column;
            return preloads is not null && at is ("row" or "column") ? preloads.OfLine(line, at == "row") : $"Columns.Get({line}, {at})";
        }

        if (shared.TryGetValue(id, out var arrived))
        {
            reads.Add(arrived.Name);
            if (preloads is not null && (row, column) == ("row", "column")) return preloads.OfTile(arrived.Name, arrived.Element);
            return $"{arrived.Element}.ReadShared({arrived.Name} + Shared<{Dimensions(tile.Shape)}, {arrived.Element}>.At({row}, {column}))";
        }

        return tile.Op switch
        {
            TileOp.LastRow => Text(tile.Operands[0], $"{Size(program[tile.Operands[0]].Shape.Rows)}.Value - 1", column, false, reads, preloads),
            TileOp.AtLastRow => $"Numbers.Where({row} == {Size(tile.Shape.Rows)}.Value - 1, {Of(0)})",
            TileOp.CausalMask => $"Numbers.Where({row} {(tile.Point == ReadPoint.AfterWrite ? ">=" : ">")} {column}, {Of(0)})",
            _ => GpuText.Elementwise(tile.Op, Of, top),
        };
    }
}
