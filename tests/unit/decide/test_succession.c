/* SPDX-License-Identifier: Apache-2.0 */
/* Two pools in front of the same upstream: the old process's and the new one's. */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/succession.h"

static struct fixture old, new;

static void start_with(uint32_t max_streams)
{
    struct fixture *both[] = {&old, &new};

    for (int i = 0; i < 2; i++) {
        fixture_init(both[i]);
        both[i]->max_streams[0] = max_streams;
        fixture_start(both[i], 1);
        both[i]->pool->upstream[0].limiter.pending = max_streams;
    }
}

static void stop(void)
{
    fixture_stop(&old);
    fixture_stop(&new);
}

TestSuite(succession, .fini = stop);

/* n requests of the old one are under way, then the other takes over. */
static void hand_over(struct pool_request *r, int n)
{
    for (int i = 0; i < n; i++) {
        r[i] = request_of((uint64_t)i + 1);
        cr_assert_eq(arrive(&old, &r[i]), POOL_ADMIT);
        first(&old, &r[i]);
    }
    pool_hand_over(old.pool);
    pool_add_elsewhere(new.pool, 0, pool_places(old.pool, 0));
}

static int admitted(struct fixture *f, struct pool_request *r, int n)
{
    int in = 0;

    for (int i = 0; i < n; i++) {
        r[i] = request_of((uint64_t)i + 100);
        in += arrive(f, &r[i]) == POOL_ADMIT;
    }
    return in;
}

Test(succession, places_of_the_old_one_are_not_given_away)
{
    struct pool_request r[4], more[4];

    start_with(4);
    hand_over(r, 3);
    cr_assert_eq(admitted(&new, more, 4), 1);
}

Test(succession, the_old_one_keeps_to_its_places)
{
    struct pool_request r[4], more[2];

    start_with(4);
    hand_over(r, 3);
    cr_assert_eq(admitted(&old, more, 2), 0);
    end_ok(&old, &r[0]);
    cr_assert_eq((more[0].state == REQUEST_SENT) + (more[1].state == REQUEST_SENT), 1,
                 "one that waits has the place of one that ended");
}

Test(succession, a_place_goes_over_when_nobody_needs_it_any_more)
{
    struct pool_request r[4], more[4], late;

    start_with(4);
    hand_over(r, 4);
    cr_assert_eq(admitted(&new, more, 1), 0);
    cr_assert_eq(pool_give_places(old.pool, 0, false), 0);
    end_ok(&old, &r[0]);
    cr_assert_eq(pool_give_places(old.pool, 0, false), 1);
    late = request_of(50);
    cr_assert_eq(arrive(&old, &late), POOL_WAIT, "what was given is gone");
    pool_end_elsewhere(new.pool, 0, 1, new.now_ns);
    cr_assert_eq(more[0].state, REQUEST_SENT);
    cr_assert_eq(new.pool->upstream[0].inflight + new.pool->upstream[0].elsewhere, 4);
}

Test(succession, no_place_goes_over_while_somebody_waits)
{
    struct pool_request r[4], more[2];

    start_with(4);
    hand_over(r, 3);
    (void)admitted(&old, more, 2);
    end_ok(&old, &r[0]);
    end_ok(&old, &r[1]);
    cr_assert_eq(pool_give_places(old.pool, 0, false), 0, "both are used again");
    cr_assert_eq(more[1].state, REQUEST_SENT);
}

Test(succession, who_waits_in_the_old_one_is_lent_a_place)
{
    struct pool_request r[1], late = request_of(50), mine[4];

    start_with(2);
    hand_over(r, 1);
    cr_assert_eq(arrive(&old, &late), POOL_WAIT);
    cr_assert_eq(pool_wants_places(old.pool), 1);
    cr_assert_eq(pool_lend_place(new.pool, new.now_ns), 0);
    cr_assert_eq(pool_lend_place(new.pool, new.now_ns), -1, "there are two in all");
    pool_take_places(old.pool, 0, 1, old.now_ns);
    cr_assert_eq(late.state, REQUEST_SENT);
    cr_assert_eq(pool_wants_places(old.pool), 0);
    cr_assert_eq(admitted(&new, mine, 2), 0);
}

Test(succession, a_part_is_kept_for_who_asks_once_more)
{
    struct pool_request r[2], again = request_of(50);

    start_with(32);
    hand_over(r, 2);
    cr_assert_eq(pool_places(old.pool, 0), 2 + 4);
    cr_assert_eq(arrive(&old, &again), POOL_ADMIT);
    end_ok(&old, &again);
    cr_assert_eq(pool_give_places(old.pool, 0, false), 0);
    cr_assert_eq(pool_give_places(old.pool, 0, true), 4, "at the end it goes, too");
}

Test(succession, a_handover_that_did_not_happen_leaves_nothing)
{
    struct pool_request r[1], more[3];

    start_with(4);
    hand_over(r, 1);
    cr_assert_eq(admitted(&old, more, 1), 0);
    pool_take_back(old.pool, old.now_ns);
    cr_assert_eq(more[0].state, REQUEST_SENT, "who waited for a place has it");
    cr_assert_eq(admitted(&old, more + 1, 2), 2);
}

Test(succession, a_shut_upstream_lends_nothing)
{
    start_with(4);
    order(&new, OPERATOR_BREAKER_OPEN, 0, 0);
    cr_assert_eq(pool_lend_place(new.pool, new.now_ns), -1);
}

Test(succession, more_than_there_are_cannot_end)
{
    struct pool_request more[8];

    start_with(4);
    pool_add_elsewhere(new.pool, 0, 2);
    pool_end_elsewhere(new.pool, 0, UINT32_MAX, new.now_ns);
    cr_assert_eq(admitted(&new, more, 8), 4);
}
