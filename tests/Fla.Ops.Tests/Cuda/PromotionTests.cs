using static Fla.Ops.Tests.Cuda.PtxText;

namespace Fla.Ops.Tests.Cuda;

public class PromotionTests
{
    private const string A = "__local_depot0", B = "__local_depot1";

    // An address as ILGPU forms it: the array's base and an index times the elements' size.
    private const string Base = "mov.b64\t%rd10, __local_depot0;\n";

    private const string First = "st.local.b32\t[%rd10], 1;\n";

    [Fact]
    public void An_array_at_known_places_becomes_registers() => Promotes(Base + """
        st.local.b32	[%rd10], 5;
        st.local.b32	[%rd10+4], %r0;
        mul.wide.u32	%rd12, 1, 4;
        add.u64	%rd11, %rd10, %rd12;
        ld.local.b32	%r1, [%rd11];
        ld.local.b32	%r2, [%rd10];
        st.global.b32	[%rd1], %r1;
        st.global.b32	[%rd1], %r2;
        """);

    [Fact]
    public void What_a_way_stores_is_there_where_ways_meet() => Promotes(Base + """
        st.local.b32	[%rd10], 5;
        setp.lt.s32	%p1, %r0, 2;
        @%p1 bra	other;
        st.local.b32	[%rd10], %r0;
        other:
        ld.local.b32	%r1, [%rd10];
        st.global.b32	[%rd1], %r1;
        """);

    [Fact]
    public void A_register_for_addresses_may_serve_several_arrays_one_after_another() => Promotes("""
        mov.b64	%rd10, __local_depot0;
        mov.b64	%rd11, __local_depot1;
        mov.b64	%rd12, %rd10;
        st.local.b32	[%rd12], 3;
        mov.b64	%rd12, %rd11;
        st.local.b32	[%rd12], %r0;
        ld.local.b32	%r1, [%rd10];
        st.global.b32	[%rd1], %r1;
        ld.local.b32	%r1, [%rd11];
        st.global.b32	[%rd1], %r1;
        """, A, B);

    [Fact]
    public void A_loop_that_stays_keeps_an_array_in_registers() => Promotes(Base + First + Loop("L", "%r1", "0", "%r0", """
        mul.wide.u32	%rd12, 0, 4;
        add.u64	%rd11, %rd10, %rd12;
        ld.local.b32	%r3, [%rd11];
        add.s32	%r4, %r3, %r1;
        st.local.b32	[%rd11], %r4;
        """) + "\nld.local.b32\t%r5, [%rd10];\nst.global.b32\t[%rd1], %r5;");

    [Fact]
    public void A_way_that_is_never_gone_does_not_matter() => Promotes(Base + """
        mov.b32	%r1, 9;
        setp.lt.s32	%p1, %r1, 8;
        @!%p1 bra	past;
        st.local.b32	[%rd10+36], 1;
        past:
        st.local.b32	[%rd10], %r0;
        ld.local.b32	%r2, [%rd10];
        st.global.b32	[%rd1], %r2;
        """);

    [Fact]
    public void Vectors_doubles_and_halves_become_registers_of_their_size()
    {
        string promoted = Promoted(Kernel(Base + """
            st.local.v4.f32	[%rd10], {%f1, 0f3F800000, %f3, %f4};
            ld.local.v2.f32	{%f5, %f6}, [%rd10+8];
            st.local.b64	[%rd10+16], %rd3;
            ld.local.b16	%rs1, [%rd10+24];
            ret;
            """, A));
        Assert.DoesNotContain(".local", promoted);
        Assert.Contains("mov.b32\t%local_depot0_4, 0f3F800000;", promoted);
        Assert.Contains("mov.b32\t%f6, %local_depot0_12;", promoted);
        Assert.Contains(".reg .b64\t%local_depot0_16;", promoted);
        Assert.Contains("mov.b16\t%rs1, %local_depot0_24;", promoted);
    }

    [Theory]
    [InlineData("an unknown index", "mul.wide.u32\t%rd12, %r0, 4;\nadd.u64\t%rd11, %rd10, %rd12;\nst.local.b32\t[%rd11], 1;")]
    [InlineData("a place past the end", "st.local.b32\t[%rd10+32], 1;")]
    [InlineData("a place before the start", "add.u64\t%rd11, %rd10, -4;\nst.local.b32\t[%rd11], 1;")]
    [InlineData("places that overlap", "st.local.b32\t[%rd10], 1;\nst.local.b32\t[%rd10+2], 1;")]
    [InlineData("sizes that differ", "st.local.b32\t[%rd10], 1;\nst.local.b64\t[%rd10], %rd1;")]
    [InlineData("single bytes", "st.local.b8\t[%rd10], %rs1;")]
    [InlineData("bits to be widened", "ld.local.u16\t%r1, [%rd10];")]
    [InlineData("its address stored", "st.global.b64\t[%rd1], %rd10;")]
    [InlineData("its address in an array", "st.local.b64\t[%rd10+8], %rd10;")]
    [InlineData("its address by name", "cvta.local.u64\t%rd11, __local_depot0;")]
    [InlineData("its address in a block", "{ .reg .b64 t; mov.b64 t, %rd10; st.global.b64 [%rd1], t; }")]
    [InlineData("its name in a block", "{ st.local.b32 [__local_depot0], 1; }")]
    [InlineData("its address compared", "setp.eq.u64\t%p1, %rd10, %rd1;")]
    [InlineData("its address under a condition", "@%p1 mov.b64\t%rd11, %rd10;\nst.local.b32\t[%rd11], 1;")]
    [InlineData("its address kept or not", "mov.b64\t%rd11, %rd10;\n@%p1 mov.b64\t%rd11, %rd1;\nst.local.b32\t[%rd11], 1;")]
    [InlineData("a volatile load", "ld.volatile.local.b32\t%r1, [%rd10];")]
    [InlineData("an atomic", "atom.local.add.u32\t%r1, [%rd10], 1;")]
    public void An_array_stays_that_has(string what, string use)
    {
        string promoted = Promoted(Kernel($"{Base}st.local.b32\t[%rd10], %r0;\n{use}\nret;", A));
        Assert.True(promoted.Contains($".b8 {A}[32]", StringComparison.Ordinal), what);
        Assert.Contains("st.local.b32\t[%rd10], %r0;", promoted);
        Assert.Contains(use.Split('\n')[^1], promoted);
    }

    [Fact]
    public void An_array_stays_whose_address_differs_by_the_way_taken() => Stays("""
        mov.b64	%rd10, __local_depot0;
        mov.b64	%rd11, __local_depot1;
        st.local.b32	[%rd10], 3;
        st.local.b32	[%rd11], 4;
        mov.b64	%rd12, %rd10;
        setp.lt.s32	%p1, %r0, 2;
        @%p1 bra	other;
        mov.b64	%rd12, %rd11;
        other:
        ld.local.b32	%r1, [%rd12];
        st.global.b32	[%rd1], %r1;
        """, A, B);

    [Fact]
    public void An_array_stays_whose_address_a_loop_carries() => Stays(Base + "mov.b64\t%rd12, %rd10;\n" + Loop("L", "%r1", "0", "%r0", """
        st.local.b32	[%rd12], %r1;
        ld.local.b32	%r2, [%rd10];
        st.global.b32	[%rd1], %r2;
        add.u64	%rd13, %rd12, 4;
        mov.b64	%rd12, %rd13;
        """), A);

    [Fact]
    public void An_array_stays_whose_address_comes_to_a_loops_header_from_its_end() => Stays(Base + Loop("L", "%r1", "0", "%r0", """
        mov.b64	%rd13, %rd12;
        mov.b64	%rd12, %rd10;
        setp.lt.s32	%p1, %r1, 1;
        @%p1 bra	L_next;
        st.local.b32	[%rd13], %r1;
        ld.local.b32	%r2, [%rd10];
        st.global.b32	[%rd1], %r2;
        """), A);

    [Fact]
    public void One_array_may_stay_and_another_become_registers()
    {
        string text = Kernel("""
            mov.b64	%rd10, __local_depot0;
            mov.b64	%rd11, __local_depot1;
            st.local.b32	[%rd10], %r0;
            st.local.b32	[%rd11], %r0;
            cvta.local.u64	%rd12, %rd11;
            ret;
            """, A, B);
        string promoted = Promoted(text);
        Assert.DoesNotContain(A, promoted);
        Assert.Contains($"{B}[32]", promoted);
    }

    private static void Promotes(string body, params string[] depots)
    {
        string text = Kernel(body + "\nret;", depots.Length == 0 ? [A] : depots), promoted = Promoted(text);
        Assert.DoesNotContain(".local", promoted);
        Assert.DoesNotContain("__local", promoted);
        Same(text, promoted);
    }

    private static void Stays(string body, params string[] depots)
    {
        string text = Kernel(body + "\nret;", depots), promoted = Promoted(text);
        foreach (string depot in depots) Assert.Contains($"{depot}[32]", promoted);
        Same(text, promoted);
    }
}
