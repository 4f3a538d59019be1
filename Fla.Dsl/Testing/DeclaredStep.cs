using System.Reflection;
using Fla.Dsl.Numerics;
using Fla.Dsl.Runtime;

namespace Fla.Dsl.Testing;

/// <summary>What a parameter of a declared <c>Step</c> stands for.</summary>
internal enum Part
{
    Token,
    PerHead,
    Scale,
    State,
}

/// <summary>A parameter of a declared <c>Step</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Part">What it stands for.</param>
/// <param name="Dimensions">The marker types of its dimensions: none for a scalar, one for a vector, two for a matrix.</param>
/// <param name="Default">The value of a per-head scalar that is left out, from (head, heads).</param>
/// <param name="Empty">For states, what they are before the first token.</param>
/// <param name="HasL2NormOption">Whether a caller may have it divided by its length.</param>
/// <param name="FromValue">Makes the parameter's type from numbers.</param>
internal sealed record Parameter(
    string Name, Part Part, IReadOnlyList<Type> Dimensions, Func<int, int, double>? Default, double Empty, bool HasL2NormOption, ConstructorInvoker FromValue);

/// <summary>A declaration read by reflection: the parameters of its <c>Step</c>, which can be run on numbers.</summary>
internal sealed class DeclaredStep
{
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private readonly MethodInvoker method;

    /// <exception cref="ArgumentException">The type declares no recurrence, or its parameters do not fit their attributes.</exception>
    public DeclaredStep(Type declaration)
    {
        // The generator adds a Step on tensors to the class; the declared one is made of the language's types alone.
        var candidates = declaration.GetMethods(Static)
            .Where(m => m.Name == "Step" && m.GetParameters().All(p => IsTerm(p.ParameterType)) && IsTerm(m.ReturnType)).ToArray();
        if (candidates is not [var step])
            throw new ArgumentException(
                $"{declaration.Name} must have one static method Step of Scalar, Vec, Mat and ref State parameters that returns a " +
                $"Scalar or Vec; it has {candidates.Length}.", nameof(declaration));

        Name = declaration.Name;
        HasHeads = declaration.GetCustomAttribute<RecurrenceAttribute>()?.Heads ?? true;
        Parameters = [.. step.GetParameters().Select(p => Read(declaration, p))];
        OutputDimensions = step.ReturnType.GetGenericArguments();
        method = MethodInvoker.Create(step);
        if (Parameters.Count(p => p.Part == Part.Scale) > 1)
            throw new ArgumentException($"{Name} has more than one [Scale].", nameof(declaration));
    }

    public string Name { get; }

    public bool HasHeads { get; }

    public IReadOnlyList<Parameter> Parameters { get; }

    public IEnumerable<Parameter> States => Parameters.Where(p => p.Part == Part.State);

    public IReadOnlyList<Type> OutputDimensions { get; }

    /// <summary>
    /// Runs one token. <paramref name="operands"/> are the numbers of all parameters in order; afterwards those of the states are the
    /// states after the token. With <paramref name="l2Norm"/>, arguments with the option are divided by their lengths.
    /// </summary>
    public Value Run(Value[] operands, bool l2Norm)
    {
        var boxed = new object?[operands.Length];
        for (var i = 0; i < boxed.Length; i++)
            boxed[i] = Parameters[i].FromValue.Invoke(
                l2Norm && Parameters[i].HasL2NormOption ? Elementwise.L2Normalize(operands[i], UnitLength.Epsilon) : operands[i]);
        var output = ((ITerm)method.Invoke(null, boxed.AsSpan())!).Value;
        for (var i = 0; i < boxed.Length; i++)
            operands[i] = ((ITerm)boxed[i]!).Value;
        return output;
    }

    private static bool IsTerm(Type type) => typeof(ITerm).IsAssignableFrom(type.IsByRef ? type.GetElementType() : type);

    private static Parameter Read(Type declaration, ParameterInfo parameter)
    {
        var type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        var isState = type.IsGenericType && (type.GetGenericTypeDefinition() is var t && (t == typeof(State<>) || t == typeof(State<,>)));
        if (isState != parameter.ParameterType.IsByRef)
            throw new ArgumentException(
                $"Parameter '{parameter.Name}' of {declaration.Name}: a state is a ref parameter, and no other is.", nameof(declaration));

        var perHead = parameter.GetCustomAttribute<PerHeadAttribute>();
        var part = isState ? Part.State
            : parameter.IsDefined(typeof(ScaleAttribute)) ? Part.Scale
            : perHead is not null ? Part.PerHead
            : Part.Token;
        if (part == Part.Scale && type != typeof(Scalar))
            throw new ArgumentException(
                $"Parameter '{parameter.Name}' of {declaration.Name}: a [Scale] is a Scalar.", nameof(declaration));

        if (perHead?.Default is not null && type != typeof(Scalar))
            throw new ArgumentException(
                $"Parameter '{parameter.Name}' of {declaration.Name}: only a Scalar has a default.", nameof(declaration));

        var fromValue = ConstructorInvoker.Create(type.GetConstructor(BindingFlags.Instance | BindingFlags.NonPublic, [typeof(Value)])!);
        var empty = parameter.IsDefined(typeof(LogSpaceAttribute)) ? double.NegativeInfinity : 0;
        return new(parameter.Name!, part, type.GetGenericArguments(), ReadDefault(declaration, perHead?.Default), empty, parameter.IsDefined(typeof(L2NormOptionAttribute)), fromValue);
    }

    private static Func<int, int, double>? ReadDefault(Type declaration, string? name)
    {
        if (name is null)
            return null;
        var method = declaration.GetMethod(name, Static, [typeof(int), typeof(int)]);
        if (method is null || method.ReturnType != typeof(double))
            throw new ArgumentException(
                $"{declaration.Name} has no method 'static double {name}(int head, int heads)', named as a default.", nameof(declaration));
        return method.CreateDelegate<Func<int, int, double>>();
    }
}
