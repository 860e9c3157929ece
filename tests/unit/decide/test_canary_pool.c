/* SPDX-License-Identifier: Apache-2.0 */
/* The canary in its pool: lots, who stands in for whom, and what a verdict does. */
#include <criterion/criterion.h>

#include "fixture.h"

static struct fixture f;
static const char *why;

static void start(void)
{
    fixture_init(&f);
    fixture_start(&f, 3);
    why = "";
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(canary_pool, .init = start, .fini = stop);

static bool begin(size_t upstream, double most)
{
    return pool_canary_start(f.pool, upstream, most, S(600), f.now_ns, &why) == WEIR_OK;
}

static struct canary_view view(void)
{
    struct canary_view v;

    pool_canary_view(f.pool, &v);
    return v;
}

/* A command about any upstream. */
static void command(size_t upstream, enum pool_command o)
{
    cr_assert_eq(pool_command(f.pool, upstream, o, 0, 0, f.now_ns, &why), WEIR_OK, "%s", why);
}

/* Asks n times, each answered at once; how many went to the upstream. */
static int sent_to(int upstream, int n)
{
    int there = 0;

    for (int i = 0; i < n; i++) {
        struct pool_request r = request_of(++f.last_user);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        there += r.upstream == upstream;
        pass(&f, MS(10));
        first(&f, &r);
        end_ok(&f, &r);
    }
    return there;
}

Test(canary_pool, gets_its_share_by_lot)
{
    int n;

    cr_assert(begin(2, 1), "%s", why);
    n = sent_to(2, 500);
    cr_assert(n <= 15, "%d of 500 at 1 %%", n);
    cr_assert_eq(view().counts[CANARY_SELF].finished + view().counts[CANARY_PEERS].finished, 500);
}

Test(canary_pool, never_gets_more_than_its_share_though_its_peers_are_full)
{
    struct pool_request one, other = request_of(1);

    command(0, OPERATOR_DRAIN);
    cr_assert(begin(2, 1), "%s", why);
    f.pool->upstream[1].limiter.override = 1;
    do {
        one = request_of(++f.last_user);
        cr_assert_eq(arrive(&f, &one), POOL_ADMIT);
        if (one.upstream == 2)
            end_ok(&f, &one);
    } while (one.upstream != 1);
    cr_assert_eq(arrive(&f, &other), POOL_WAIT);
    end_ok(&f, &one);
    cr_assert_eq(pool_next_woken(f.pool), &other);
    end_ok(&f, &other);
}

Test(canary_pool, stands_in_for_peers_that_are_gone)
{
    cr_assert(begin(2, 1), "%s", why);
    for (size_t i = 0; i < 2; i++)
        command(i, OPERATOR_DRAIN);
    pass(&f, MS(100));
    cr_assert_eq(view().pause, CANARY_NO_PEER);
    cr_assert_eq(sent_to(2, 20), 20);
    pass(&f, S(700));
    cr_assert_eq(view().state, CANARY_RUNNING);
}

Test(canary_pool, is_drained_when_it_is_rolled_back)
{
    cr_assert(begin(2, 1), "%s", why);
    cr_assert_eq(pool_canary_end(f.pool, 2, false, f.now_ns, &why), WEIR_OK);
    cr_assert_eq(state_of(&f, 2), BREAKER_DRAINED);
    cr_assert_str_eq(f.pool->upstream[2].breaker.cause, "canary");
    cr_assert_eq(sent_to(2, 20), 0);
    cr_assert_eq(pool_canary_end(f.pool, 2, false, f.now_ns, &why), WEIR_BAD);
}

Test(canary_pool, goes_the_rest_of_the_way_by_the_ramp_when_it_is_promoted_early)
{
    cr_assert(begin(2, 1), "%s", why);
    cr_assert_eq(pool_canary_end(f.pool, 2, true, f.now_ns, &why), WEIR_OK);
    cr_assert_eq(state_of(&f, 2), BREAKER_RAMPING);
    cr_assert_float_eq(f.pool->upstream[2].breaker.ramp.share, 0.03, 1e-9);
}

Test(canary_pool, that_is_drained_comes_in_by_its_lots)
{
    command(2, OPERATOR_DRAIN);
    cr_assert(begin(2, 1), "%s", why);
    cr_assert_eq(state_of(&f, 2), BREAKER_CLOSED);
    cr_assert_leq(sent_to(2, 200), 10);
}

Test(canary_pool, whose_upstream_an_operator_drains_is_over)
{
    cr_assert(begin(2, 1), "%s", why);
    command(2, OPERATOR_DRAIN);
    pass(&f, MS(100));
    cr_assert_eq(view().state, CANARY_ROLLED_BACK);
    cr_assert_eq(view().why, CANARY_BY_HAND);
}

Test(canary_pool, that_a_reload_takes_out_is_over)
{
    cr_assert(begin(2, 1), "%s", why);
    pool_take_out(f.pool, 2, f.now_ns);
    cr_assert_eq(view().why, CANARY_TAKEN_OUT);
}

Test(canary_pool, does_not_begin_where_it_makes_no_sense)
{
    command(0, OPERATOR_BREAKER_OPEN);
    cr_assert(!begin(0, 1));
    command(0, OPERATOR_BREAKER_AUTO);
    cr_assert(!begin(0, 1), "half open");
    cr_assert(begin(2, 1), "%s", why);
    cr_assert(!begin(2, 1));
    cr_assert(!begin(1, 1));
    cr_assert_eq(pool_canary_end(f.pool, 2, true, f.now_ns, &why), WEIR_OK);
    pool_set_mode(f.pool, SET_BREAKER, 0);
    cr_assert(!begin(1, 1));
    pool_set_mode(f.pool, SET_BREAKER, -1);
    for (size_t i = 0; i < 3; i += 2)
        command(i, OPERATOR_DRAIN);
    cr_assert(!begin(1, 1));
}

Test(canary_pool, compares_no_request_that_is_tried_again)
{
    struct pool_report failed = {.outcome = OUTCOME_FAILED, .status = 502};
    struct pool_request r = request_of(1);

    cr_assert(begin(2, 1), "%s", why);
    sent_to(2, 100); /* retries are paid for */
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    cr_assert_eq(pool_retry(f.pool, &r, &failed, f.now_ns), POOL_ADMIT);
    cr_assert_eq(r.lot.run, 0);
    end_ok(&f, &r);
    cr_assert_eq(view().counts[CANARY_PEERS].failed + view().counts[CANARY_SELF].failed, 1);
    cr_assert_eq(view().counts[CANARY_PEERS].finished + view().counts[CANARY_SELF].finished, 101);
}

/* Whoever completed a turn lately is known to the caches of some. */
Test(canary_pool, compares_first_tokens_of_new_conversations_until_it_is_settled)
{
    struct pool_request fresh = request_of(7777), again = request_of(7777);

    cr_assert(begin(2, 1), "%s", why);
    cr_assert_eq(arrive(&f, &fresh), POOL_ADMIT);
    cr_assert(fresh.lot.alike);
    first(&f, &fresh);
    end_ok(&f, &fresh);
    cr_assert_eq(arrive(&f, &again), POOL_ADMIT);
    cr_assert(!again.lot.alike);
    end_ok(&f, &again);
}

Test(canary_pool, a_request_of_class_system_goes_to_a_peer)
{
    cr_assert(begin(2, 1), "%s", why);
    for (int i = 0; i < 300; i++) {
        struct pool_request r = request_of(++f.last_user);
        r.class = CLASS_SYSTEM;
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        cr_assert_neq(r.upstream, 2);
        end_ok(&f, &r);
    }
}
