/* SPDX-License-Identifier: Apache-2.0 */
/* How long requests wait, and how many. */
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

TestSuite(waiting, .init = start, .fini = stop);

enum { MANY = 64 };
static struct pool_request held[4], wait[MANY];

/* Four places of an upstream that has no more, all taken. */
static void places_taken(void)
{
    for (int i = 0; i < 4; i++) {
        held[i] = request_of(0);
        cr_assert_eq(arrive(&f, &held[i]), POOL_ADMIT);
        first(&f, &held[i]);
    }
    f.pool->upstream[0].limiter.streams = 4;
}

/* As many without a first token as may be at first, which is a guess. */
static void guess_is_full(void)
{
    for (int i = 0; i < 4; i++) {
        held[i] = request_of(0);
        cr_assert_eq(arrive(&f, &held[i]), POOL_ADMIT);
    }
    f.pool->upstream[0].limiter.start = false; /* nor does the guess grow */
}

static void ends_of_cold(void)
{
    f.pool->upstream[0].limiter.cold = false;
    pass(&f, MS(100));
}

static void waiters(int from, int to)
{
    for (int i = from; i < to; i++) {
        wait[i] = request_of(0);
        cr_assert_eq(arrive(&f, &wait[i]), POOL_WAIT);
    }
}

Test(waiting, is_longer_while_nothing_is_known)
{
    guess_is_full();
    waiters(0, 1);
    cr_assert_eq(wait[0].expires_ns, f.now_ns + S(5));
}

Test(waiting, shrinks_when_the_first_limit_is_known)
{
    guess_is_full();
    waiters(0, 1);
    pass(&f, S(2));
    cr_assert_eq(f.pool->queue.length, 1);
    ends_of_cold();
    cr_assert_eq(f.pool->queue.length, 0);
    cr_assert_eq(wait[0].cause, CAUSE_QUEUE_TIMEOUT);
}

Test(waiting, is_no_longer_for_places_of_which_the_number_is_set)
{
    limiter_set_most(&f.pool->upstream[0].limiter, 4);
    places_taken();
    waiters(0, 1);
    cr_assert(f.pool->upstream[0].limiter.cold);
    cr_assert_eq(wait[0].expires_ns, f.now_ns + S(1));
    pass(&f, MS(1100));
    cr_assert_eq(f.pool->queue.length, 0);
    cr_assert_eq(wait[0].cause, CAUSE_QUEUE_TIMEOUT);
}

Test(waiting, shrinks_when_the_places_that_are_set_fill_up)
{
    limiter_set_most(&f.pool->upstream[0].limiter, 4);
    guess_is_full();
    f.pool->upstream[0].limiter.streams = 5;
    waiters(0, 1);
    cr_assert_eq(wait[0].expires_ns, f.now_ns + S(5));
    f.pool->upstream[0].limiter.streams = 4;
    pass(&f, MS(1100));
    cr_assert_eq(f.pool->queue.length, 0);
}

Test(waiting, is_as_long_as_is_set_when_limits_are_known)
{
    places_taken();
    ends_of_cold();
    waiters(0, 1);
    cr_assert_eq(wait[0].expires_ns, f.now_ns + S(1));
}

Test(waiting, is_never_longer_for_those_who_do_not_wait_at_all)
{
    struct pool_request batch = request_of(0);

    places_taken();
    batch.class = CLASS_BATCH;
    cr_assert_eq(arrive(&f, &batch), POOL_REFUSE);
}

Test(waiting, a_longer_max_wait_stays)
{
    f.conf.queue.max_wait_ns = S(9);
    places_taken();
    waiters(0, 1);
    cr_assert_eq(wait[0].expires_ns, f.now_ns + S(9));
}

/* So many a second are served for two seconds, while others wait. */
static void served_per_second(int n)
{
    ends_of_cold();
    f.pool->backlog.waited = true;
    f.pool->backlog.seconds = 2;
    f.pool->backlog.served = 2 * n;
}

Test(waiting, the_oldest_beyond_what_is_served_in_time_is_refused_at_once)
{
    places_taken();
    served_per_second(8);
    waiters(0, 10); /* 1.25 times 8 in a second */
    cr_assert_eq(f.pool->queue.length, 10);
    waiters(10, 11);
    cr_assert_eq(f.pool->queue.length, 10);
    cr_assert_eq(pool_next_woken(f.pool), &wait[0]);
    cr_assert_eq(wait[0].cause, CAUSE_OVERLOADED);
    cr_assert_eq(wait[0].numbers.rule, RULE_QUEUE_FULL);
}

Test(waiting, the_worst_rank_is_refused_first)
{
    struct pool_request paid = request_of(0);

    places_taken();
    served_per_second(8);
    paid.class = CLASS_PAID;
    cr_assert_eq(arrive(&f, &paid), POOL_WAIT);
    waiters(0, 10);
    cr_assert_eq(paid.state, REQUEST_QUEUED);
    cr_assert_eq(wait[0].state, REQUEST_ENDED);
}

Test(waiting, batch_is_bounded_by_its_own_wait)
{
    f.conf.queue.batch_wait_ns = S(4);
    places_taken();
    served_per_second(8);
    for (int i = 0; i < 40; i++) {
        wait[i] = request_of(0);
        wait[i].class = CLASS_BATCH;
        cr_assert_eq(arrive(&f, &wait[i]), POOL_WAIT);
    }
    cr_assert_eq(f.pool->queue.length, 40);
    waiters(40, 41);
    cr_assert_eq(f.pool->queue.length, 40, "1.25 times 8 in four seconds");
    cr_assert_eq(wait[0].state, REQUEST_ENDED);
}

Test(waiting, two_may_always_wait)
{
    places_taken();
    served_per_second(0);
    waiters(0, 2);
    cr_assert_eq(f.pool->queue.length, 2);
}

Test(waiting, nothing_is_refused_for_length_while_it_is_cold_or_not_measured)
{
    places_taken();
    waiters(0, 30);
    ends_of_cold();
    waiters(30, MANY);
    cr_assert_eq(f.pool->queue.length, MANY);
}

Test(waiting, is_not_measured_while_the_breaker_is_open)
{
    places_taken();
    waiters(0, 4);
    f.pool->backlog.waited = true;
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    pass(&f, MS(300));
    cr_assert_eq(f.pool->backlog.seconds, 0);
}
