/* SPDX-License-Identifier: Apache-2.0 */
/* A reload that changes the list of upstreams. */
#include <criterion/criterion.h>

#include "fixture.h"

static struct fixture before, after;

static void start(void)
{
    fixture_init(&before);
    fixture_start(&before, 2);
    fixture_init(&after);
    fixture_start(&after, 3);
}

static void stop(void)
{
    fixture_stop(&before);
    fixture_stop(&after);
}

TestSuite(adopt, .init = start, .fini = stop);

Test(adopt, an_upstream_keeps_its_state_and_its_limits)
{
    before.pool->upstream[1].limiter.pending = 9;
    before.pool->upstream[1].predict.base_s[8] = 0.3;
    while (state_of(&before, 1) == BREAKER_CLOSED)
        exchange(&before, OUTCOME_FAILED, 502);
    pool_adopt(after.pool, 2, before.pool, 1, before.now_ns);
    cr_assert_eq(state_of(&after, 2), BREAKER_OPEN);
    cr_assert_eq(after.pool->upstream[2].breaker.index, 2);
    cr_assert_eq(after.pool->upstream[2].limiter.pending, 9);
    cr_assert_eq(after.pool->upstream[2].predict.base_s[8], 0.3);
    cr_assert_eq(after.pool->upstream[2].inflight, 0);
}

Test(adopt, its_events_go_to_the_new_pool)
{
    struct pool_event ev;

    pool_adopt(after.pool, 2, before.pool, 1, before.now_ns);
    for (int i = 0; i < 200 && state_of(&after, 2) == BREAKER_CLOSED; i++)
        exchange(&after, OUTCOME_FAILED, 502);
    cr_assert(!pool_next_event(before.pool, &ev));
    cr_assert(pool_next_event(after.pool, &ev));
}

Test(adopt, people_keep_their_leases_and_appointments)
{
    lease_renew(&before.pool->leases, 5, before.now_ns + S(100));
    before.pool->appoint_ns = before.now_ns + S(20);
    pool_set_mode(before.pool, SET_RAMP, 0);
    pool_adopt_people(after.pool, before.pool);
    cr_assert(lease_held(&after.pool->leases, 5, before.now_ns));
    cr_assert_eq(after.pool->appoint_ns, before.now_ns + S(20));
    cr_assert(!pool_enforces(after.pool, SET_RAMP));
}

Test(adopt, a_new_upstream_begins_by_the_ramp)
{
    struct pool_event ev;

    after.pool->upstream[0].breaker.known_good = 30;
    after.pool->upstream[1].breaker.known_good = 50;
    pool_join(after.pool, 2, after.now_ns);
    cr_assert_eq(state_of(&after, 2), BREAKER_RAMPING);
    cr_assert_eq(after.pool->upstream[2].breaker.known_good, 40);
    cr_assert(pool_next_event(after.pool, &ev));
    cr_assert_str_eq(ev.cause, "added");
}
