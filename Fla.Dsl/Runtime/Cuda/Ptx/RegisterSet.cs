namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Registers of one function: a bit for each.</summary>
internal sealed class RegisterSet
{
    private ulong[] words = [];

    public bool Contains(Register register) =>
        Word(register) < words.Length && (words[Word(register)] & Bit(register)) != 0;

    public void Add(Register register)
    {
        if (Word(register) >= words.Length) Array.Resize(ref words, Math.Max(Word(register) + 1, 2 * words.Length));
        words[Word(register)] |= Bit(register);
    }

    public void Add(ReadOnlySpan<Register> registers)
    {
        foreach (var register in registers) Add(register);
    }

    public void Remove(Register register)
    {
        if (Word(register) < words.Length) words[Word(register)] &= ~Bit(register);
    }

    public void ExceptWith(RegisterSet other)
    {
        for (int i = 0; i < Math.Min(words.Length, other.words.Length); i++) words[i] &= ~other.words[i];
    }

    public void Clear() => Array.Clear(words);

    private static int Word(Register register) => register.Number >> 6;

    private static ulong Bit(Register register) => 1UL << (register.Number & 63);
}

/// <summary>Something for some registers of one function: null for the others.</summary>
internal sealed class RegisterMap<T>
    where T : struct
{
    private T?[] items = [];

    public T? this[Register register]
    {
        get => register.Number < items.Length ? items[register.Number] : null;
        set
        {
            if (register.Number >= items.Length) Array.Resize(ref items, Math.Max(register.Number + 1, 2 * items.Length));
            items[register.Number] = value;
        }
    }
}
