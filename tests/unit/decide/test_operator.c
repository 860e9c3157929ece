/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's hand, and rules that only look on. */
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

TestSuite(operator, .init = start, .fini = stop);
TestSuite(observe, .init = start, .fini = stop);

static struct breaker *breaker(void)
{
    return &f.pool->upstream[0].breaker;
}

static void refuse_order(enum pool_command o, double value)
{
    const char *why = NULL;

    cr_assert_eq(pool_command(f.pool, 0, o, value, 0, f.now_ns, &why), WEIR_BAD);
    cr_assert_not_null(why);
}

static struct pool_event last_event(void)
{
    struct pool_event ev, last;

    memset(&last, 0, sizeof last);
    while (pool_next_event(f.pool, &ev))
        last = ev;
    return last;
}

static void start_ramp(void)
{
    order(&f, OPERATOR_RAMP_START, 0, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

Test(operator, held_open_stays_open)
{
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    pass(&f, S(100));
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_str_eq(breaker()->cause, "operator");
}

Test(operator, held_open_lapses_into_half_open_with_an_event)
{
    struct pool_event ev;

    order(&f, OPERATOR_BREAKER_OPEN, 0, f.now_ns + S(10));
    pass(&f, MS(9900));
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    pass(&f, MS(200));
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
    ev = last_event();
    cr_assert_eq(ev.from, BREAKER_OPEN);
    cr_assert_eq(ev.to, BREAKER_HALF_OPEN);
    cr_assert_str_eq(ev.cause, "override_lapsed");
}

Test(operator, auto_gives_an_open_one_back_as_half_open)
{
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    order(&f, OPERATOR_BREAKER_AUTO, 0, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_HALF_OPEN);
    refuse_order(OPERATOR_BREAKER_AUTO, 0);
}

Test(operator, forced_closed_does_not_trip)
{
    order(&f, OPERATOR_BREAKER_CLOSE, 0, 0);
    fail_times(&f, 40);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(operator, forced_closed_lapses_and_the_rules_hold_again)
{
    order(&f, OPERATOR_BREAKER_CLOSE, 0, f.now_ns + S(10));
    pass(&f, MS(10100));
    cr_assert_str_eq(last_event().cause, "override_lapsed");
    fail_times(&f, 5);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(operator, close_closes_an_open_one)
{
    fail_times(&f, 5);
    order(&f, OPERATOR_BREAKER_CLOSE, 0, 0);
    cr_assert(exchange(&f, OUTCOME_OK, 200));
}

Test(operator, ramp_start_begins_at_the_first_share_from_any_state)
{
    start_ramp();
    cr_assert_float_eq(breaker_share(breaker()), 0.1, 1e-9);
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    start_ramp();
    order(&f, OPERATOR_RAMP_FINISH, 0, 0);
    start_ramp();
}

Test(operator, ramp_hold_freezes_and_resume_goes_on)
{
    refuse_order(OPERATOR_RAMP_HOLD, 0);
    start_ramp();
    order(&f, OPERATOR_RAMP_HOLD, 0, 0);
    pass(&f, S(30));
    cr_assert_float_eq(breaker_share(breaker()), 0.1, 1e-9);
    order(&f, OPERATOR_RAMP_RESUME, 0, 0);
    refuse_order(OPERATOR_RAMP_RESUME, 0);
    pass(&f, S(15)); /* nobody comes, nobody is refused: every 3 s a step */
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(operator, ramp_hold_lapses)
{
    start_ramp();
    order(&f, OPERATOR_RAMP_HOLD, 0, f.now_ns + S(10));
    pass(&f, MS(10100));
    cr_assert(!breaker()->ramp.held);
    cr_assert_str_eq(last_event().cause, "override_lapsed");
}

Test(operator, ramp_set_puts_the_share_and_holds_it)
{
    order(&f, OPERATOR_RAMP_SET, 0.35, 0);
    pass(&f, S(30));
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
    cr_assert_float_eq(breaker_share(breaker()), 0.35, 1e-9);
    refuse_order(OPERATOR_RAMP_SET, 0.001);
    refuse_order(OPERATOR_RAMP_SET, 1.01);
}

Test(operator, a_trip_ends_the_hold_of_a_share)
{
    order(&f, OPERATOR_RAMP_SET, 0.35, 0);
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    cr_assert(!breaker()->ramp.held);
    pass(&f, S(4));
    cr_assert_gt(breaker_share(breaker()), 0.1);
}

Test(operator, trip_rules_stay_armed_under_a_held_ramp)
{
    order(&f, OPERATOR_RAMP_SET, 0.35, 0);
    fail_times(&f, 5);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
}

Test(operator, ramp_finish_is_all_the_way_at_once)
{
    start_ramp();
    order(&f, OPERATOR_RAMP_FINISH, 0, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
    refuse_order(OPERATOR_RAMP_FINISH, 0);
}

Test(operator, ramp_abort_goes_back_to_open)
{
    refuse_order(OPERATOR_RAMP_ABORT, 0);
    start_ramp();
    order(&f, OPERATOR_RAMP_ABORT, 0, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
}

Test(operator, a_drained_upstream_takes_nothing_and_cuts_nothing)
{
    struct pool_request running = request_of(0), r = request_of(0);

    arrive(&f, &running);
    first(&f, &running);
    order(&f, OPERATOR_DRAIN, 0, 0);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_eq(r.cause, CAUSE_NO_UPSTREAM);
    cr_assert_eq(f.pool->upstream[0].streams, 1);
    end_ok(&f, &running);
    cr_assert_eq(state_of(&f, 0), BREAKER_DRAINED);
}

Test(operator, an_undrained_upstream_comes_back_by_the_ramp)
{
    refuse_order(OPERATOR_UNDRAIN, 0);
    order(&f, OPERATOR_DRAIN, 0, 0);
    refuse_order(OPERATOR_BREAKER_OPEN, 0);
    refuse_order(OPERATOR_RAMP_SET, 0.5);
    order(&f, OPERATOR_UNDRAIN, 0, 0);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
}

Test(operator, a_drained_upstream_stays_so_whatever_its_health)
{
    order(&f, OPERATOR_DRAIN, 0, 0);
    pool_health_failed(f.pool, 0, f.now_ns);
    pool_health_ok(f.pool, 0, f.now_ns);
    pass(&f, S(60));
    cr_assert_eq(state_of(&f, 0), BREAKER_DRAINED);
}

Test(operator, a_limit_holds_until_it_lapses)
{
    struct pool_request r[3];

    order(&f, OPERATOR_LIMIT_STREAMS, 2, f.now_ns + S(60));
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), i < 2 ? POOL_ADMIT : POOL_WAIT);
    }
    cr_assert_eq(r[1].numbers.limit_streams, 2);
    pool_leave(f.pool, &r[2], f.now_ns);
    first(&f, &r[0]);
    first(&f, &r[1]);
    pass(&f, S(61));
    cr_assert_str_eq(last_event().cause, "override_lapsed");
    r[2] = request_of(0);
    cr_assert_eq(arrive(&f, &r[2]), POOL_ADMIT);
}

Test(operator, a_limit_holds_even_where_the_limiter_looks_on)
{
    struct pool_request a = request_of(0), b = request_of(0);

    pool_set_mode(f.pool, SET_LIMITER, 0);
    order(&f, OPERATOR_LIMIT_STREAMS, 1, 0);
    cr_assert_eq(arrive(&f, &a), POOL_ADMIT);
    cr_assert_eq(arrive(&f, &b), POOL_WAIT);
    pool_leave(f.pool, &b, f.now_ns);
}

Test(observe, a_limiter_that_looks_on_refuses_nobody_and_counts)
{
    struct pool_request r[20];
    struct pool_view v;

    pool_set_mode(f.pool, SET_LIMITER, 0);
    for (int i = 0; i < 20; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
    cr_assert_eq(r[19].numbers.observed, RULE_PENDING_LIMIT);
    pool_view(f.pool, &v, f.now_ns);
    cr_assert_eq(v.observed[SET_LIMITER], 16);
}

Test(observe, a_limiter_that_looks_on_holds_no_upstream_back)
{
    struct pool_request r = request_of(0);
    struct pool_report rep = {.outcome = OUTCOME_REFUSED, .status = 429, .retry_after_ms = 20000};

    pool_set_mode(f.pool, SET_LIMITER, 0);
    arrive(&f, &r);
    pool_end(f.pool, &r, &rep, f.now_ns);
    cr_assert(exchange(&f, OUTCOME_OK, 200));
}

Test(observe, a_breaker_that_looks_on_changes_its_state_and_refuses_nobody)
{
    pool_set_mode(f.pool, SET_BREAKER, 0);
    fail_times(&f, 50);
    cr_assert_neq(state_of(&f, 0), BREAKER_CLOSED);
    cr_assert_gt(f.pool->observed[SET_BREAKER], 0);
    cr_assert_str_eq(last_event().cause, "consecutive_failures");
}

Test(observe, a_breaker_that_looks_on_does_not_reset_the_limiter)
{
    pool_set_mode(f.pool, SET_BREAKER, 0);
    fail_times(&f, 5);
    f.pool->upstream[0].limiter.streams = 7;
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    cr_assert_eq(state_of(&f, 0), BREAKER_RAMPING);
    cr_assert_eq(f.pool->upstream[0].limiter.streams, 7);
}

Test(observe, a_breaker_that_looks_on_has_a_ramp_that_looks_on)
{
    struct pool_request r[4];

    pool_set_mode(f.pool, SET_BREAKER, 0);
    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    for (int i = 0; i < 4; i++) { /* the share would allow two */
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
    cr_assert_eq(f.pool->observed[SET_RAMP], 2);
}

Test(observe, an_operators_open_holds_even_where_the_breaker_looks_on)
{
    pool_set_mode(f.pool, SET_BREAKER, 0);
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    cr_assert(!exchange(&f, OUTCOME_OK, 200));
}

Test(observe, a_ramp_that_looks_on_lets_everything_through)
{
    struct pool_request r[4];

    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    good_probes(&f);
    pool_set_mode(f.pool, SET_RAMP, 0);
    for (int i = 0; i < 4; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
}

Test(observe, a_queue_that_looks_on_delays_nobody)
{
    struct pool_request r[5];

    pool_set_mode(f.pool, SET_QUEUE, 0);
    for (int i = 0; i < 5; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), i < 4 ? POOL_ADMIT : POOL_REFUSE);
    }
    cr_assert_eq(f.pool->observed[SET_QUEUE], 1);
}

Test(observe, an_override_of_a_mode_can_be_given_back)
{
    f.conf.limiter.enforce = false;
    cr_assert(!pool_enforces(f.pool, SET_LIMITER));
    pool_set_mode(f.pool, SET_LIMITER, 1);
    cr_assert(pool_enforces(f.pool, SET_LIMITER));
    pool_set_mode(f.pool, SET_LIMITER, -1);
    cr_assert(!pool_enforces(f.pool, SET_LIMITER));
}
