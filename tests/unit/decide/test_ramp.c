/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/ramp.h"

static struct ramp r;
static struct ramp_conf conf;
static uint64_t now;

static void start(void)
{
    conf = default_conf().ramp;
    now = S(100);
    r = (struct ramp){0};
    ramp_begin(&r, conf.start, now);
}

TestSuite(ramp, .init = start);

static enum ramp_verdict step(uint32_t on, uint32_t late, uint32_t fail, uint64_t after_ns)
{
    r.on += on;
    r.late += late;
    r.fail += fail;
    now += after_ns;
    return ramp_tick(&r, &conf, now);
}

Test(ramp, doubles_on_good_evidence)
{
    step(3, 0, 0, S(1));
    cr_assert_float_eq(r.share, 0.2, 1e-9);
    step(3, 0, 0, S(1));
    cr_assert_float_eq(r.share, 0.4, 1e-9);
}

Test(ramp, is_full_after_four_good_steps)
{
    for (int i = 0; i < 3; i++)
        cr_assert_eq(step(3, 0, 0, S(1)), RAMP_GOES_ON);
    cr_assert_eq(step(3, 0, 0, S(1)), RAMP_FULL);
    cr_assert_eq(r.share, 1);
}

Test(ramp, waits_for_its_dwell)
{
    step(10, 0, 0, MS(900));
    cr_assert_float_eq(r.share, 0.1, 1e-9);
}

Test(ramp, waits_for_three_marks_or_three_seconds)
{
    step(2, 0, 0, MS(2900));
    cr_assert_float_eq(r.share, 0.1, 1e-9);
    step(0, 0, 0, MS(100));
    cr_assert_float_eq(r.share, 0.2, 1e-9);
}

Test(ramp, takes_silence_as_good_if_nobody_was_refused)
{
    step(0, 0, 0, S(3));
    cr_assert_float_eq(r.share, 0.2, 1e-9);
    r.refused = true;
    step(0, 0, 0, S(30));
    cr_assert_float_eq(r.share, 0.2, 1e-9);
}

Test(ramp, steps_back_on_failures)
{
    r.share = 0.5;
    step(8, 0, 2, S(1));
    cr_assert_float_eq(r.share, 0.3, 1e-9);
}

Test(ramp, steps_back_when_too_many_are_late)
{
    r.share = 0.5;
    step(5, 5, 0, S(1));
    cr_assert_float_eq(r.share, 0.3, 1e-9);
}

Test(ramp, holds_its_share_when_it_is_neither_good_nor_bad)
{
    r.share = 0.5;
    step(7, 3, 0, S(1));
    cr_assert_float_eq(r.share, 0.5, 1e-9);
}

Test(ramp, never_steps_below_its_start)
{
    step(0, 5, 0, S(1));
    cr_assert_float_eq(r.share, 0.1, 1e-9);
}

Test(ramp, fails_after_four_steps_back_in_a_row)
{
    r.share = 0.9;
    for (int i = 0; i < 3; i++)
        cr_assert_eq(step(0, 5, 0, S(1)), RAMP_GOES_ON);
    cr_assert_eq(step(0, 5, 0, S(1)), RAMP_FAILED);
}

Test(ramp, a_good_step_forgives_earlier_ones)
{
    r.share = 0.9;
    for (int i = 0; i < 3; i++)
        step(0, 5, 0, S(1));
    step(5, 0, 0, S(1));
    cr_assert_eq(step(0, 5, 0, S(1)), RAMP_GOES_ON);
}

Test(ramp, rests_at_half_of_where_it_died)
{
    r.share = 0.8;
    ramp_died(&r);
    ramp_begin(&r, conf.start, now);
    for (int i = 0; i < 10; i++)
        step(5, 0, 0, S(1));
    cr_assert_float_eq(r.share, 0.4, 1e-9);
}

Test(ramp, goes_on_after_its_rest)
{
    r.share = 0.8;
    ramp_died(&r);
    ramp_begin(&r, conf.start, now);
    for (int i = 0; i < 22; i++)
        cr_assert_eq(step(5, 0, 0, S(1)), RAMP_GOES_ON, "at %d", i);
    step(5, 0, 0, S(1));
    step(5, 0, 0, S(1));
    cr_assert_gt(r.share, 0.41);
    cr_assert_eq(r.died_at, 0);
}

Test(ramp, a_rest_under_an_operators_hold_is_a_rest)
{
    r.share = 0.8;
    ramp_died(&r);
    ramp_begin(&r, 0.4, now);
    r.held = true;
    for (int i = 0; i < 200; i++)
        step(0, 0, 0, MS(100));
    ramp_resume(&r, now);
    step(5, 0, 0, S(1));
    cr_assert_float_eq(r.share, 0.8, 1e-9);
    cr_assert_eq(r.died_at, 0);
}

Test(ramp, a_hold_below_the_rest_is_none)
{
    r.share = 0.8;
    ramp_died(&r);
    ramp_begin(&r, 0.2, now);
    r.held = true;
    step(0, 0, 0, S(30));
    ramp_resume(&r, now);
    step(5, 0, 0, S(1));
    step(5, 0, 0, S(1));
    cr_assert_float_eq(r.share, 0.4, 1e-9);
}

Test(ramp, a_second_death_begins_the_rest_anew)
{
    r.share = 0.8;
    ramp_died(&r);
    ramp_begin(&r, conf.start, now);
    for (int i = 0; i < 10; i++)
        step(5, 0, 0, S(1));
    ramp_died(&r);
    cr_assert_float_eq(r.died_at, 0.4, 1e-9);
    cr_assert(!r.resting);
}

Test(ramp, stays_where_an_operator_holds_it)
{
    r.held = true;
    step(50, 0, 0, S(10));
    cr_assert_float_eq(r.share, 0.1, 1e-9);
    step(0, 50, 50, S(10));
    cr_assert_float_eq(r.share, 0.1, 1e-9);
}

Test(ramp, judges_nothing_that_was_seen_under_a_hold)
{
    r.share = 0.5;
    r.held = true;
    step(0, 50, 0, S(10));
    ramp_resume(&r, now);
    step(5, 0, 0, S(1));
    cr_assert_eq(r.share, 1);
}

Test(ramp, always_allows_two_requests)
{
    cr_assert_eq(ramp_allows(&r, 0), 2);
    cr_assert_eq(ramp_allows(&r, 10), 2);
    cr_assert_float_eq(ramp_allows(&r, 48), 4.8, 1e-9);
}

Test(ramp, knows_how_long_it_will_take)
{
    cr_assert_float_eq(ramp_expected_s(&r, &conf, now), 4, 1e-9); /* 0.1 0.2 0.4 0.8 1 */
    r.died_at = 0.4;
    cr_assert_float_eq(ramp_expected_s(&r, &conf, now), 24, 1e-9);
    r.resting = true;
    r.rest_from_ns = now - S(15);
    cr_assert_float_eq(ramp_expected_s(&r, &conf, now), 9, 1e-9);
}
