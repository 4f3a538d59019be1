using System.Globalization;
using static Fla.Ops.Tests.Cuda.PtxText;

namespace Fla.Ops.Tests.Cuda;

public class UnrollingTests
{
    private const string Store = "st.global.b32\t[%rd1], {0};";

    [Fact]
    public void A_counted_loop_is_written_out() => Unrolls(Loop("L", "%r1", "0", "4", Stores("%r1")), 4);

    [Fact]
    public void A_loop_that_never_turns_is_left_out() => Unrolls(Loop("L", "%r1", "4", "4", Stores("%r1")), 0);

    [Fact]
    public void Nested_loops_are_written_out() =>
        Unrolls(Loop("L", "%r1", "0", "3", Loop("M", "%r2", "0", "2", Stores("%r1") + Stores("%r2"))), 3 * 2 * 2);

    [Fact]
    public void An_inner_loop_may_depend_on_the_outer_ones_counter() =>
        Unrolls(Loop("L", "%r1", "0", "4", Loop("M", "%r2", "%r1", "4", Stores("%r2"))), 4 + 3 + 2 + 1);

    [Fact]
    public void A_turn_does_without_what_only_its_counter_gives()
    {
        string text = Kernel(Loop("L", "%r1", "0", "4", $"mul.lo.s32\t%r3, %r1, 3;\n{Stores("%r3")}") + "ret;"), unrolled = Unrolled(text);
        Same(text, unrolled);
        Assert.DoesNotContain("mul.lo", unrolled);
    }

    [Fact]
    public void A_counter_may_be_halved() =>
        Unrolls(Loop("L", "%r1", "-16", "-1", Stores("%r1"), "shr.s32\t{1}, {0}, 1;"), 4);

    [Fact]
    public void A_bound_may_be_a_register_with_a_known_value() =>
        Unrolls("mov.b32\t%r5, 3;\n" + Loop("L", "%r1", "0", "%r5", Stores("%r1")), 3);

    [Fact]
    public void Ways_that_part_and_meet_stay_so_in_every_turn() => Unrolls(Loop("L", "%r1", "0", "3", $"""
        setp.lt.s32	%p1, %r0, %r1;
        @%p1 bra	other;
        {Stores("%r1")}
        bra.uni	meet;
        other:
        {Stores("7")}
        meet:
        """), 6);

    [Fact]
    public void A_block_behind_the_way_back_belongs_to_the_loop() => Unrolls($"""
        {Loop("L", "%r1", "0", "3", $"""
            setp.lt.s32	%p1, %r0, %r1;
            @%p1 bra	other;
            {Stores("%r1")}
            meet:
            {Stores("5")}
            """)}
        ret;
        other:
        {Stores("7")}
        bra.uni	meet;
        """, 3 + 3 + 3);

    [Fact]
    public void A_loop_may_be_left_early() => Unrolls(Loop("L", "%r1", "0", "4", $"""
        setp.lt.s32	%p1, %r0, %r1;
        @%p1 bra	L_end;
        {Stores("%r1")}
        """), 4);

    [Fact]
    public void A_turn_may_be_cut_short() => Unrolls(Loop("L", "%r1", "0", "4", $"""
        setp.lt.s32	%p1, %r0, %r1;
        @%p1 bra	L_next;
        {Stores("%r1")}
        """), 4);

    [Fact]
    public void A_loop_around_a_loop_that_stays_is_written_out() =>
        Unrolls(Loop("L", "%r1", "0", "2", Loop("M", "%r2", "0", "%r0", Stores("%r2"))), 2, loops: 2);

    [Theory]
    [InlineData("0", "%r0", "add.s32\t{1}, {0}, 1;")]
    [InlineData("%r0", "4", "add.s32\t{1}, {0}, 1;")]
    [InlineData("0", "4", "add.s32\t{1}, {0}, %r0;")]
    [InlineData("0", "4", "add.s32\t{1}, {0}, 0;")]
    [InlineData("0", "100000", "add.s32\t{1}, {0}, 1;")]
    public void A_loop_whose_turns_are_not_known_or_too_many_stays(string start, string end, string step)
    {
        string unrolled = Unrolled(Kernel(Loop("L", "%r1", start, end, Stores("%r1"), step) + "ret;"));
        Assert.Equal(1, Loops(unrolled));
        Assert.Equal(1, Count(unrolled, "st.global"));
    }

    [Fact]
    public void A_loop_whose_counter_changes_on_one_of_two_ways_stays() => Stays(Loop("L", "%r1", "0", "8", $"""
        {Stores("%r1")}
        setp.lt.s32	%p1, %r0, %r1;
        @%p1 bra	L_next;
        add.s32	%r1, %r1, 1;
        """));

    [Fact]
    public void A_loop_that_decides_when_a_turn_is_over_stays() => Stays($"""
        mov.b32	%r1, 0;
        L:
        {Stores("%r1")}
        add.s32	%r2, %r1, 1;
        setp.ge.s32	%p1, %r2, 4;
        @%p1 bra	L_end;
        mov.b32	%r1, %r2;
        bra.uni	L;
        L_end:
        """);

    [Fact]
    public void A_loop_whose_counter_an_inner_loop_changes_stays() => Stays($"""
        mov.b32	%r1, 0;
        L:
        setp.ge.s32	%p1, %r1, 8;
        @%p1 bra	L_end;
        {Loop("M", "%r2", "0", "%r0", "add.s32\t%r1, %r1, 1;")}
        add.s32	%r91, %r91, 1;
        setp.lt.s32	%p2, %r91, 50;
        @%p2 bra	L;
        L_end:
        {Stores("%r1")}
        """, loops: 2);

    [Fact]
    public void A_loop_that_is_entered_in_its_middle_stays() => Stays($"""
        mov.b32	%r1, 0;
        setp.lt.s32	%p1, %r0, 2;
        @%p1 bra	middle;
        {Loop("L", "%r1", "0", "4", "middle:\n" + Stores("%r1"))}
        """);

    [Fact]
    public void A_function_that_jumps_by_a_table_stays_text()
    {
        string text = Kernel(Loop("L", "%r1", "0", "4", Stores("%r1")) + "\ntable:\n.branchtargets L, L_end;\nbrx.idx.uni\t%r0, table;");
        Assert.Equal(1, Count(Unrolled(text), "brx.idx"));
        Assert.Equal(1, Count(Unrolled(text), "st.global"));
        Assert.Equal(Count(text, "L_end"), Count(Unrolled(text), "L_end"));
    }

    [Fact]
    public void A_conditional_jump_is_not_said_to_be_uniform()
    {
        string text = Unrolled(Kernel(Loop("L", "%r1", "0", "%r0", Stores("%r1"))));
        Assert.Matches(@"@%p91 bra\s", text);
    }

    private static string Stores(string value) => string.Format(CultureInfo.InvariantCulture, Store, value) + "\n";

    private static void Unrolls(string body, int stores, int loops = 0)
    {
        string text = Kernel(body + "\nret;"), unrolled = Unrolled(text);
        Same(text, unrolled);
        Assert.Equal(stores, Count(unrolled, "st.global"));
        Assert.Equal(loops, Loops(unrolled));
    }

    private static void Stays(string body, int loops = 1)
    {
        string text = Kernel(body + "\nret;"), unrolled = Unrolled(text);
        Same(text, unrolled);
        Assert.Equal(Count(text, "st.global"), Count(unrolled, "st.global"));
        Assert.Equal(loops, Loops(unrolled));
    }
}
