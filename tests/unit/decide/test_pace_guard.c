/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/decide/pace_guard.h"

#include <criterion/criterion.h>

#include "fixture.h"

static struct pace_guard g;
static struct pace_load in;

static void start(void)
{
    g = (struct pace_guard){0};
    in = (struct pace_load){.pace_s = 0.2,
                            .target_s = 0.1,
                            .limit = 40,
                            .inflight = 40,
                            .binds = true,
                            .now_ns = S(100)};
}

TestSuite(pace_guard, .init = start);

Test(pace_guard, cuts_at_most_a_fifth_a_second)
{
    in.limit = pace_guard_tick(&g, &in);
    cr_assert_float_eq(in.limit, 32, 1e-9);
    in.now_ns += MS(900);
    in.limit = pace_guard_tick(&g, &in);
    cr_assert_float_eq(in.limit, 32, 1e-9);
    in.now_ns += MS(100);
    in.limit = pace_guard_tick(&g, &in);
    cr_assert_float_eq(in.limit, 25.6, 1e-9);
}

Test(pace_guard, leaves_alone_what_is_fast_enough_or_does_not_bind)
{
    in.binds = false;
    cr_assert_eq(pace_guard_tick(&g, &in), 40);
    in.binds = true;
    in.pace_s = 0.1;
    cr_assert_eq(pace_guard_tick(&g, &in), 40);
    in.pace_s = 0; /* unknown */
    cr_assert_eq(pace_guard_tick(&g, &in), 40);
}

/* Until it rests, at most 10 s. */
static void slow_with_next_to_nothing(void)
{
    in.limit = 2;
    in.inflight = 2;
    for (int i = 0; i < 100 && !pace_guard_rests(&g, in.now_ns); i++) {
        in.limit = pace_guard_tick(&g, &in);
        in.now_ns += MS(100);
    }
}

Test(pace_guard, gives_back_what_cutting_did_not_help)
{
    uint64_t began_ns = in.now_ns;

    (void)pace_guard_tick(&g, &in);
    slow_with_next_to_nothing();
    cr_assert_eq(in.limit, 40);
    cr_assert_geq(in.now_ns, began_ns + S(4));
    cr_assert(pace_guard_rests(&g, in.now_ns));
    in.inflight = 40;
    cr_assert_eq(pace_guard_tick(&g, &in), 40);
}

Test(pace_guard, rests_twice_as_long_each_time)
{
    uint64_t first_ns, second_ns;

    (void)pace_guard_tick(&g, &in);
    slow_with_next_to_nothing();
    first_ns = g.off_ns - in.now_ns;
    in.now_ns = g.off_ns;
    slow_with_next_to_nothing();
    second_ns = g.off_ns - in.now_ns;
    cr_assert(second_ns > first_ns * 19 / 10 && second_ns < first_ns * 21 / 10);
}
