using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>Functions of numbers, in kernels.</summary>
public static class Numbers
{
    private const float Log2E = 1.44269504f;

    /// <summary>x where the condition holds, else y.</summary>
    public static T Select<T>(bool condition, T x, T y)
        where T : unmanaged => ILGPU.Util.Utilities.Select(condition, x, y);

    /// <summary>x where the condition holds, else 0.</summary>
    public static T Where<T>(bool condition, T x)
        where T : unmanaged => Select(condition, x, default);

    /// <summary>e to the power of x.</summary>
    public static float Exp<W>(float x)
        where W : struct, IBlock
    {
        if (W.IsCuda)
        {
            Ref<float> result = 0f, power = x * Log2E;
            CudaAsm.EmitRef("ex2.approx.ftz.f32 %0, %1;", ref result, ref power);
            return result.Value;
        }
        else
        {
            return MathF.Exp(x);
        }
    }

    /// <summary>The natural logarithm of x.</summary>
    public static float Log<W>(float x)
        where W : struct, IBlock
    {
        if (W.IsCuda)
        {
            Ref<float> result = 0f, number = x;
            CudaAsm.EmitRef("lg2.approx.f32 %0, %1;", ref result, ref number);
            return result.Value / Log2E;
        }
        else
        {
            return MathF.Log(x);
        }
    }

    /// <summary>The square root of x.</summary>
    public static float Sqrt(float x) => MathF.Sqrt(x);

    /// <summary>1 / (1 + e^-x).</summary>
    public static float Sigmoid<W>(float x)
        where W : struct, IBlock => 1f / (1f + Exp<W>(-x));

    /// <summary>log(1 + e^x), with no threshold.</summary>
    public static float Softplus<W>(float x)
        where W : struct, IBlock => Larger(x, 0f) + Log<W>(1f + Exp<W>(-Larger(x, -x)));

    /// <summary>The hyperbolic tangent of x.</summary>
    public static float Tanh<W>(float x)
        where W : struct, IBlock => (2f * Sigmoid<W>(2f * x)) - 1f;

    /// <summary>log(e^x + e^y); minus infinity is the logarithm of nothing.</summary>
    public static float LogAddExp<W>(float x, float y)
        where W : struct, IBlock
    {
        float larger = Larger(x, y), lesser = -Larger(-x, -y);
        var both = larger + Log<W>(1f + Exp<W>(lesser - larger));
        return Select(lesser == float.NegativeInfinity, larger, both);
    }

    /// <summary>The share of e^x in e^x + e^y: all of it where y is the logarithm of nothing.</summary>
    public static float LogShare<W>(float x, float y)
        where W : struct, IBlock => Select(y == float.NegativeInfinity, 1f, Sigmoid<W>(x - y));

    /// <summary>The larger of two.</summary>
    public static float Larger(float a, float b) => Select(a > b, a, b);

    /// <inheritdoc cref="Larger(float, float)"/>
    public static int Larger(int a, int b) => Select(a > b, a, b);

    /// <summary>The lesser of two.</summary>
    public static int Lesser(int a, int b) => Select(a < b, a, b);

    /// <inheritdoc cref="Lesser(int, int)"/>
    public static long Lesser(long a, long b) => Select(a < b, a, b);

    /// <summary>x or 0.</summary>
    public static float Relu(float x) => Larger(x, 0f);

    /// <summary>1 where x is positive, else 0.</summary>
    public static float Heaviside(float x) => Where(x > 0f, 1f);
}
