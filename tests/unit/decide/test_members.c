/* SPDX-License-Identifier: Apache-2.0 */
/* A reload that changes the list of upstreams, while the pool is at work. */
#include <criterion/criterion.h>

#include "fixture.h"

enum { ROOM = 4 };
static struct fixture f;

static void start(void)
{
    fixture_init(&f);
    fixture_start(&f, ROOM);
    for (size_t i = 2; i < ROOM; i++)
        pool_take_out(f.pool, i, f.now_ns);
}

static void stop(void)
{
    fixture_stop(&f);
}

TestSuite(members, .init = start, .fini = stop);

static int reserve(uint32_t id, uint32_t *reservation)
{
    return pool_reserve(f.pool, id, ROOM, 4096, reservation, f.now_ns);
}

Test(members, nothing_goes_to_one_that_was_taken_out_and_what_runs_there_ends)
{
    struct pool_request r[2] = {request_of(1), request_of(2)}, next = request_of(3);

    cr_assert_eq(arrive(&f, &r[0]), POOL_ADMIT);
    cr_assert_eq(arrive(&f, &r[1]), POOL_ADMIT);
    cr_assert_neq(r[0].upstream, r[1].upstream);
    pool_take_out(f.pool, (size_t)r[0].upstream, f.now_ns);
    cr_assert_eq(arrive(&f, &next), POOL_ADMIT);
    cr_assert_eq(next.upstream, r[1].upstream);
    cr_assert_eq(f.pool->upstream[r[0].upstream].inflight, 1);
    first(&f, &r[0]);
    end_as(&f, &r[0], OUTCOME_OK, 200);
    cr_assert_eq(f.pool->upstream[r[0].upstream].inflight, 0);
}

Test(members, a_new_one_gets_nothing_before_it_joins_and_then_begins_by_the_ramp)
{
    uint32_t reservation;
    int place = reserve(77, &reservation);
    struct pool_event ev;

    cr_assert_eq(place, 2);
    cr_assert_eq(pool_place_of(f.pool, 77), 2);
    f.pool->upstream[0].breaker.known_good = 30;
    f.pool->upstream[1].breaker.known_good = 50;
    for (int i = 0; i < 8; i++) {
        struct pool_request r = request_of((uint64_t)i + 1);
        cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
        cr_assert_lt(r.upstream, 2);
        end_as(&f, &r, OUTCOME_OK, 200);
    }
    pool_join(f.pool, (size_t)place, reservation, f.now_ns);
    cr_assert_eq(state_of(&f, 2), BREAKER_RAMPING);
    cr_assert_eq(f.pool->upstream[2].breaker.known_good, 40);
    cr_assert(pool_next_event(f.pool, &ev));
    cr_assert_str_eq(ev.cause, "added");
}

Test(members, what_an_operator_said_before_it_joined_stands)
{
    uint32_t reservation;
    int place = reserve(77, &reservation);
    const char *why = "";

    cr_assert_eq(pool_command(f.pool, (size_t)place, OPERATOR_DRAIN, 0, 0, f.now_ns, &why),
                 WEIR_OK);
    pool_join(f.pool, (size_t)place, reservation, f.now_ns);
    cr_assert_eq(state_of(&f, (size_t)place), BREAKER_DRAINED);
}

Test(members, events_of_before_it_came_back_are_no_pace)
{
    uint32_t reservation;
    int place = reserve(77, &reservation);

    pool_join(f.pool, (size_t)place, reservation, f.now_ns);
    f.events[place] = 1000000;
    pass(&f, MS(200));
    cr_assert_eq(f.pool->upstream[place].pace.now_s, 0);
    cr_assert_eq(f.pool->upstream[place].pace.events, 0);
}

Test(members, a_reservation_that_was_taken_back_joins_nothing)
{
    uint32_t first_one, second;
    int place = reserve(77, &first_one);

    pool_take_out(f.pool, (size_t)place, f.now_ns);
    cr_assert_eq(reserve(78, &second), place);
    pool_join(f.pool, (size_t)place, first_one, f.now_ns);
    cr_assert_eq(f.pool->upstream[place].membership, MEMBER_RESERVED);
    pool_join(f.pool, (size_t)place, second, f.now_ns);
    cr_assert_eq(f.pool->upstream[place].membership, MEMBER);
}

Test(members, one_that_returns_while_its_requests_run_keeps_its_counts)
{
    struct pool_request r = request_of(1);
    uint32_t reservation;

    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    pool_take_out(f.pool, (size_t)r.upstream, f.now_ns);
    cr_assert_eq(reserve((uint32_t)r.upstream, &reservation), r.upstream);
    pool_join(f.pool, (size_t)r.upstream, reservation, f.now_ns);
    cr_assert_eq(f.pool->upstream[r.upstream].inflight, 1);
    end_as(&f, &r, OUTCOME_OK, 200);
}

Test(members, a_place_is_not_given_again_while_requests_run_there)
{
    struct pool_request r = request_of(1);
    uint32_t reservation;

    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    pool_take_out(f.pool, (size_t)r.upstream, f.now_ns);
    cr_assert_neq(reserve(90, &reservation), r.upstream);
    cr_assert_neq(reserve(91, &reservation), r.upstream);
    cr_assert_eq(reserve(92, &reservation), -1);
    end_as(&f, &r, OUTCOME_OK, 200);
    cr_assert_eq(reserve(92, &reservation), r.upstream);
}

Test(members, who_waits_goes_on_waiting_and_is_served_by_the_new_one)
{
    struct pool_request run = request_of(1), waits = request_of(2);
    uint32_t reservation;
    int place;

    pool_take_out(f.pool, 1, f.now_ns);
    f.pool->upstream[0].limiter.most = 1;
    limiter_set_most(&f.pool->upstream[0].limiter, 1);
    cr_assert_eq(arrive(&f, &run), POOL_ADMIT);
    cr_assert_eq(arrive(&f, &waits), POOL_WAIT);
    place = reserve(77, &reservation);
    pool_take_out(f.pool, 0, f.now_ns);
    cr_assert_null(pool_next_woken(f.pool));
    pool_join(f.pool, (size_t)place, reservation, f.now_ns);
    cr_assert_eq(pool_next_woken(f.pool), &waits);
    cr_assert_eq(waits.state, REQUEST_SENT);
    cr_assert_eq(waits.upstream, place);
    end_as(&f, &waits, OUTCOME_OK, 200);
    end_as(&f, &run, OUTCOME_OK, 200);
    cr_assert(pool_is_empty(f.pool));
}

Test(members, where_all_are_replaced_who_comes_waits_for_the_new_one)
{
    struct pool_request r = request_of(1);
    uint32_t reservation;
    int place = reserve(77, &reservation);

    pool_take_out(f.pool, 0, f.now_ns);
    pool_take_out(f.pool, 1, f.now_ns);
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    cr_assert(!pool_is_shut(f.pool, f.now_ns));
    pool_join(f.pool, (size_t)place, reservation, f.now_ns);
    cr_assert_eq(pool_next_woken(f.pool), &r);
    end_as(&f, &r, OUTCOME_OK, 200);
}
