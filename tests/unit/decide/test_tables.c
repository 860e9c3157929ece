/* SPDX-License-Identifier: Apache-2.0 */
/* The small tables: queue, leases, users, appointments, budget, events. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fixture.h"
#include "weir/decide/appoint.h"

static struct pool_request waiting(int rank, uint64_t arrival_ns, uint64_t expires_ns)
{
    struct pool_request r = {.class = CLASS_INTERACTIVE,
                             .rank = rank,
                             .arrival_ns = arrival_ns,
                             .expires_ns = expires_ns};
    return r;
}

Test(queue, gives_the_newest_of_a_rank_first)
{
    struct queue q;
    struct pool_request a = waiting(4, 1, 11), b = waiting(4, 2, 12);

    queue_init(&q);
    queue_push(&q, &a);
    queue_push(&q, &b);
    cr_assert_eq(q.rank[4].next, &b.node);
    cr_assert_eq(queue_oldest(&q, 4), &a);
    cr_assert_null(queue_oldest(&q, 3));
}

Test(queue, knows_who_waits_at_this_rank_or_a_better_one)
{
    struct queue q;
    struct pool_request a = waiting(3, 1, 11);

    queue_init(&q);
    queue_push(&q, &a);
    cr_assert(!queue_waits(&q, 2));
    cr_assert(queue_waits(&q, 3));
    cr_assert(queue_waits(&q, 5));
}

Test(queue, finds_what_has_expired_in_any_rank)
{
    struct queue q;
    struct pool_request a = waiting(4, 1, 11), b = waiting(5, 2, 6);

    queue_init(&q);
    queue_push(&q, &a);
    queue_push(&q, &b);
    cr_assert_null(queue_expired(&q, true, 5));
    cr_assert_eq(queue_expired(&q, false, 6), &b);
    cr_assert_eq(queue_next_expiry(&q), 6);
    queue_remove(&q, &b);
    cr_assert_null(queue_expired(&q, true, 6));
    cr_assert_eq(queue_next_expiry(&q), 11);
}

Test(queue, finds_a_deadline_in_the_middle_when_asked_for_all)
{
    struct queue q;
    struct pool_request a = waiting(4, 1, 11), b = waiting(4, 2, 5), c = waiting(4, 3, 13);

    b.deadline_ns = 5;
    queue_init(&q);
    queue_push(&q, &a);
    queue_push(&q, &b);
    queue_push(&q, &c);
    cr_assert_null(queue_expired(&q, false, 7));
    cr_assert_eq(queue_expired(&q, true, 7), &b);
}

Test(queue, counts_by_class)
{
    struct queue q;
    struct pool_request a = waiting(4, 1, 11), b = waiting(5, 2, 12);

    b.class = CLASS_BATCH;
    queue_init(&q);
    queue_push(&q, &a);
    queue_push(&q, &b);
    cr_assert_eq(q.length, 2);
    cr_assert_eq(q.by_class[CLASS_INTERACTIVE], 1);
    cr_assert_eq(q.by_class[CLASS_BATCH], 1);
    cr_assert_eq(queue_oldest_arrival(&q), 1);
    queue_remove(&q, &a);
    cr_assert_eq(q.length, 1);
    cr_assert_eq(q.by_class[CLASS_INTERACTIVE], 0);
}

Test(lease, lasts_until_its_end)
{
    struct leases *t = calloc(1, sizeof *t);

    cr_assert(!lease_is_in_force(t, 5, S(1)));
    lease_renew(t, 5, S(600));
    cr_assert(lease_is_in_force(t, 5, S(599)));
    cr_assert(!lease_is_in_force(t, 5, S(600)));
    cr_assert(!lease_is_in_force(t, 6, S(1)));
    free(t);
}

Test(lease, is_for_nobody_when_the_user_is_unknown)
{
    struct leases *t = calloc(1, sizeof *t);

    cr_assert(!lease_is_in_force(t, 0, 0));
    free(t);
}

Test(lease, overwrites_the_oldest_of_its_group)
{
    struct leases *t = calloc(1, sizeof *t);

    for (uint64_t i = 0; i <= LEASE_GROUP; i++) /* one more than a group holds, same group */
        lease_renew(t, (i + 1) * LEASE_SLOTS, S(100 + i));
    cr_assert(!lease_is_in_force(t, LEASE_SLOTS, S(1)));
    for (uint64_t i = 1; i <= LEASE_GROUP; i++)
        cr_assert(lease_is_in_force(t, (i + 1) * LEASE_SLOTS, S(1)));
    free(t);
}

Test(users, remembers_what_somebody_holds)
{
    struct users *t = calloc(1, sizeof *t);
    struct user_slot *u = users_arrived(t, 9, S(1));

    u->places = 3;
    cr_assert_eq(users_arrived(t, 9, S(2)), u);
    cr_assert_eq(users_find(t, 9)->places, 3);
    cr_assert_null(users_find(t, 10));
    cr_assert_null(users_arrived(t, 0, S(2)));
    free(t);
}

Test(users, counts_who_holds_something_however_long_ago_it_came)
{
    struct users *t = calloc(1, sizeof *t);

    for (uint64_t i = 1; i <= 3; i++)
        user_takes_place(t, users_arrived(t, i, S(100)));
    user_takes_place(t, users_find(t, 1));
    cr_assert_eq(users_recent(t, S(500)), 3);
    user_gives_place(t, users_find(t, 1));
    cr_assert_eq(users_recent(t, S(500)), 3, "it holds another");
    user_gives_place(t, users_find(t, 1));
    cr_assert_eq(users_recent(t, S(500)), 2);
    free(t);
}

Test(users, never_gives_away_a_slot_that_holds_places)
{
    struct users *t = calloc(1, sizeof *t);

    for (uint64_t i = 0; i < USERS_GROUP; i++)
        users_arrived(t, (i + 1) * USERS_SLOTS, S(i))->places = 1;
    cr_assert_null(users_arrived(t, 100 * USERS_SLOTS, S(50)));
    users_find(t, 3 * USERS_SLOTS)->places = 0;
    cr_assert_not_null(users_arrived(t, 100 * USERS_SLOTS, S(50)));
    cr_assert_null(users_find(t, 3 * USERS_SLOTS));
    free(t);
}

Test(users, counts_who_came_lately)
{
    struct users *t = calloc(1, sizeof *t);

    for (uint64_t i = 1; i <= 5; i++)
        users_arrived(t, i, S(100));
    users_arrived(t, 1, S(101));
    cr_assert_eq(users_recent(t, S(105)), 5);
    users_arrived(t, 1, S(111));
    cr_assert_eq(users_recent(t, S(112)), 5, "the last round still counts");
    users_arrived(t, 1, S(122));
    cr_assert_eq(users_recent(t, S(123)), 1);
    cr_assert_eq(users_recent(t, S(500)), 0);
    free(t);
}

Test(appoint, tells_the_first_a_second_and_its_turn)
{
    struct random c = {3};
    uint64_t end = 0;
    uint32_t ms = appoint_next(&end, &c, 2, 0, S(100));

    cr_assert(ms >= 1350 && ms <= 1650, "%u", ms);
}

Test(appoint, spreads_a_crowd_at_the_rate_of_the_pool)
{
    struct random c = {3};
    uint64_t end = 0;
    uint32_t seconds[60] = {0};

    for (int i = 0; i < 100; i++)
        seconds[appoint_next(&end, &c, 5, 0, S(100)) / 1000]++;
    for (int s = 3; s < 18; s++) /* 5 a second, from the first second to the 21st, jittered */
        cr_assert(seconds[s] >= 2 && seconds[s] <= 8, "%u in second %d", seconds[s], s);
    cr_assert_eq(end, S(121));
}

Test(appoint, stays_between_1_and_59_seconds)
{
    struct random c = {3};
    uint64_t end = 0;

    for (int i = 0; i < 10000; i++) {
        uint32_t ms = appoint_next(&end, &c, i % 2 ? 0 : 1000, S(i % 200), S(100));
        cr_assert(ms >= 1000 && ms <= 59000);
        cr_assert(end <= S(220));
    }
}

Test(appoint, waits_for_the_end_of_the_outage)
{
    struct random c = {3};
    uint64_t end = 0;
    uint32_t ms = appoint_next(&end, &c, 10, S(120), S(100));

    cr_assert(ms >= 18000 && ms <= 22200, "%u", ms);
}

Test(appoint, spreads_those_beyond_a_minute_over_half_a_minute)
{
    struct random c = {3};
    uint64_t end = S(300);
    uint32_t low = UINT32_MAX, high = 0;

    for (int i = 0; i < 1000; i++) {
        uint32_t ms = appoint_next(&end, &c, 10, 0, S(100));
        low = ms < low ? ms : low;
        high = ms > high ? ms : high;
    }
    cr_assert(low >= 27000 && low < 32000);
    cr_assert(high > 56000 && high <= 59000);
}

Test(appoint, says_30_to_59_seconds_for_a_state_that_lasts)
{
    struct random c = {3};

    for (int i = 0; i < 1000; i++) {
        uint32_t ms = appoint_late(&c);
        cr_assert(ms >= 30000 && ms <= 59000);
    }
}

Test(appoint, remembers_who_is_due)
{
    struct appointed a = {0};

    appointed_note(&a, 3000, S(100));
    appointed_note(&a, 5000, S(100));
    appointed_note(&a, 59000, S(100));
    cr_assert_eq(appointed_lately(&a, S(100)), 0);
    cr_assert_eq(appointed_lately(&a, S(104)), 2);
    cr_assert_eq(appointed_lately(&a, S(114)), 1, "the first was due more than 10 s ago");
    cr_assert_eq(appointed_lately(&a, S(160)), 1);
    cr_assert_eq(appointed_lately(&a, S(1000)), 0);
}

Test(budget, pays_ten_and_then_a_tenth_of_first_attempts)
{
    struct retry_conf conf = {.budget = 0.1, .burst = 10};
    struct budget b;
    int paid = 0;

    budget_init(&b, &conf);
    while (budget_pay(&b))
        paid++;
    cr_assert_eq(paid, 10);
    for (int i = 0; i < 1000; i++) {
        budget_earn(&b, &conf);
        paid += budget_pay(&b);
    }
    cr_assert(paid >= 109 && paid <= 110, "%d", paid);
}

Test(budget, saves_no_more_than_its_burst)
{
    struct retry_conf conf = {.budget = 0.1, .burst = 10};
    struct budget b;

    budget_init(&b, &conf);
    for (int i = 0; i < 1000; i++)
        budget_earn(&b, &conf);
    cr_assert_eq(b.tokens, 10);
}

Test(budget, can_save_for_one_without_a_burst)
{
    struct retry_conf conf = {.budget = 0.5, .burst = 0};
    struct budget b;

    budget_init(&b, &conf);
    cr_assert(!budget_pay(&b));
    budget_earn(&b, &conf);
    budget_earn(&b, &conf);
    cr_assert(budget_pay(&b));
}

Test(events, come_out_oldest_first)
{
    struct event_ring *r = calloc(1, sizeof *r);
    struct pool_event ev = {0};

    for (uint64_t i = 1; i <= 3; i++) {
        ev.at_ns = i;
        event_push(r, &ev);
    }
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert(event_take(r, &ev));
        cr_assert_eq(ev.at_ns, i);
    }
    cr_assert(!event_take(r, &ev));
    free(r);
}

Test(events, lose_the_oldest_when_nobody_takes_them)
{
    struct event_ring *r = calloc(1, sizeof *r);
    struct pool_event ev = {0};

    for (uint64_t i = 1; i <= EVENTS_MAX + 10; i++) {
        ev.at_ns = i;
        event_push(r, &ev);
    }
    cr_assert(event_take(r, &ev));
    cr_assert_eq(ev.at_ns, 11);
    free(r);
}
