/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

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

TestSuite(pool, .init = start, .fini = stop);

Test(pool, admits_while_there_is_room)
{
    struct pool_request r = request_of(7);

    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    cr_assert_eq(r.state, REQUEST_SENT);
    cr_assert_eq(r.upstream, 0);
    cr_assert_eq(r.numbers.rule, RULE_ROOM);
    cr_assert_eq(r.attempts, 1);
}

Test(pool, gives_everything_back_at_the_end)
{
    struct pool_request r = request_of(7);
    const struct upstream *u = &f.pool->upstream[0];

    arrive(&f, &r);
    cr_assert_eq(u->pending, 1);
    cr_assert_eq(u->inflight, 1);
    first(&f, &r);
    cr_assert_eq(u->pending, 0);
    cr_assert_eq(u->streams, 1);
    end_ok(&f, &r);
    cr_assert_eq(u->inflight + u->streams + u->pending, 0);
    cr_assert_eq(r.state, REQUEST_ENDED);
    cr_assert_eq(users_find(&f.pool->users, 7)->places, 0);
}

Test(pool, lets_the_fifth_wait_while_four_have_no_first_token)
{
    struct pool_request r[5];

    for (int i = 0; i < 5; i++) {
        r[i] = request_of(0);
        cr_assert_eq(arrive(&f, &r[i]), i < 4 ? POOL_ADMIT : POOL_WAIT);
    }
    cr_assert_eq(f.pool->queue.length, 1);
    first(&f, &r[0]);
    end_ok(&f, &r[0]);
    cr_assert_eq(pool_next_woken(f.pool), &r[4]);
    cr_assert_eq(r[4].state, REQUEST_SENT);
    cr_assert_null(pool_next_woken(f.pool));
}

Test(pool, refuses_who_waited_too_long)
{
    struct pool_request r[5];

    f.conf.queue.cold_wait_ns = 0;
    for (int i = 0; i < 5; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    cr_assert_eq(pool_next_expiry(f.pool), r[4].arrival_ns + S(1));
    pass(&f, MS(900));
    cr_assert_null(pool_next_woken(f.pool));
    pass(&f, MS(100));
    cr_assert_eq(pool_next_woken(f.pool), &r[4]);
    cr_assert_eq(r[4].state, REQUEST_ENDED);
    cr_assert_eq(r[4].cause, CAUSE_QUEUE_TIMEOUT);
    cr_assert_eq(r[4].numbers.rule, RULE_WAITED);
    cr_assert_eq(r[4].numbers.waited_ns, S(1));
    cr_assert_geq(r[4].numbers.retry_after_ms, 1000);
}

Test(pool, is_shut_while_nobody_can_be_admitted_for_longer_than_anybody_waits)
{
    struct pool_request r = request_of(1);

    cr_assert(!pool_is_shut(f.pool, f.now_ns));
    cr_assert(!pool_refuse_shut(f.pool, &r, f.now_ns));
    cr_assert_eq(r.state, REQUEST_NEW);
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    cr_assert(pool_refuse_shut(f.pool, &r, f.now_ns));
    cr_assert_eq(r.state, REQUEST_ENDED);
    cr_assert_eq(r.cause, CAUSE_CIRCUIT_OPEN);
    cr_assert_geq(r.numbers.retry_after_ms, 1000);
}

Test(pool, is_not_shut_when_a_wait_could_end_in_an_admission)
{
    uint64_t most = f.conf.queue.max_wait_ns;

    order(&f, OPERATOR_BREAKER_OPEN, 0, f.now_ns + most);
    cr_assert(!pool_is_shut(f.pool, f.now_ns));
    order(&f, OPERATOR_BREAKER_OPEN, 0, f.now_ns + most + MS(1));
    cr_assert(pool_is_shut(f.pool, f.now_ns));
}
