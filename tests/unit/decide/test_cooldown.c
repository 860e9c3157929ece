/* SPDX-License-Identifier: Apache-2.0 */
/* Whose requests a refusal keeps away, alone and by way of a pool. */
#include <criterion/criterion.h>

#include "fixture.h"

static struct random draws = {7};

static bool refuse(struct cooldown *c, enum cooldown_by by, uint64_t user, uint64_t model,
                   uint32_t ms, uint64_t now_ns)
{
    struct cooldown_refusal r = {by, user, model, ms};

    return cooldown_refused(c, &r, &draws, now_ns);
}

Test(cooldown, lasts_as_long_as_was_asked_and_a_little_more)
{
    for (int i = 0; i < 1000; i++) {
        struct cooldown c = {0};
        refuse(&c, COOLDOWN_BY_USER, 1, 0, 3000, S(100));
        cr_assert_geq(cooldown_until(&c, 1, 0, S(100)), S(103));
        cr_assert_leq(cooldown_until(&c, 1, 0, S(100)), S(100) + MS(3300));
    }
}

Test(cooldown, tells_whose_it_is)
{
    struct cooldown c = {0};

    cr_assert_eq(cooldown_whose(&c, 1, 7, S(100)), COOLDOWN_OF_NOBODY);
    refuse(&c, COOLDOWN_BY_USER, 1, 7, 3000, S(100));
    cr_assert_eq(cooldown_whose(&c, 1, 7, S(100)), COOLDOWN_OF_USER);
    cr_assert_eq(cooldown_whose(&c, 2, 7, S(100)), COOLDOWN_OF_NOBODY);
    cooldown_well(&c, 2, 7, S(101));
    refuse(&c, COOLDOWN_BY_MODEL, 1, 8, 3000, S(101));
    cr_assert_eq(cooldown_whose(&c, 2, 8, S(101)), COOLDOWN_OF_MODEL);
    refuse(&c, COOLDOWN_BY_MODEL, 2, 9, 3000, S(102));
    cr_assert_eq(cooldown_whose(&c, 3, 9, S(102)), COOLDOWN_OF_ALL);
    cr_assert_eq(cooldown_whose(&c, 3, 9, S(110)), COOLDOWN_OF_NOBODY);
}

Test(cooldown, lasts_a_second_when_nothing_was_said)
{
    struct cooldown c = {0};

    refuse(&c, COOLDOWN_BY_USER, 1, 0, 0, S(100));
    cr_assert_geq(cooldown_until(&c, 1, 0, S(100)), S(101));
    cr_assert_eq(cooldown_until(&c, 1, 0, S(102)), 0);
}

Test(cooldown, lasts_no_longer_than_a_minute_and_is_never_shortened)
{
    struct cooldown c = {0};
    uint64_t until_ns;

    refuse(&c, COOLDOWN_BY_USER, 1, 0, UINT32_MAX, S(100));
    until_ns = cooldown_until(&c, 1, 0, S(100));
    cr_assert_leq(until_ns, S(166));
    refuse(&c, COOLDOWN_BY_USER, 1, 0, 1000, S(101));
    cr_assert_eq(cooldown_until(&c, 1, 0, S(101)), until_ns);
}

Test(cooldown, a_429_is_the_users_own)
{
    struct cooldown c = {0};

    cooldown_well(&c, 2, 9, S(99));
    cr_assert(!refuse(&c, COOLDOWN_BY_USER, 1, 9, 30000, S(100)));
    cr_assert_neq(cooldown_until(&c, 1, 9, S(101)), 0);
    cr_assert_eq(cooldown_until(&c, 2, 9, S(101)), 0);
    cr_assert_eq(cooldown_of_known(&c, S(101)), 0);
}

Test(cooldown, a_429_for_one_model_leaves_the_same_key_its_other_models)
{
    struct cooldown c = {0};

    refuse(&c, COOLDOWN_BY_USER, 1, 8, 30000, S(100));
    cr_assert_neq(cooldown_until(&c, 1, 8, S(101)), 0);
    cr_assert_eq(cooldown_until(&c, 1, 9, S(101)), 0);
    refuse(&c, COOLDOWN_BY_USER, 1, 9, 30000, S(102));
    cr_assert_neq(cooldown_until(&c, 1, 7, S(103)), 0);
}

Test(cooldown, a_503_is_the_models_own)
{
    struct cooldown c = {0};

    cooldown_well(&c, 1, 9, S(99));
    cr_assert(!refuse(&c, COOLDOWN_BY_MODEL, 1, 8, 30000, S(100)));
    cr_assert_neq(cooldown_until(&c, 2, 8, S(101)), 0);
    cr_assert_eq(cooldown_until(&c, 1, 9, S(101)), 0);
}

Test(cooldown, two_users_and_two_models_refused_make_it_the_upstreams)
{
    struct cooldown c = {0};

    refuse(&c, COOLDOWN_BY_USER, 1, 8, 30000, S(100));
    refuse(&c, COOLDOWN_BY_USER, 2, 8, 30000, S(101));
    cr_assert_neq(cooldown_until(&c, 3, 8, S(102)), 0);
    cr_assert_eq(cooldown_of_all(&c, S(102)), 0);
    refuse(&c, COOLDOWN_BY_MODEL, 3, 9, 30000, S(103));
    cr_assert_neq(cooldown_until(&c, 4, 7, S(104)), 0);
    cr_assert_neq(cooldown_of_all(&c, S(104)), 0);
}

Test(cooldown, a_good_first_token_between_keeps_refusals_apart)
{
    struct cooldown c = {0};

    refuse(&c, COOLDOWN_BY_USER, 1, 8, 30000, S(100));
    cooldown_well(&c, 3, 8, S(101));
    refuse(&c, COOLDOWN_BY_USER, 2, 8, 30000, S(102));
    cr_assert_eq(cooldown_until(&c, 3, 8, S(103)), 0);
}

Test(cooldown, where_only_one_is_served_it_concerns_everybody_known)
{
    struct cooldown c = {0};

    cooldown_well(&c, 1, 8, S(99));
    cr_assert(refuse(&c, COOLDOWN_BY_USER, 1, 8, 30000, S(100)));
    cr_assert_neq(cooldown_of_known(&c, S(101)), 0);
    cr_assert_eq(cooldown_of_all(&c, S(101)), 0, "a newcomer is asked for");
}

Test(cooldown, more_than_fit_forgets_the_one_that_ends_first)
{
    struct cooldown c = {0};

    for (uint64_t u = 1; u <= COOLDOWN_ENTRIES + 1; u++) {
        cooldown_well(&c, 1000, 0, S(100));
        refuse(&c, COOLDOWN_BY_USER, u, 0, 30000, S(100) + u);
    }
    cr_assert_neq(cooldown_until(&c, COOLDOWN_ENTRIES + 1, 0, S(101)), 0);
    cr_assert_eq(cooldown_until(&c, 1000, 0, S(101)), 0);
}

/* --- by way of a pool */

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

TestSuite(cooldown_of_a_pool, .init = start, .fini = stop);

static void end_refused(struct pool_request *r, uint32_t status, uint32_t ms)
{
    struct pool_report rep = {.outcome = OUTCOME_REFUSED, .status = status, .retry_after_ms = ms};

    cr_assert_eq(arrive(&f, r), POOL_ADMIT);
    pool_end(f.pool, r, &rep, f.now_ns);
}

Test(cooldown_of_a_pool, others_go_on_while_one_user_is_held)
{
    struct pool_request r = request_of(66), again = request_of(66), other = request_of(5);

    exchange(&f, OUTCOME_OK, 200);
    exchange(&f, OUTCOME_OK, 200);
    end_refused(&r, 429, 30000);
    pass(&f, MS(200));
    cr_assert_eq(arrive(&f, &again), POOL_REFUSE);
    cr_assert_eq(again.cause, CAUSE_HELD);
    cr_assert_geq(again.numbers.retry_after_ms, 25000);
    cr_assert_eq(arrive(&f, &other), POOL_ADMIT);
}

Test(cooldown_of_a_pool, other_models_go_on_while_one_loads)
{
    struct pool_request big = request_of(1), more = request_of(2), small = request_of(3);

    exchange(&f, OUTCOME_OK, 200);
    big.model = more.model = 77;
    small.model = 88;
    end_refused(&big, 503, 30000);
    cr_assert_eq(arrive(&f, &more), POOL_REFUSE);
    cr_assert_eq(arrive(&f, &small), POOL_ADMIT);
}

Test(cooldown_of_a_pool, what_needs_no_model_goes_on_while_one_loads)
{
    struct pool_request big = request_of(1), list = request_of(1), chat = request_of(1);

    exchange(&f, OUTCOME_OK, 200);
    big.model = 77;
    list.kind = KIND_ROUTES;
    end_refused(&big, 503, 30000);
    cr_assert_eq(arrive(&f, &list), POOL_ADMIT);
    end_ok(&f, &list);
    cr_assert_neq(arrive(&f, &chat), POOL_ADMIT, "a chat that names none may be for that one");
}

Test(cooldown_of_a_pool, one_users_refusals_do_not_open_the_breaker_for_the_others)
{
    exchange(&f, OUTCOME_OK, 200);
    exchange(&f, OUTCOME_OK, 200);
    pass(&f, S(11)); /* out of the window, and well within the minute */
    for (int i = 0; i < 8; i++) {
        struct pool_request r = request_of(66);
        end_refused(&r, 429, 0);
        pass(&f, MS(1200));
    }
    cr_assert_eq(state_of(&f, 0), BREAKER_CLOSED);
}

Test(cooldown_of_a_pool, one_that_is_held_alone_does_not_stand_in_the_queue_before_others)
{
    struct pool_request r = request_of(66), fill[4], again = request_of(66);

    exchange(&f, OUTCOME_OK, 200);
    for (int i = 0; i < 4; i++) {
        fill[i] = request_of(100 + (uint64_t)i);
        cr_assert_eq(arrive(&f, &fill[i]), POOL_ADMIT);
    }
    end_as(&f, &fill[0], OUTCOME_NEUTRAL, 400);
    end_refused(&r, 429, 1000);
    cr_assert_eq(arrive(&f, &again), POOL_REFUSE);
}

static void start_two_with_one_place_each(void)
{
    fixture_stop(&f);
    fixture_start(&f, 2);
    for (int i = 0; i < 4; i++)
        exchange(&f, OUTCOME_OK, 200);
    for (int i = 0; i < 2; i++) {
        f.pool->upstream[i].limiter.pending = 1;
        f.pool->upstream[i].limiter.start = false;
    }
}

Test(cooldown_of_a_pool, one_that_waits_for_another_upstream_lets_others_pass)
{
    struct pool_request elsewhere = request_of(1), there = request_of(2);
    struct pool_request refused = request_of(66), held = request_of(66), other = request_of(5);

    start_two_with_one_place_each();
    cr_assert_eq(arrive(&f, &elsewhere), POOL_ADMIT);
    end_refused(&refused, 429, 30000);
    cr_assert_eq(arrive(&f, &there), POOL_ADMIT);
    cr_assert_eq(there.upstream, refused.upstream);
    cr_assert_eq(arrive(&f, &other), POOL_WAIT);
    cr_assert_eq(arrive(&f, &held), POOL_WAIT); /* the newest goes first */
    first(&f, &there);
    cr_assert_eq(other.state, REQUEST_SENT);
    cr_assert_eq(other.upstream, there.upstream);
    cr_assert_eq(held.state, REQUEST_QUEUED);
    first(&f, &elsewhere);
    cr_assert_eq(held.state, REQUEST_SENT);
    cr_assert_eq(held.upstream, elsewhere.upstream);
}
