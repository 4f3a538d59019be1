using static Fla.Ops.Tests.Cuda.PtxText;

namespace Fla.Ops.Tests.Cuda;

public class NumberingTests
{
    [Fact]
    public void What_has_been_computed_is_not_computed_again()
    {
        string text = Kernel("""
            mul.lo.s32	%r1, %r0, 5;
            add.s32	%r2, %r1, %r0;
            mul.lo.s32	%r3, %r0, 5;
            add.s32	%r4, %r0, %r3;
            sub.s32	%r5, %r2, %r4;
            st.global.b32	[%rd1], %r2;
            st.global.b32	[%rd1], %r4;
            ret;
            """);
        string numbered = Numbered(text);
        Assert.Equal((1, 1), (Count(numbered, "mul.lo"), Count(numbered, "add.s32")));
        Same(text, numbered);
    }

    [Fact]
    public void It_is_known_on_every_way_that_passes_it_and_on_no_other()
    {
        string text = Kernel("""
            mul.lo.s32	%r1, %r0, 5;
            setp.lt.s32	%p1, %r0, 2;
            @%p1 bra	other;
            mul.lo.s32	%r2, %r0, 5;
            st.global.b32	[%rd1], %r2;
            mul.lo.s32	%r3, %r0, 7;
            st.global.b32	[%rd1], %r3;
            other:
            mul.lo.s32	%r4, %r0, 7;
            st.global.b32	[%rd1], %r4;
            st.global.b32	[%rd1], %r1;
            ret;
            """);
        string numbered = Numbered(text);
        Assert.Equal(3, Count(numbered, "mul.lo"));
        Same(text, numbered);
    }

    [Fact]
    public void A_register_that_is_written_again_has_another_value()
    {
        string text = Kernel("""
            mov.b32	%s0, %r0;
            add.s32	%r1, %s0, %r0;
            add.s32	%s0, %s0, %r1;
            add.s32	%r2, %s0, %r0;
            st.global.b32	[%rd1], %r1;
            st.global.b32	[%rd1], %r2;
            ret;
            """);
        Assert.Equal(3, Count(Numbered(text), "add.s32"));
        Same(text, Numbered(text));
    }

    [Fact]
    public void Registers_that_change_places_in_a_loop_do_so_at_once()
    {
        string text = Kernel("mov.b32\t%s0, 1;\nmov.b32\t%s1, 2;\nmov.b32\t%s2, 3;\n" + Loop("L", "%r1", "0", "%r0", """
            st.global.b32	[%rd1], %s0;
            st.global.b32	[%rd1], %s1;
            mov.b32	%s3, %s0;
            mov.b32	%s0, %s1;
            mov.b32	%s1, %s2;
            mov.b32	%s2, %s3;
            """) + "ret;");
        Same(text, Numbered(text));
    }

    [Fact]
    public void Addresses_that_differ_by_a_number_are_a_base_and_an_offset()
    {
        string text = Kernel("""
            mul.lo.s32	%r1, %r0, 272;
            add.s32	%r2, %r1, 16;
            st.shared.b32	[%r2+4], %r0;
            add.s32	%r3, %r0, 2;
            mul.lo.s32	%r4, %r3, 272;
            st.shared.b32	[%r4], %r0;
            shl.b32	%r5, %r0, 3;
            st.shared.b32	[%r5], %r0;
            ret;
            """);
        string numbered = Numbered(text);
        Assert.Contains("[%vr0+20]", numbered);
        Assert.Contains("[%vr0+544]", numbered);
        Assert.Equal(2, Count(numbered, "mul.lo"));
        Assert.DoesNotContain("add.s32", numbered);
    }

    [Fact]
    public void What_is_a_number_stands_where_it_is_used()
    {
        string numbered = Numbered(Kernel("""
            mov.b32	%r1, 5;
            shl.b32	%r2, %r1, 3;
            setp.lt.s32	%p1, %r2, 41;
            selp.b32	%r3, %r0, %r1, %p1;
            add.s32	%r4, %r3, %r2;
            st.global.b32	[%rd1], %r4;
            ret;
            """));
        Assert.Contains("add.s32\t%r4, %r0, 40;", numbered);
        Assert.DoesNotContain("selp", numbered);
    }

    [Theory]
    [InlineData("rem.s32", "and.b32", "7")]
    [InlineData("div.s32", "shr.u32", "3")]
    public void What_cannot_be_negative_is_divided_by_shifts(string division, string cheaper, string by)
    {
        string Of(string before) => Numbered(Kernel($"{before}\n{division}\t%r2, %r1, 8;\nst.global.b32\t[%rd1], %r2;\nret;"));
        Assert.Contains($"{cheaper}\t%r2, %r1, {by};", Of("mov.u32\t%r1, %tid.x;"));
        Assert.Contains(division, Of("ld.global.b32\t%r1, [%rd1];"));
    }

    [Fact]
    public void What_a_condition_may_leave_as_it_was_is_what_it_was()
    {
        string text = Kernel("""
            mov.b32	%s1, 5;
            setp.lt.s32	%p1, %r0, 2;
            @%p1 mov.b32	%s1, 7;
            add.s32	%r2, %s1, 1;
            st.global.b32	[%rd1], %r2;
            ret;
            """);
        Same(text, Numbered(text));
    }

    [Fact]
    public void Sums_of_matrix_products_need_no_copies()
    {
        const string sums = "{%s0,%s1,%s2,%s3}";
        string turn = $"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32\t{sums},{{%r1,%r2,%r3,%r4}},{{%r5,%r6}},{sums};\n";
        string numbered = Numbered(Kernel(turn + turn + turn + "st.global.b32\t[%rd1], %s0;\nret;"));
        Assert.Equal(3, Count(numbered, "mma"));
        Assert.DoesNotContain("mov", numbered);
    }

    [Fact]
    public void What_stands_in_braces_changes_what_its_instructions_write_and_nothing_else()
    {
        string numbered = Numbered(Kernel("""
            add.s32	%r1, %r0, %s0;
            { .reg .pred p; setp.ne.s32 p, %s0, 0; @p st.global.b32 [%rd1], %r1; }
            add.s32	%r2, %r0, %s0;
            { .reg .b32 a, b; ld.shared.v2.b32 {a, b}, [%s0]; st.global.v2.b32 [%rd1], {a, b}; }
            add.s32	%r4, %r0, %s0;
            st.global.b32	[%rd1], %r4;
            { .reg .b32 a; mov.b32 a, %r0; mov.b64 {a, %s0}, %rd1; }
            add.s32	%r3, %r0, %s0;
            st.global.b32	[%rd1], %r2;
            st.global.b32	[%rd1], %r3;
            ret;
            """));
        Assert.Equal(2, Count(numbered, "add.s32"));
    }
}
