/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule the next request would meet, as operators are shown it. */
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

TestSuite(binding, .init = start, .fini = stop);

static struct upstream_view view(void)
{
    struct upstream_view v;

    pool_upstream_view(f.pool, 0, &v, f.now_ns);
    return v;
}

static void expect(enum rule rule, bool enforced)
{
    struct binding b = view().binds;

    cr_assert_eq(b.rule, rule, "it is %s", rule_name(b.rule));
    cr_assert_eq(b.enforced, enforced);
}

/* Each of another user. */
static void send(struct pool_request *r, int n)
{
    for (int i = 0; i < n; i++) {
        r[i] = request_of(100 + (uint64_t)i);
        cr_assert_eq(arrive(&f, &r[i]), POOL_ADMIT);
    }
}

Test(binding, is_nothing_where_there_is_room)
{
    struct pool_request r[2];

    expect(RULE_ROOM, true);
    send(r, 2);
    expect(RULE_ROOM, true);
}

Test(binding, is_first_tokens_once_as_many_wait_as_may)
{
    struct pool_request r[4];

    send(r, 4);
    expect(RULE_PENDING_LIMIT, true);
    first(&f, &r[0]);
    expect(RULE_ROOM, true);
}

Test(binding, is_places_by_the_operators_number_though_the_limiter_only_looks_on)
{
    struct pool_request r[2];

    f.conf.limiter.enforce = false;
    order(&f, OPERATOR_LIMIT_STREAMS, 2, 0);
    send(r, 2);
    expect(RULE_STREAM_LIMIT, true);
}

Test(binding, is_told_apart_from_what_only_looks_on)
{
    struct pool_request r[5];

    f.conf.limiter.enforce = false;
    send(r, 5);
    expect(RULE_PENDING_LIMIT, false);
}

Test(binding, goes_with_the_breaker_from_open_to_the_ramp)
{
    struct pool_request r[8];
    int n = 0;

    fail_times(&f, 5);
    expect(RULE_BREAKER_OPEN, true);
    wait_for_state(&f, 0, BREAKER_HALF_OPEN);
    expect(RULE_PROBE, true);
    send(r, 1);
    expect(RULE_HALF_OPEN, true);
    first(&f, &r[0]);
    end_ok(&f, &r[0]);
    while (state_of(&f, 0) == BREAKER_HALF_OPEN)
        cr_assert(exchange(&f, OUTCOME_OK, 200));
    order(&f, OPERATOR_RAMP_SET, 0.01, 0);
    f.pool->upstream[0].breaker.known_good = 200;
    cr_assert_eq(view().ramp_allows, 2);
    for (; view().binds.rule == RULE_ROOM; n++) {
        cr_assert_lt(n, 8);
        r[n] = request_of(200 + (uint64_t)n);
        cr_assert_eq(arrive(&f, &r[n]), POOL_ADMIT);
    }
    cr_assert_eq(n, 2);
    expect(RULE_RAMP, true);
}

Test(binding, is_the_operator_of_a_drained_one)
{
    order(&f, OPERATOR_DRAIN, 0, 0);
    expect(RULE_DRAINED, true);
}

Test(binding, is_a_cooldown_that_concerns_everybody_who_is_known)
{
    struct pool_request r = request_of(7);
    struct pool_report rep = {.outcome = OUTCOME_REFUSED, .status = 429, .retry_after_ms = 5000};

    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    first(&f, &r);
    end_ok(&f, &r);
    r = request_of(7);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    pool_end(f.pool, &r, &rep, f.now_ns);
    expect(RULE_COOLDOWN, true);
    pass(&f, S(6));
    expect(RULE_ROOM, true);
}

Test(binding, is_no_cooldown_of_one_user_among_others)
{
    struct pool_request r = request_of(7);
    struct pool_report rep = {.outcome = OUTCOME_REFUSED, .status = 429, .retry_after_ms = 5000};

    cr_assert(exchange(&f, OUTCOME_OK, 200));
    cr_assert(exchange(&f, OUTCOME_OK, 200));
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    pool_end(f.pool, &r, &rep, f.now_ns);
    expect(RULE_ROOM, true);
}

Test(binding, asking_leaves_no_mark)
{
    struct pool_request r[4];
    struct upstream before;

    send(r, 4);
    before = f.pool->upstream[0];
    (void)view();
    cr_assert_arr_eq(&before, &f.pool->upstream[0], sizeof before);
}

Test(binding, of_a_pool_tells_which_limit_of_one_user_refused_somebody)
{
    struct pool_request r[3];
    struct pool_view v;

    fixture_stop(&f);
    f.conf.users.limits.most[QUOTA_MAX_STREAMS] = 2;
    fixture_start(&f, 1);
    for (int i = 0; i < 3; i++) {
        r[i] = request_of(9);
        (void)arrive(&f, &r[i]);
    }
    pool_view(f.pool, &v, f.now_ns);
    cr_assert_eq(v.user_rule, RULE_USER_STREAMS);
    pool_view(f.pool, &v, f.now_ns + S(11));
    cr_assert_eq(v.user_rule, RULE_NONE);
}
