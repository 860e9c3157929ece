/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/base/hash.h"
#include "weir/decide/canary.h"

/* A canary alone, with a clock and lots of its own. */
static struct canary c;
static uint64_t now;
static struct rng rng;
static struct canary_input in;

static void start(void)
{
    now = S(100);
    in = (struct canary_input){.peers = 1, .enforces = true};
    rng_seed(&rng, 3);
    c = (struct canary){0};
    canary_begin(&c, 1, 1, 0.5, S(600), now);
}

TestSuite(canary, .init = start);

static void tick(uint64_t ns)
{
    now += ns;
    if (canary_runs(&c))
        (void)canary_tick(&c, &in, now);
}

static struct canary_lot draw(void)
{
    double share = canary_share(&c);

    return (struct canary_lot){.run = c.run,
                               .canary = rng_unit(&rng) < share,
                               .last = canary_is_last(&c),
                               .alike = true,
                               .share = share};
}

/* n requests, one in 100 ms; the canary fails so often, and takes so many times as long. */
static void serve(int n, double fails, double first_times, double pace_times)
{
    for (int i = 0; i < n && canary_runs(&c); i++) {
        struct canary_lot l = draw();
        double first = 0.1 + rng_unit(&rng), pace = 0.02 + 0.02 * rng_unit(&rng);
        canary_first(&c, &l, 0, l.canary ? first_times * first : first);
        canary_pace(&c, &l, 0, l.canary ? pace_times * pace : pace);
        canary_finished(&c, &l, rng_unit(&rng) < (l.canary ? fails : 0.01));
        tick(MS(100));
    }
}

Test(canary, begins_at_one_percent_and_takes_a_step_for_twenty_of_its_answers)
{
    cr_assert_float_eq(canary_share(&c), 0.01, 1e-9);
    tick(S(9));
    for (int i = 0; i < 19; i++) {
        struct canary_lot l = draw();
        l.canary = true;
        canary_finished(&c, &l, false);
    }
    tick(S(1));
    cr_assert_float_eq(canary_share(&c), 0.01, 1e-9);
    serve(400, 0, 1, 1);
    cr_assert_geq(canary_share(&c), 0.05);
}

Test(canary, takes_no_step_before_it_has_answered_once)
{
    tick(S(300));
    cr_assert_float_eq(canary_share(&c), 0.01, 1e-9);
}

Test(canary, goes_no_higher_than_it_was_told_or_than_its_peers)
{
    canary_begin(&c, 1, 0.1, 0.25, S(60000), now);
    serve(20000, 0.01, 1, 1);
    cr_assert_leq(canary_share(&c), 0.1);
    canary_begin(&c, 1, 1, 0.25, S(60000), now);
    in.peers = 3;
    for (int i = 0; i < 20000 && canary_runs(&c); i++) {
        serve(1, 0.01, 1, 1);
        cr_assert_leq(canary_share(&c), 0.25);
    }
}

Test(canary, that_does_as_its_peers_is_promoted)
{
    canary_begin(&c, 1, 1, 0.5, S(1800), now);
    serve(18000, 0.01, 1, 1);
    cr_assert_eq(c.state, CANARY_PROMOTED, "%s", canary_says(c.why, c.measure));
    cr_assert_eq(c.why, CANARY_IS_NO_WORSE);
}

static void expect_worse(enum canary_measure m)
{
    cr_assert_eq(c.state, CANARY_ROLLED_BACK);
    cr_assert_eq(c.why, CANARY_IS_WORSE, "%s", canary_why_name(c.why));
    cr_assert_eq(c.measure, m, "%s", canary_measure_name(c.measure));
}

Test(canary, that_fails_more_often_is_rolled_back)
{
    serve(6000, 0.08, 1, 1);
    expect_worse(CANARY_FAILURES);
}

Test(canary, that_answers_late_is_rolled_back)
{
    serve(6000, 0.01, 2, 1);
    expect_worse(CANARY_FIRST);
}

Test(canary, that_is_slow_is_rolled_back)
{
    serve(6000, 0.01, 1, 1.5);
    expect_worse(CANARY_PACE);
}

Test(canary, of_which_too_little_is_seen_is_rolled_back_when_its_time_is_over)
{
    for (int i = 0; i < 60; i++) {
        serve(1, 0, 1, 1);
        tick(S(10));
    }
    cr_assert_eq(c.state, CANARY_ROLLED_BACK);
    cr_assert_eq(c.why, CANARY_TIME_OVER);
}

Test(canary, has_no_verdict_and_loses_no_time_while_no_peer_is_well)
{
    in.peers = 0;
    tick(S(3000));
    cr_assert_eq(c.state, CANARY_RUNNING);
    cr_assert_eq(c.pause, CANARY_NO_PEER);
    in.open = true;
    tick(S(10));
    cr_assert_eq(c.state, CANARY_RUNNING);
    in = (struct canary_input){.peers = 1, .enforces = true};
    tick(S(590));
    cr_assert_eq(c.state, CANARY_RUNNING);
    cr_assert_eq(c.pause, CANARY_GOES_ON);
    tick(S(11));
    cr_assert_eq(c.why, CANARY_TIME_OVER);
}

Test(canary, waits_where_the_rules_only_look_on)
{
    in.enforces = false;
    serve(6000, 0.5, 1, 1);
    cr_assert_eq(c.state, CANARY_RUNNING);
    cr_assert_eq(c.pause, CANARY_OBSERVES);
    in.enforces = true;
    tick(MS(100));
    expect_worse(CANARY_FAILURES);
}

Test(canary, whose_breaker_opens_while_a_peer_is_well_is_rolled_back)
{
    in.open = true;
    tick(MS(100));
    cr_assert_eq(c.why, CANARY_BREAKER_OPEN);
}

Test(canary, hears_nothing_of_an_earlier_ones_requests)
{
    struct canary_lot old = draw();

    old.canary = true;
    canary_end(&c, CANARY_ROLLED_BACK, CANARY_BY_HAND, now);
    canary_begin(&c, 1, 1, 0.5, S(600), now);
    for (int i = 0; i < 100; i++)
        canary_finished(&c, &old, true);
    cr_assert_eq(c.counts[CANARY_SELF].finished, 0);
    tick(MS(100));
    cr_assert_eq(c.state, CANARY_RUNNING);
}

/* A dead peer makes nobody good. */
Test(canary, gains_nothing_by_the_failures_of_a_peer_that_died)
{
    canary_begin(&c, 1, 1, 0.5, S(60000), now);
    while (!canary_is_last(&c))
        serve(1, 0, 1, 1);
    for (int i = 0; i < 40; i++) {
        struct canary_lot l = draw();
        l.canary = false;
        canary_finished(&c, &l, true);
    }
    cr_assert_gt(bets_sum(&c.within[CANARY_FAILURES]), 20);
    canary_lost_peer(&c);
    cr_assert_leq(bets_sum(&c.within[CANARY_FAILURES]), 1.000001);
}

Test(canary, is_shown_with_what_it_needs)
{
    struct canary_view v;

    serve(50, 0, 1, 1);
    canary_show(&c, &v);
    cr_assert_eq(v.state, CANARY_RUNNING);
    cr_assert_eq(v.upstream, 1);
    cr_assert_eq(v.counts[CANARY_SELF].finished + v.counts[CANARY_PEERS].finished, 50);
    cr_assert_float_eq(CANARY_WORSE_NEEDS, 50, 1e-9);
    cr_assert_float_eq(CANARY_WITHIN_NEEDS, 20, 1e-9);
}
