/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: probes, ramp, health checks; by way of a pool with one upstream. */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

static struct fixture f;

static void start(void)
{
    fixture_init(&f);
    fixture_start(&f, 1);
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(comeback, .init = start, .fini = stop);

static struct breaker *breaker(void)
{
    return &f.pool->upstream[0].breaker;
}

static void trip(void)
{
    fail_times(&f, 5);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

static void come_back(void)
{
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

/* An upstream that carried n requests for long enough to be known for it. */
static void carry(struct pool_request *r, int n)
{
    f.pool->upstream[0].limiter.pending = 1000;
    for (int i = 0; i < n; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
        first(&f, &r[i]);
    }
    for (int i = 0; i < 1000; i++) {
        f.events[0] += 4 * (uint64_t)n;
        pass(&f, MS(100));
    }
    cr_assert_float_eq(breaker()->known_good, n, 0.01);
}

Test(comeback, half_open_lets_one_probe_through_at_first)
{
    struct pool_request a = request_of(0), b = request_of(0);

    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    cr_assert_eq(arrive(&f, &a), POOL_ADMIT);
    cr_assert_eq(a.numbers.rule, RULE_PROBE);
    cr_assert_eq(arrive(&f, &b), POOL_WAIT);
    first(&f, &a);
    cr_assert_eq(pool_next_woken(f.pool), &b);
    cr_assert_eq(b.state, REQUEST_SENT);
}

Test(comeback, half_open_lets_three_probes_through_and_no_fourth)
{
    struct pool_request r[4];

    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    for (int i = 0; i < 4; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), i < 3 ? POOL_ADMIT : POOL_WAIT);
        if (i == 0)
            first(&f, &r[i]);
    }
    pool_expire(f.pool, f.now_ns + S(1));
    cr_assert_eq(pool_next_woken(f.pool), &r[3]);
    cr_assert_eq(r[3].cause, CAUSE_RECOVERING);
}

Test(comeback, probes_pass_the_limits)
{
    struct pool_request r[3];

    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    f.pool->upstream[0].limiter.pending = 1;
    f.pool->upstream[0].limiter.streams = 1;
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
        if (i == 0)
            first(&f, &r[i]);
    }
}

Test(comeback, three_good_probes_begin_the_ramp)
{
    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
    cr_assert_float_eq(breaker_share(breaker()), 0.1, 1e-9);
}

Test(comeback, the_ramp_begins_with_new_limits)
{
    trip();
    f.pool->upstream[0].limiter.streams = 5;
    f.pool->upstream[0].limiter.pending = 1;
    come_back();
    cr_assert_eq(f.pool->upstream[0].limiter.streams, 4096);
    cr_assert_eq(f.pool->upstream[0].limiter.pending, 4);
}

Test(comeback, good_probes_are_the_evidence_for_the_first_share)
{
    trip();
    come_back();
    breaker()->known_good = 48;
    pass(&f, S(1));
    cr_assert_float_eq(breaker_share(breaker()), 0.2, 1e-9);
}

Test(comeback, a_share_is_not_judged_by_what_was_sent_before_it)
{
    struct pool_request before = request_of(0), under = request_of(0);

    trip();
    come_back();
    breaker()->known_good = 48;
    pass(&f, MS(700));
    arrive(&f, &before);
    pass(&f, MS(400));
    cr_assert_float_eq(breaker_share(breaker()), 0.2, 1e-9, "a step came between");
    pass(&f, MS(400));
    cr_assert(before.late);
    cr_assert_eq(breaker()->ramp.late, 0);
    arrive(&f, &under);
    pass(&f, MS(800));
    cr_assert(under.late);
    cr_assert_eq(breaker()->ramp.late, 1);
}

Test(comeback, one_failed_probe_opens_it_again)
{
    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    exchange(&f, OUTCOME_OK, 200);
    fail_times(&f, 1);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "probe_failed");
}

Test(comeback, one_late_probe_opens_it_again)
{
    struct pool_request r = request_of(0);

    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    arrive(&f, &r);
    pass(&f, S(2));
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "probe_late");
}

Test(comeback, a_probe_that_shows_nothing_gives_its_place_back)
{
    struct pool_request r[4];

    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    exchange(&f, OUTCOME_OK, 200);
    for (int i = 0; i < 2; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    end_as(&f, &r[0], OUTCOME_NEUTRAL, 404);
    end_as(&f, &r[1], OUTCOME_NEUTRAL, 0);
    cr_assert_eq(breaker()->probes, 1);
    r[3] = request_of(0);
    cr_assert_eq(arrive(&f, &r[3]), POOL_ADMIT);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
}

Test(comeback, a_refused_probe_gives_its_place_back_and_is_no_failure)
{
    struct pool_request r = request_of(0);

    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    arrive(&f, &r);
    end_as(&f, &r, OUTCOME_REFUSED, 429);
    cr_assert_eq(breaker()->probes, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
}

Test(comeback, a_whole_answer_among_streams_is_a_good_probe_whenever_it_comes)
{
    struct pool_request r[3];

    exchange(&f, OUTCOME_OK, 200); /* a stream: answers in one piece are not timed now */
    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    pass(&f, S(2)); /* the time that is left to a stream */
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(0);
        r[i].stream = false;
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
        pass(&f, S(8));
        first(&f, &r[i]);
        end_ok(&f, &r[i]);
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

Test(comeback, what_was_sent_before_it_died_decides_nothing_afterwards)
{
    struct pool_request old[8];

    f.pool->upstream[0].limiter.pending = 100;
    for (int i = 0; i < 8; i++) {
        old[i] = request_of(0);
        arrive(&f, &old[i]);
        first(&f, &old[i]);
    }
    trip();
    come_back();
    for (int i = 0; i < 8; i++)
        end_as(&f, &old[i], OUTCOME_STALLED, 200); /* they hung since then */
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
    cr_assert_eq(f.pool->upstream[0].limiter.err, 0);
    cr_assert_eq(breaker()->cut_in_row, 0);
}

Test(comeback, failures_before_the_return_do_not_trip_the_ramp)
{
    trip();
    come_back();
    fail_times(&f, 1);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

Test(comeback, ramping_admits_its_share_of_the_known_good_load)
{
    struct pool_request r[60], more = request_of(0);

    carry(r, 50);
    for (int i = 0; i < 50; i++)
        end_ok(&f, &r[i]);
    trip();
    come_back();
    f.pool->upstream[0].limiter.pending = 100;
    for (int i = 0; i < 5; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
        first(&f, &r[i]);
    }
    pass(&f, MS(500));
    cr_assert_eq(arrive(&f, &more), POOL_WAIT);
    pass(&f, MS(500)); /* it doubled; the waiting one goes */
    cr_assert_eq(more.state, REQUEST_SENT);
}

Test(comeback, ramps_up_and_closes)
{
    trip();
    come_back();
    for (int i = 0; i < 4; i++) {
        for (int n = 0; n < 3; n++)
            exchange(&f, OUTCOME_OK, 200);
        pass(&f, S(1));
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(comeback, trip_rules_hold_while_ramping_and_it_remembers)
{
    trip();
    come_back();
    for (int n = 0; n < 3; n++)
        exchange(&f, OUTCOME_OK, 200);
    pass(&f, S(1));
    cr_assert_float_eq(breaker_share(breaker()), 0.2, 1e-9);
    trip();
    cr_assert_float_eq(breaker()->ramp.died_at, 0.2, 1e-9);
}

Test(comeback, known_good_is_learnt_only_while_closed)
{
    struct pool_request r[20];

    carry(r, 20);
    trip();
    pass(&f, S(1));
    for (int i = 0; i < 20; i++)
        end_ok(&f, &r[i]);
    pass(&f, S(2));
    cr_assert_gt(breaker()->known_good, 19);
}

Test(comeback, a_failing_health_check_opens_it_and_keeps_it_open)
{
    pool_health_failed(f.pool, 0, f.now_ns);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "health_check");
    pass(&f, S(30));
    cr_assert_eq(breaker()->trips, 1);
}

Test(comeback, an_undrained_upstream_whose_checks_fail_opens)
{
    order(&f, OPERATOR_DRAIN, 0, 0);
    pool_health_failed(f.pool, 0, f.now_ns);
    order(&f, OPERATOR_UNDRAIN, 0, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "health_check");
}

Test(comeback, a_forced_close_that_ends_over_failing_checks_opens)
{
    order(&f, OPERATOR_BREAKER_CLOSE, 0, f.now_ns + S(10));
    pool_health_failed(f.pool, 0, f.now_ns);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    pass(&f, MS(10100));
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(comeback, a_success_of_the_health_check_ends_the_waiting_early)
{
    pool_health_failed(f.pool, 0, f.now_ns);
    pass(&f, MS(100));
    pool_health_ok(f.pool, 0, f.now_ns);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
}

Test(comeback, a_health_check_that_never_failed_ends_no_waiting)
{
    trip();
    pool_health_ok(f.pool, 0, f.now_ns);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(comeback, a_health_check_never_closes_it)
{
    trip();
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    for (int i = 0; i < 10; i++)
        pool_health_ok(f.pool, 0, f.now_ns);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
}

Test(comeback, says_every_change_with_its_numbers)
{
    struct pool_event ev;

    for (int i = 0; i < 10; i++) {
        exchange(&f, OUTCOME_OK, 200);
        exchange(&f, OUTCOME_FAILED, 502);
    }
    cr_assert(pool_next_event(f.pool, &ev));
    cr_assert_eq(ev.from, BREAKER_CLOSED);
    cr_assert_eq(ev.to, BREAKER_OPEN);
    cr_assert_str_eq(ev.cause, "error_rate");
    cr_assert_eq(ev.requests, 20);
    cr_assert_eq(ev.failed, 10);
    cr_assert_eq(ev.window_ns, S(10));
    cr_assert_eq(ev.at_ns, f.now_ns);
    cr_assert(!pool_next_event(f.pool, &ev));
    come_back();
    cr_assert(pool_next_event(f.pool, &ev));
    cr_assert_eq(ev.to, BREAKER_HALF_OPEN);
    cr_assert(pool_next_event(f.pool, &ev));
    cr_assert_eq(ev.to, BREAKER_RAMPING);
    cr_assert_float_eq(ev.share, 0.1, 1e-9);
}
