/* SPDX-License-Identifier: Apache-2.0 */
/* What operators and metrics are shown, and new settings. */
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

TestSuite(view, .init = start, .fini = stop);

static struct breaker *breaker(void)
{
    return &f.pool->upstream[0].breaker;
}

Test(view, shows_load_limits_and_window)
{
    struct pool_request a = request_of(0), b = request_of(0);
    struct upstream_view v;

    exchange(&f, OUTCOME_FAILED, 502);
    arrive(&f, &a);
    arrive(&f, &b);
    first(&f, &a);
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert_eq(v.state, BREAKER_CLOSED);
    cr_assert_eq(v.pending, 1);
    cr_assert_eq(v.inflight, 2);
    cr_assert_eq(v.streams, 1);
    cr_assert_eq(v.ok, 1);
    cr_assert_eq(v.failed, 1);
    cr_assert_eq(v.on_time, 1);
    cr_assert_eq(v.limit_pending, 4);
    cr_assert_eq(v.limit_streams, 4096);
    cr_assert_eq(v.share, 1);
    cr_assert_eq(v.expected_full_s, 0);
    pool_upstream_view(f.pool, 0, &v, f.now_ns + S(20));
    cr_assert_eq(v.ok + v.failed, 0, "the window moves on without a call");
}

Test(view, shows_overrides_and_their_ends)
{
    struct upstream_view v;

    order(&f, OPERATOR_BREAKER_OPEN, 0, f.now_ns + S(60));
    order(&f, OPERATOR_LIMIT_STREAMS, 9, 0);
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert(v.override_on[OVERRIDE_BREAKER_OPEN]);
    cr_assert_eq(v.override_until_ns[OVERRIDE_BREAKER_OPEN], f.now_ns + S(60));
    cr_assert(v.override_on[OVERRIDE_LIMIT_STREAMS]);
    cr_assert(!v.override_on[OVERRIDE_DRAIN]);
    cr_assert_eq(v.until_ns, f.now_ns + S(60));
}

Test(view, expects_nothing_of_an_open_one)
{
    struct upstream_view v;

    fail_times(&f, 5);
    breaker()->until_ns = f.now_ns + S(3);
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert_lt(v.expected_full_s, 0, "it may be dead for hours");
}

Test(view, expects_a_half_open_one_that_answered_to_take_probes_and_ramp)
{
    struct upstream_view v;

    fail_times(&f, 5);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert_eq(v.probes_good, 0);
    cr_assert_lt(v.expected_full_s, 0, "it may be as dead as before");
    breaker()->good = 1;
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert_eq(v.probes_good, 1);
    cr_assert_float_eq(v.expected_full_s, 1 + 4, 1e-9);
}

Test(view, expects_nothing_of_a_drained_one)
{
    struct upstream_view v;
    struct pool_view pv;

    fixture_stop(&f);
    fixture_start(&f, 2);
    order(&f, OPERATOR_DRAIN, 0, 0);
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert_lt(v.expected_full_s, 0);
    cr_assert_eq(v.state, BREAKER_DRAINED);
    pool_view(f.pool, &pv, f.now_ns);
    cr_assert_eq(pv.expected_full_s, 0, "the other one is whole");
    cr_assert_float_eq(pv.share, 0.5, 1e-9);
}

Test(view, counts_each_outcome_by_its_name)
{
    static const enum outcome all[] = {OUTCOME_OK,      OUTCOME_FAILED,  OUTCOME_CONNECT_FAILED,
                                       OUTCOME_STALLED, OUTCOME_NEUTRAL, OUTCOME_REFUSED};
    struct upstream_view v;

    for (int i = 0; i < 6; i++)
        cr_assert(exchange(&f, all[i], 0));
    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    cr_assert_eq(v.ok, 1);
    cr_assert_eq(v.failed, 1);
    cr_assert_eq(v.connect_failed, 1);
    cr_assert_eq(v.stalled, 1);
    cr_assert_eq(v.neutral, 1);
    cr_assert_eq(v.refused, 1);
    cr_assert_geq(v.cooldown_until_ns, f.now_ns + S(1));
}

Test(view, shows_rates_and_tokens)
{
    struct pool_view v;

    for (int i = 0; i < 100; i++) {
        exchange(&f, OUTCOME_OK, 200);
        f.now_ns += MS(500);
    }
    pool_view(f.pool, &v, f.now_ns);
    cr_assert_float_eq(v.arrivals_per_s, 2, 0.2);
    cr_assert_float_eq(v.admitted_per_s, 2, 0.2);
    cr_assert_eq(v.retries_per_s, 0);
}

Test(view, the_rate_of_admission_does_not_grow_by_the_probes_of_an_outage)
{
    struct pool_view before, after;

    for (int i = 0; i < 30; i++) {
        exchange(&f, OUTCOME_OK, 200);
        pass(&f, MS(500));
    }
    fail_times(&f, 5);
    pass(&f, MS(100));
    pool_view(f.pool, &before, f.now_ns);
    for (int i = 0; i < 200; i++) {
        wait_for_state(&f, 0, BREAKER_HALF_OPEN);
        exchange(&f, OUTCOME_CONNECT_FAILED, 0);
        cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    }
    pool_view(f.pool, &after, f.now_ns);
    cr_assert_leq(after.admitted_per_s, before.admitted_per_s);
    cr_assert_gt(after.admitted_per_s, 0.2 * before.admitted_per_s, "the last that was known");
}

Test(view, a_pools_share_is_weighted_by_load)
{
    struct pool_view v;

    fixture_stop(&f);
    fixture_start(&f, 2);
    f.pool->upstream[0].breaker.known_good = 30;
    f.pool->upstream[1].breaker.known_good = 10;
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    pool_view(f.pool, &v, f.now_ns);
    cr_assert_float_eq(v.share, 0.25, 1e-9);
}

Test(view, shows_who_waits)
{
    struct pool_request r[6];
    struct pool_view v;

    f.conf.queue.cold_wait_ns = 0;
    for (int i = 0; i < 6; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
        f.now_ns += MS(10);
    }
    pool_view(f.pool, &v, f.now_ns);
    cr_assert_eq(v.queued, 2);
    cr_assert_eq(v.queued_by_class[CLASS_INTERACTIVE], 2);
    cr_assert_eq(v.oldest_ns, r[4].arrival_ns);
    cr_assert_eq(v.last_shed_ns, 0);
    pass(&f, S(2));
    pool_view(f.pool, &v, f.now_ns);
    cr_assert_eq(v.queued, 0);
    cr_assert_gt(v.last_shed_ns, 0);
}

Test(view, new_settings_keep_what_was_learnt)
{
    struct decide_conf other = f.conf;
    uint32_t fewer = 50;

    f.pool->upstream[0].limiter.pending = 9;
    fail_times(&f, 5);
    other.breaker.consecutive = 50;
    pool_set_conf(f.pool, &other, &fewer, f.now_ns);
    cr_assert_eq(state_of(&f, 0), BREAKER_OPEN);
    cr_assert_eq(f.pool->upstream[0].limiter.pending, 9);
    cr_assert_eq(f.pool->upstream[0].limiter.most, 50);
}
