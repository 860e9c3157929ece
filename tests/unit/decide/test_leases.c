/* SPDX-License-Identifier: Apache-2.0 */
/* Leases over a fleet: what a node tells and asks, and whom the answers put first. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fixture.h"
#include "weir/decide/pool_leases.h"

static struct fixture f;
static struct lease_share *s;

static void start(void)
{
    fixture_init(&f);
    s = calloc(1, sizeof *s);
    cr_assert_not_null(s);
}

static void stop(void)
{
    if (f.pool != NULL)
        fixture_stop(&f);
    free(s);
}

TestSuite(leases, .init = start, .fini = stop);

/* --- what is told */

static size_t told(struct lease_slot *out)
{
    size_t n = lease_share_tell(s, out, LEASE_SHARE_TOLD);

    lease_share_done(s);
    return n;
}

Test(leases, a_user_is_told_once_a_minute)
{
    struct lease_slot out[LEASE_SHARE_TOLD];

    lease_share_given(s, 5, S(600), S(1000));
    lease_share_given(s, 5, S(600), S(1001));
    cr_assert_eq(told(out), 1);
    cr_assert_eq(out[0].user, 5);
    cr_assert_eq(out[0].until_ns, S(1600));
    lease_share_given(s, 5, S(600), S(1059));
    cr_assert_eq(told(out), 0);
    lease_share_given(s, 5, S(600), S(1060));
    cr_assert_eq(told(out), 1);
    cr_assert_eq(out[0].until_ns, S(1660));
}

Test(leases, a_short_lease_is_told_more_often)
{
    struct lease_slot out[LEASE_SHARE_TOLD];

    lease_share_given(s, 5, S(20), S(1000));
    cr_assert_eq(told(out), 1);
    lease_share_given(s, 5, S(20), S(1002));
    cr_assert_eq(told(out), 1, "else it would be over elsewhere while it lasts here");
}

Test(leases, what_a_lost_call_told_is_told_again)
{
    struct lease_slot out[LEASE_SHARE_TOLD];

    lease_share_given(s, 5, S(600), S(1000));
    cr_assert_eq(lease_share_tell(s, out, LEASE_SHARE_TOLD), 1);
    lease_share_lost(s);
    lease_share_given(s, 6, S(600), S(1000));
    cr_assert_eq(told(out), 2);
    cr_assert_eq(out[0].user, 5);
    cr_assert_eq(out[1].user, 6);
    cr_assert_eq(told(out), 0);
}

Test(leases, while_nobody_listens_the_oldest_are_forgotten)
{
    struct lease_slot out[LEASE_SHARE_TOLD];
    uint64_t user = 1;

    for (; user <= LEASE_SHARE_GIVEN; user++)
        lease_share_given(s, user, S(600), S(1000));
    cr_assert_eq(lease_share_tell(s, out, 10), 10);
    for (int i = 0; i < 4; i++, user++) /* while the call is under way */
        lease_share_given(s, user, S(600), S(1000));
    lease_share_done(s);
    cr_assert_eq(s->given_n, LEASE_SHARE_GIVEN - 6);
    cr_assert_eq(told(out), LEASE_SHARE_TOLD);
    cr_assert_eq(out[0].user, 11, "neither one that was told nor one that was not is skipped");
}

Test(leases, all_nodes_together_say_so_many_a_second)
{
    struct lease_rooms few = lease_share_rooms(4, MS(250));

    cr_assert_eq(few.tell, LEASE_SHARE_TOLD);
    cr_assert_eq(few.ask, LEASE_SHARE_ASKED);
    few = lease_share_rooms(4, UINT64_MAX / 2);
    cr_assert_eq(few.tell, LEASE_SHARE_TOLD);
    for (uint32_t nodes = 100; nodes <= 1000; nodes += 100) {
        struct lease_rooms r = lease_share_rooms(nodes, MS(100));
        cr_assert_leq(10 * r.tell * nodes, 25000);
        cr_assert_leq(10 * r.ask * nodes, 50000);
        cr_assert_geq(lease_share_rooms(nodes, 0).tell, 1);
    }
}

/* --- a pool */

static struct pool_request full[4];

static void start_full(void)
{
    f.max_streams[0] = 4;
    fixture_start(&f, 1);
    pool_leases_attach(f.pool, s);
    for (int i = 0; i < 4; i++) {
        full[i] = request_of(0);
        cr_assert_eq(arrive(&f, &full[i]), POOL_ADMIT);
        first(&f, &full[i]);
    }
}

static struct pool_request waiting(uint64_t user, enum request_class class)
{
    struct pool_request r = request_of(user);

    r.class = class;
    return r;
}

static size_t asked(uint64_t *out)
{
    return pool_leases_ask(f.pool, out, LEASE_SHARE_ASKED);
}

Test(leases, a_completed_turn_is_told_and_no_other)
{
    struct lease_slot out[LEASE_SHARE_TOLD];
    struct pool_request r = request_of(5);

    fixture_start(&f, 1);
    pool_leases_attach(f.pool, s);
    arrive(&f, &r);
    first(&f, &r);
    end_ok(&f, &r);
    r = request_of(6);
    arrive(&f, &r);
    first(&f, &r);
    end_as(&f, &r, OUTCOME_FAILED, 200);
    r = request_of(0);
    arrive(&f, &r);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert_eq(pool_leases_tell(f.pool, out, LEASE_SHARE_TOLD), 1);
    cr_assert_eq(out[0].user, 5);
    cr_assert_eq(out[0].until_ns, f.now_ns + f.conf.lease_ns);
}

Test(leases, who_has_one_elsewhere_is_served_before_strangers)
{
    struct pool_request r[3];
    uint64_t out[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED] = {0, S(60), 0};

    start_full();
    for (int i = 0; i < 3; i++) {
        r[i] = waiting(11 + (uint64_t)i, CLASS_INTERACTIVE);
        cr_assert_eq(arrive(&f, &r[i]), POOL_WAIT);
    }
    cr_assert_eq(asked(out), 3);
    cr_assert_eq(out[0], 13);
    cr_assert_eq(out[1], 12);
    pool_leases_answer(f.pool, left_ns, f.now_ns);
    cr_assert_null(pool_next_woken(f.pool));
    end_ok(&f, &full[0]);
    cr_assert_eq(pool_next_woken(f.pool), &r[1], "neither the oldest nor the newest");
    end_ok(&f, &full[1]);
    cr_assert_eq(pool_next_woken(f.pool), &r[2]);
    cr_assert(lease_is_in_force(&f.pool->leases, 12, f.now_ns + S(59)));
    cr_assert(!lease_is_in_force(&f.pool->leases, 12, f.now_ns + S(60)));
}

Test(leases, those_with_one_stand_among_each_other_by_their_arrival)
{
    struct pool_request r[3];
    uint64_t out[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED] = {S(60), S(60)};

    start_full();
    lease_renew(&f.pool->leases, 12, f.now_ns + S(60));
    for (int i = 0; i < 3; i++) {
        r[i] = waiting(11 + (uint64_t)i, CLASS_PAID);
        cr_assert_eq(arrive(&f, &r[i]), POOL_WAIT);
        f.now_ns += MS(10);
    }
    cr_assert_eq(asked(out), 2, "of 12 it is known");
    pool_leases_answer(f.pool, left_ns, f.now_ns);
    cr_assert_eq(queue_oldest(&f.pool->queue, 1), &r[0], "the first that has waited enough");
    for (int i = 0; i < 3; i++) {
        end_ok(&f, &full[i]);
        cr_assert_eq(pool_next_woken(f.pool), &r[2 - i]);
    }
}

Test(leases, who_still_waits_is_asked_for_again_and_without_need_for_a_call)
{
    struct pool_request r = waiting(11, CLASS_INTERACTIVE);
    uint64_t out[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED] = {0};

    start_full();
    cr_assert(!pool_lease_wants(f.pool));
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    cr_assert(pool_lease_wants(f.pool));
    cr_assert_eq(asked(out), 1);
    cr_assert(!pool_lease_wants(f.pool));
    pool_leases_no_answer(f.pool);
    cr_assert_eq(asked(out), 1, "the turn may have ended elsewhere just now");
    cr_assert_eq(out[0], 11);
    pool_leases_answer(f.pool, left_ns, f.now_ns);
    pool_leave(f.pool, &r, f.now_ns);
    cr_assert_eq(asked(out), 0);
}

Test(leases, the_newest_are_asked_for_and_each_user_once)
{
    static struct pool_request r[LEASE_SHARE_ASKED + 40];
    uint64_t out[LEASE_SHARE_ASKED];

    f.conf.queue.max_length = 1000;
    f.conf.users.fair_share = 1;
    start_full();
    for (size_t i = 0; i < LEASE_SHARE_ASKED + 40; i++) {
        r[i] = waiting(i < LEASE_SHARE_ASKED + 20 ? 100 + i : 5, CLASS_INTERACTIVE);
        cr_assert_eq(arrive(&f, &r[i]), POOL_WAIT);
    }
    cr_assert_eq(pool_leases_ask(f.pool, out, 10), 10);
    cr_assert_eq(out[0], 5);
    for (size_t i = 1; i < 10; i++)
        cr_assert_eq(out[i], 100 + LEASE_SHARE_ASKED + 20 - i);
    pool_leases_no_answer(f.pool);
    cr_assert_eq(asked(out), LEASE_SHARE_ASKED);
}

Test(leases, an_answer_for_one_who_left_changes_nothing)
{
    struct pool_request r = waiting(11, CLASS_INTERACTIVE);
    uint64_t out[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED] = {S(60)};

    start_full();
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    cr_assert_eq(asked(out), 1);
    pool_leave(f.pool, &r, f.now_ns);
    pool_leases_answer(f.pool, left_ns, f.now_ns);
    cr_assert_eq(f.pool->queue.length, 0);
}

Test(leases, what_comes_in_lasts_no_longer_than_an_own_one)
{
    struct pool_request r = waiting(11, CLASS_INTERACTIVE);
    uint64_t out[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED] = {UINT64_MAX};

    start_full();
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    cr_assert_eq(asked(out), 1);
    pool_leases_answer(f.pool, left_ns, f.now_ns);
    cr_assert(!lease_is_in_force(&f.pool->leases, 11, f.now_ns + f.conf.lease_ns));
}

Test(leases, nobody_is_asked_about_for_whom_it_changes_nothing)
{
    struct pool_request r[3];
    uint64_t out[LEASE_SHARE_ASKED];

    f.conf.queue.batch_wait_ns = S(1);
    start_full();
    lease_renew(&f.pool->leases, 12, f.now_ns + S(60));
    r[0] = waiting(11, CLASS_BATCH);
    r[1] = waiting(12, CLASS_INTERACTIVE);
    r[2] = waiting(0, CLASS_INTERACTIVE);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(arrive(&f, &r[i]), POOL_WAIT);
    cr_assert_eq(asked(out), 0);
}

Test(leases, without_leases_in_the_settings_none_are_told_or_asked)
{
    struct pool_request r = waiting(11, CLASS_INTERACTIVE);
    struct lease_slot out[LEASE_SHARE_TOLD];
    uint64_t users[LEASE_SHARE_ASKED];

    f.conf.lease_ns = 0;
    start_full();
    cr_assert_eq(arrive(&f, &r), POOL_WAIT);
    cr_assert_eq(asked(users), 0);
    end_ok(&f, &full[0]);
    cr_assert_eq(pool_next_woken(f.pool), &r);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert_eq(pool_leases_tell(f.pool, out, LEASE_SHARE_TOLD), 0);
}

Test(leases, a_pool_of_no_fleet_keeps_its_own)
{
    struct pool_request r = request_of(5);
    struct lease_slot out[LEASE_SHARE_TOLD];
    uint64_t users[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED] = {0};

    fixture_start(&f, 1);
    arrive(&f, &r);
    first(&f, &r);
    end_ok(&f, &r);
    cr_assert(lease_is_in_force(&f.pool->leases, 5, f.now_ns));
    cr_assert_eq(pool_leases_tell(f.pool, out, LEASE_SHARE_TOLD), 0);
    cr_assert_eq(asked(users), 0);
    pool_leases_answer(f.pool, left_ns, f.now_ns);
    pool_leases_no_answer(f.pool);
}
