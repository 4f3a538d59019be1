using Fla.Dsl.Runtime.Cuda.Ptx;
using static Fla.Ops.Tests.Cuda.PtxText;

namespace Fla.Ops.Tests.Cuda;

public class DeadCodeTests
{
    [Fact]
    public void What_nothing_reads_goes_with_all_that_it_alone_reads()
    {
        string text = Kernel("""
            add.s32	%r1, %r0, 3;
            mul.lo.s32	%r2, %r1, 5;
            mov.b32	%r3, 1;
            mov.b32	%r3, 7;
            st.global.b32	[%rd1], %r3;
            ret;
            """);
        string without = Without(text);
        Assert.DoesNotContain("%r1,", without);
        Assert.DoesNotContain("%r2,", without);
        Assert.Equal(1, Count(without, "mov.b32"));
        Same(text, without);
    }

    [Fact]
    public void What_the_next_turn_of_a_loop_reads_stays()
    {
        string text = Kernel("mov.b32\t%r5, 1;\n" + Loop("L", "%r1", "0", "%r0", """
            st.global.b32	[%rd1], %r5;
            add.s32	%r5, %r1, 4;
            """) + "ret;");
        Assert.Contains("add.s32\t%r5, %r1, 4;", Without(text));
        Same(text, Without(text));
    }

    [Fact]
    public void What_a_condition_may_leave_as_it_was_stays()
    {
        string text = Kernel("""
            mov.b32	%r1, 5;
            setp.lt.s32	%p1, %r0, 2;
            @%p1 mov.b32	%r1, 7;
            st.global.b32	[%rd1], %r1;
            ret;
            """);
        Assert.Contains("mov.b32\t%r1, 5;", Without(text));
        Same(text, Without(text));
    }

    [Theory]
    [InlineData("ld.volatile.global.b32\t%r1, [%rd1];")]
    [InlineData("atom.global.add.u32\t%r1, [%rd1], 1;")]
    [InlineData("shfl.sync.bfly.b32\t%r1, %r0, 1, 31, -1;")]
    [InlineData("{ mov.b32 %r1, %r0; }")]
    [InlineData("st.shared.b32\t[%r0], 1;")]
    [InlineData("bar.sync\t0;")]
    public void What_does_more_than_give_a_value_stays(string statement) =>
        Assert.Contains(statement, Without(Kernel(statement + "\nret;")));

    private static string Without(string ptx) =>
        PtxModule.Parse(ptx).WithFunctions(function => function with { Flow = DeadCode.Run(function.Flow) }).ToString();
}
