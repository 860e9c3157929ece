/* SPDX-License-Identifier: Apache-2.0 */
/* One more try on another upstream. */
#include <criterion/criterion.h>

#include "fixture.h"

static struct fixture f;
static const struct pool_report refused_connection = {.outcome = OUTCOME_CONNECT_FAILED};

static void start(void)
{
    fixture_init(&f);
    fixture_start(&f, 2);
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(retry, .init = start, .fini = stop);

static enum pool_verdict again(struct pool_request *r)
{
    return pool_retry(f.pool, r, &refused_connection, f.now_ns);
}

Test(retry, goes_to_another_upstream)
{
    struct pool_request r = request_of(3);
    int before;

    arrive(&f, &r);
    before = r.upstream;
    cr_assert_eq(again(&r), POOL_ADMIT);
    cr_assert_neq(r.upstream, before);
    cr_assert_eq(r.tried, before);
    cr_assert_eq(r.attempts, 2);
    cr_assert_eq(r.numbers.rule, RULE_RETRY);
    cr_assert_eq(f.pool->upstream[before].inflight, 0);
    cr_assert_eq(f.pool->upstream[r.upstream].inflight, 1);
    cr_assert_eq(users_find(&f.pool->users, 3)->places, 1);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert_eq(users_find(&f.pool->users, 3)->places, 0);
}

Test(retry, reports_the_first_attempt_like_an_end)
{
    struct pool_request r = request_of(0);
    int before;

    arrive(&f, &r);
    before = r.upstream;
    again(&r);
    cr_assert_eq(f.pool->upstream[before].limiter.err, 1);
    cr_assert_eq(window_failures(&f.pool->upstream[before].breaker.window), 1);
}

Test(retry, there_is_no_third_attempt)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    cr_assert_eq(again(&r), POOL_ADMIT);
    cr_assert_eq(again(&r), POOL_REFUSE);
    cr_assert_eq(r.state, REQUEST_ENDED);
    cr_assert_eq(f.pool->upstream[0].inflight + f.pool->upstream[1].inflight, 0);
}

Test(retry, costs_a_token)
{
    struct pool_request r;
    int admitted = 0;

    for (int i = 0; i < 40; i++) {
        r = request_of(0);
        if (arrive(&f, &r) != POOL_ADMIT)
            break;
        admitted += again(&r) == POOL_ADMIT;
        if (r.state == REQUEST_SENT) {
            first(&f, &r);
            end_ok(&f, &r);
        }
        for (int u = 0; u < 2; u++) {
            f.pool->upstream[u].breaker.failed_in_row = 0;
            f.pool->upstream[u].breaker.failed_of[KIND_GENERATION] = 0;
        }
    }
    cr_assert_leq(admitted, 10 + 4);
    cr_assert_geq(admitted, 10);
}

Test(retry, none_after_content)
{
    struct pool_request r = request_of(0);
    struct pool_report cut = {.outcome = OUTCOME_FAILED, .status = 200};

    arrive(&f, &r);
    first(&f, &r);
    cr_assert_eq(pool_retry(f.pool, &r, &cut, f.now_ns), POOL_REFUSE);
}

Test(retry, none_for_a_stall_or_an_answer)
{
    struct pool_request a = request_of(0), b = request_of(0);
    struct pool_report stall = {.outcome = OUTCOME_STALLED};
    struct pool_report neutral = {.outcome = OUTCOME_NEUTRAL, .status = 404};

    arrive(&f, &a);
    arrive(&f, &b);
    cr_assert_eq(pool_retry(f.pool, &a, &stall, f.now_ns), POOL_REFUSE);
    cr_assert_eq(pool_retry(f.pool, &b, &neutral, f.now_ns), POOL_REFUSE);
}

Test(retry, none_for_batch)
{
    struct pool_request r = request_of(0);

    r.class = CLASS_BATCH;
    arrive(&f, &r);
    cr_assert_eq(again(&r), POOL_REFUSE);
}

Test(retry, none_while_the_pool_sheds)
{
    struct pool_request r = request_of(0);

    arrive(&f, &r);
    f.pool->last_shed_ns = f.now_ns;
    cr_assert_eq(again(&r), POOL_REFUSE);
}

Test(retry, none_while_somebody_waits)
{
    struct pool_request r[9];

    for (int i = 0; i < 9; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    cr_assert_eq(f.pool->queue.length, 1);
    cr_assert_eq(again(&r[0]), POOL_REFUSE);
    cr_assert_eq(pool_next_woken(f.pool), &r[8], "its place goes to the one that waited");
}

Test(retry, none_where_there_is_no_other_upstream)
{
    struct pool_request r = request_of(0);

    order(&f, OPERATOR_DRAIN, 0, 0); /* upstream 0 */
    arrive(&f, &r);
    cr_assert_eq(r.upstream, 1);
    cr_assert_eq(again(&r), POOL_REFUSE);
    cr_assert_eq(f.pool->budget.tokens, 10, "and it costs nothing");
}

Test(retry, none_with_a_budget_of_nothing)
{
    struct pool_request r = request_of(0);

    f.conf.retry.budget = 0;
    arrive(&f, &r);
    cr_assert_eq(again(&r), POOL_REFUSE);
}

Test(retry, a_refusal_may_be_retried_elsewhere)
{
    struct pool_request r = request_of(0);
    struct pool_report refused = {.outcome = OUTCOME_REFUSED, .status = 429};
    int before;

    arrive(&f, &r);
    before = r.upstream;
    cr_assert_eq(pool_retry(f.pool, &r, &refused, f.now_ns), POOL_ADMIT);
    cr_assert(cooldown_until(&f.pool->upstream[before].cooldown, r.who, r.model, f.now_ns) > 0);
}
