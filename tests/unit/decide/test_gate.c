/* SPDX-License-Identifier: Apache-2.0 */
/* Who is admitted, who waits, in which order, and what a refused one is told. */
#include <criterion/criterion.h>

#include "fixture.h"

static struct fixture f;

static void start(void)
{
    fixture_init(&f);
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(gate, .init = start, .fini = stop);

static struct pool_request of_class(enum request_class class, uint64_t user)
{
    struct pool_request r = request_of(user);

    r.class = class;
    return r;
}

/* Four that take all places; their first tokens make room. */
static struct pool_request full[4];

static void fill(void)
{
    for (int i = 0; i < 4; i++) {
        full[i] = request_of(0);
        cr_assert_eq(arrive(&f, &full[i]), POOL_ADMIT);
    }
}

static void make_room(int i)
{
    first(&f, &full[i]);
    end_ok(&f, &full[i]);
}

Test(gate, serves_better_ranks_first_and_the_newest_of_each)
{
    struct pool_request r[7];

    fixture_start(&f, 1);
    f.conf.queue.batch_wait_ns = S(1);
    lease_renew(&f.pool->leases, 11, f.now_ns + S(600));
    lease_renew(&f.pool->leases, 12, f.now_ns + S(600));
    fill();
    r[0] = of_class(CLASS_BATCH, 1);
    r[1] = of_class(CLASS_INTERACTIVE, 2);
    r[2] = of_class(CLASS_INTERACTIVE, 3);
    r[3] = of_class(CLASS_INTERACTIVE, 11);
    r[4] = of_class(CLASS_PAID, 4);
    r[5] = of_class(CLASS_PAID, 12);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(arrive(&f, &r[i]), POOL_WAIT);
    limiter_restart(&f.pool->upstream[0].limiter, f.now_ns);
    f.pool->upstream[0].limiter.pending = 100;
    make_room(0);
    cr_assert_eq(pool_next_woken(f.pool), &r[5]); /* paid with a lease */
    cr_assert_eq(pool_next_woken(f.pool), &r[4]); /* paid */
    cr_assert_eq(pool_next_woken(f.pool), &r[3]); /* interactive with a lease */
    cr_assert_eq(pool_next_woken(f.pool), &r[2]); /* interactive, the newest */
    cr_assert_eq(pool_next_woken(f.pool), &r[1]);
    cr_assert_eq(pool_next_woken(f.pool), &r[0]); /* batch */
}

Test(gate, nobody_overtakes_a_better_or_equal_rank_that_waits)
{
    struct pool_request a = of_class(CLASS_INTERACTIVE, 1), b = of_class(CLASS_INTERACTIVE, 2);

    fixture_start(&f, 1);
    fill();
    arrive(&f, &a);
    f.pool->upstream[0].limiter.pending = 5; /* room for one, which `a` has not seen yet */
    cr_assert_eq(arrive(&f, &b), POOL_ADMIT, "the newest goes first");
    cr_assert_eq(a.state, REQUEST_QUEUED);
}

Test(gate, batch_does_not_wait)
{
    struct pool_request b = of_class(CLASS_BATCH, 1);

    fixture_start(&f, 1);
    fill();
    cr_assert_eq(arrive(&f, &b), POOL_REFUSE);
    cr_assert_eq(b.cause, CAUSE_OVERLOADED);
    cr_assert_eq(b.numbers.rule, RULE_QUEUE_OFF);
    cr_assert_eq(b.numbers.upstream, 0);
    cr_assert_eq(b.numbers.pending, 4);
    cr_assert_eq(b.numbers.limit_pending, 4);
}

Test(gate, a_full_queue_refuses)
{
    struct pool_request a = request_of(1), b = request_of(2);

    f.conf.queue.max_length = 1;
    fixture_start(&f, 1);
    fill();
    cr_assert_eq(arrive(&f, &a), POOL_WAIT);
    cr_assert_eq(arrive(&f, &b), POOL_REFUSE);
    cr_assert_eq(b.numbers.rule, RULE_QUEUE_FULL);
    cr_assert_eq(b.numbers.queued, 1);
}

Test(gate, a_client_that_leaves_is_out_of_the_queue)
{
    struct pool_request a = request_of(1);

    fixture_start(&f, 1);
    fill();
    arrive(&f, &a);
    pool_leave(f.pool, &a, f.now_ns);
    cr_assert_eq(a.state, REQUEST_ENDED);
    cr_assert_eq(f.pool->queue.length, 0);
    cr_assert_eq(users_find(&f.pool->users, 1)->places, 0);
    make_room(0);
    cr_assert_null(pool_next_woken(f.pool));
}

Test(gate, a_client_that_leaves_when_just_woken_gives_its_place_back)
{
    struct pool_request a = request_of(1);

    fixture_start(&f, 1);
    fill();
    arrive(&f, &a);
    make_room(0);
    cr_assert_eq(a.state, REQUEST_SENT);
    pool_leave(f.pool, &a, f.now_ns);
    cr_assert_eq(f.pool->upstream[0].inflight, 3);
    cr_assert_null(pool_next_woken(f.pool));
}

Test(gate, a_deadline_that_cannot_be_met_is_refused_at_the_door)
{
    struct pool_request a = request_of(1);

    fixture_start(&f, 1);
    a.deadline_ns = f.now_ns + MS(900); /* a first token takes a second, as far as anybody knows */
    cr_assert_eq(arrive(&f, &a), POOL_REFUSE);
    cr_assert_eq(a.cause, CAUSE_DEADLINE);
}

Test(gate, a_deadline_that_is_lost_while_waiting_is_refused_then)
{
    struct pool_request a = request_of(1);

    fixture_start(&f, 1);
    fill();
    a.deadline_ns = f.now_ns + MS(1200);
    cr_assert_eq(arrive(&f, &a), POOL_WAIT);
    f.now_ns += MS(500);
    end_as(&f, &full[0], OUTCOME_NEUTRAL, 0);
    cr_assert_eq(pool_next_woken(f.pool), &a);
    cr_assert_eq(a.cause, CAUSE_DEADLINE);
    cr_assert_eq(a.numbers.waited_ns, MS(500));
}

Test(gate, system_requests_have_four_places_of_their_own)
{
    struct pool_request s[5];

    fixture_start(&f, 1);
    fill(); /* no room for anybody else */
    for (int i = 0; i < 5; i++) {
        s[i] = of_class(CLASS_SYSTEM, 0);
        s[i].stream = false;
        cr_assert_eq(arrive(&f, &s[i]), i < 4 ? POOL_ADMIT : POOL_WAIT);
    }
    cr_assert_eq(f.pool->upstream[0].inflight, 4, "they are not counted with the others");
    first(&f, &s[0]);
    end_ok(&f, &s[0]);
    cr_assert_eq(pool_next_woken(f.pool), &s[4]);
    cr_assert_eq(f.pool->upstream[0].limiter.on, 0, "and give no marks");
}

Test(gate, a_waiting_system_request_does_not_block_the_others)
{
    struct pool_request s[5], r = request_of(1);

    fixture_start(&f, 1);
    for (int i = 0; i < 5; i++) {
        s[i] = of_class(CLASS_SYSTEM, 0);
        arrive(&f, &s[i]);
    }
    cr_assert_eq(s[4].state, REQUEST_QUEUED);
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
}

Test(gate, takes_the_upstream_with_the_least_in_flight)
{
    struct pool_request r[6];

    fixture_start(&f, 3);
    for (int i = 0; i < 6; i++) {
        r[i] = request_of(0);
        arrive(&f, &r[i]);
    }
    for (int i = 0; i < 3; i++)
        cr_assert_eq(f.pool->upstream[i].inflight, 2);
    end_as(&f, &r[4], OUTCOME_NEUTRAL, 0);
    r[0] = request_of(0);
    arrive(&f, &r[0]);
    cr_assert_eq(r[0].upstream, r[4].upstream);
}

Test(gate, ties_go_round)
{
    int seen[3] = {0};

    fixture_start(&f, 3);
    for (int i = 0; i < 9; i++) {
        struct pool_request r = request_of(0);
        arrive(&f, &r);
        seen[r.upstream]++;
        first(&f, &r);
        end_ok(&f, &r);
    }
    for (int i = 0; i < 3; i++)
        cr_assert_eq(seen[i], 3);
}

Test(gate, a_request_that_one_upstream_may_not_take_goes_to_another)
{
    struct pool_request r = request_of(0);

    fixture_start(&f, 2);
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    for (int i = 0; i < 4; i++) {
        r = request_of(0);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        cr_assert_eq(r.upstream, 1);
        first(&f, &r);
        end_ok(&f, &r);
    }
}

Test(gate, an_upstream_that_asked_for_it_is_left_alone)
{
    struct pool_request r = request_of(0), next = request_of(0);
    struct pool_report rep = {.outcome = OUTCOME_REFUSED, .status = 429, .retry_after_ms = 20000};

    fixture_start(&f, 1);
    arrive(&f, &r);
    pool_end(f.pool, &r, &rep, f.now_ns);
    cr_assert_eq(arrive(&f, &next), POOL_REFUSE);
    cr_assert_eq(next.cause, CAUSE_HELD);
    cr_assert_eq(next.numbers.rule, RULE_COOLDOWN);
    cr_assert_geq(next.numbers.retry_after_ms, 17000, "after the hold");
    cr_assert(!next.no_retry);
    pass(&f, S(22));
    next = request_of(0);
    cr_assert_eq(arrive(&f, &next), POOL_ADMIT);
}

Test(gate, a_short_hold_is_waited_for)
{
    struct pool_request r = request_of(0), next = request_of(0);
    struct pool_report rep = {.outcome = OUTCOME_REFUSED, .status = 429, .retry_after_ms = 500};

    fixture_start(&f, 1);
    arrive(&f, &r);
    pool_end(f.pool, &r, &rep, f.now_ns);
    cr_assert_eq(arrive(&f, &next), POOL_WAIT);
    pass(&f, MS(600));
    cr_assert_eq(next.state, REQUEST_SENT);
}

Test(gate, the_nearest_upstream_names_the_cause)
{
    struct pool_request r;

    fixture_start(&f, 2);
    order(&f, OPERATOR_BREAKER_OPEN, 0, 0);
    f.conf.queue.max_wait_ns = 0;
    fill();
    r = request_of(0);
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_eq(r.cause, CAUSE_OVERLOADED);
    cr_assert_eq(r.numbers.upstream, 1);
}

Test(gate, what_does_not_wait_is_told_the_state_and_not_the_queue)
{
    struct pool_request held[2], r = of_class(CLASS_BATCH, 0);

    fixture_start(&f, 1);
    order(&f, OPERATOR_RAMP_START, 0, 0);
    for (int i = 0; i < 2; i++) { /* what any share allows */
        held[i] = request_of(0);
        cr_assert_eq(arrive(&f, &held[i]), POOL_ADMIT);
    }
    cr_assert_eq(arrive(&f, &r), POOL_REFUSE);
    cr_assert_eq(r.cause, CAUSE_RECOVERING);
    cr_assert_eq(r.numbers.rule, RULE_RAMP);
    cr_assert_float_eq(r.numbers.share, 0.1, 1e-9);
}
