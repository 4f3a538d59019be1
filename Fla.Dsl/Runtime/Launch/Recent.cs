namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// The last results of a function that is asked the same again and again; disposed of, where they can be, when they are forgotten. One
/// thread may ask at a time.
/// </summary>
/// <param name="most">How many there are.</param>
internal sealed class Recent<TKey, TResult>(int most)
    where TKey : class
{
    private readonly List<(TKey Key, TResult Result)> kept = [];

    /// <summary>What the function gives for a key, which is kept, too.</summary>
    public TResult Of(TKey key, Func<TKey, TResult> function)
    {
        for (var i = kept.Count - 1; i >= 0; i--)
        {
            if (!kept[i].Key.Equals(key)) continue;
            var found = kept[i];
            kept.RemoveAt(i);
            kept.Add(found);
            return found.Result;
        }

        if (kept.Count == most)
        {
            (kept[0].Result as IDisposable)?.Dispose();
            kept.RemoveAt(0);
        }

        var made = function(key);
        kept.Add((key, made));
        return made;
    }
}
