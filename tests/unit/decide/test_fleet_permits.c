/* SPDX-License-Identifier: Apache-2.0 */
/* Permits: what a node may have in flight by what the others hold, want and are worth. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "weir/decide/fleet.h"
#include "weir/decide/limiter.h"
#include "weir/decide/num.h"

static const struct fleet_others alone = {.nodes = 1, .rank = FLEET_NO_RANK};

static struct fleet_ask ask_of(uint32_t used, uint32_t waiting, double weight)
{
    return (struct fleet_ask){
        .used = used, .waiting = waiting, .rank = 4, .weight = weight, .most = UINT32_MAX};
}

Test(permits, one_node_alone_gets_what_waits_and_a_half_of_what_is_left)
{
    struct fleet_ask a = ask_of(10, 6, 2);

    cr_assert_eq(fleet_permits(48, 48, &alone, &a), 10 + 19 + 6);
}

Test(permits, what_is_used_is_never_taken)
{
    struct fleet_others full = {.nodes = 4, .held = 48, .weight = 6, .better = 2};
    struct fleet_ask a = ask_of(10, 6, 2);

    cr_assert_eq(fleet_permits(48, 48, &full, &a), 10);
    cr_assert_eq(fleet_permits(0, 48, &full, &a), 10, "not even by an open breaker");
}

Test(permits, one_that_has_more_than_its_part_leaves_a_place_to_each_that_waits)
{
    struct fleet_others o = {.nodes = 4, .held = 30, .weight = 6, .equal = 3};
    struct fleet_ask a = ask_of(14, 9, 2); /* its part is 12 */

    cr_assert_eq(fleet_permits(48, 48, &o, &a), 14 + 1);
    a.used = 11; /* below its part nobody is before it, and one of four is spare */
    cr_assert_eq(fleet_permits(48, 48, &o, &a), 11 + 7);
}

Test(permits, one_place_is_left_to_each_that_waits_with_precedence)
{
    struct fleet_others o = {.nodes = 4, .held = 36, .weight = 6, .better = 2};
    struct fleet_ask a = ask_of(8, 9, 2);

    cr_assert_eq(fleet_permits(48, 48, &o, &a), 8 + 2);
}

Test(permits, what_waits_is_let_in_no_faster_than_first_tokens_come)
{
    struct fleet_others o = {.nodes = 4, .held = 0, .pending = 3, .weight = 6};
    struct fleet_ask a = ask_of(4, 9, 0);

    a.pending = 1;
    cr_assert_eq(fleet_permits(48, 5.5, &o, &a), 4 + 2);
}

/* A spare one each: what the others hold unused leaves this node one, too, while half is free. */
Test(permits, each_node_has_a_spare_one_while_there_is_one_for_every_node)
{
    struct fleet_others o = {.nodes = 4, .held = 9, .used = 6, .weight = 3, .rank = FLEET_NO_RANK};
    struct fleet_ask a = ask_of(2, 0, 1);

    cr_assert_eq(fleet_permits(48, 4, &o, &a), 2 + 1, "the fourth of four");
    o.held++;
    cr_assert_eq(fleet_permits(48, 4, &o, &a), 2, "no more than P without a first token");
    o.held--;
    cr_assert_eq(fleet_permits(18, 4, &o, &a), 2, "less than half is free");
}

Test(permits, a_node_that_comes_back_takes_no_more_than_it_carried)
{
    struct fleet_ask a = ask_of(4, 30, 1);

    a.most = 9;
    cr_assert_eq(fleet_permits(48, 48, &alone, &a), 9);
    a.most = 2;
    cr_assert_eq(fleet_permits(48, 48, &alone, &a), 4);
}

/* N nodes that ask in any order, with any load: the sum is never above the total. */
Test(permits, the_sum_over_all_nodes_is_within_the_total)
{
    enum { NODES = 7 };
    struct random dice = {11};
    uint32_t held[NODES] = {0}, used[NODES] = {0}, waiting[NODES] = {0};
    double weight[NODES];

    for (int i = 0; i < NODES; i++)
        weight[i] = random_between(&dice, 0, 5);
    for (int n = 0; n < 20000; n++) {
        size_t who = (size_t)random_between(&dice, 0, NODES);
        uint32_t total = 13, sum = 0;
        struct fleet_others o = {.nodes = NODES, .rank = FLEET_NO_RANK};
        struct fleet_ask a;
        used[who] = (uint32_t)random_between(&dice, 0, held[who] + 1.0);
        waiting[who] = (uint32_t)random_between(&dice, 0, 4);
        a = ask_of(used[who], waiting[who], weight[who]);
        for (size_t i = 0; i < NODES; i++) {
            if (i == who)
                continue;
            o.held += held[i];
            o.weight += weight[i];
            o.equal += waiting[i] > 0;
        }
        held[who] = fleet_permits(total, 64, &o, &a);
        for (size_t i = 0; i < NODES; i++)
            sum += held[i];
        cr_assert_leq(sum, total);
        cr_assert_geq(held[who], used[who]);
    }
}

Test(permits, nothing_of_a_stranger_makes_them_more_than_the_total)
{
    const double strange[] = {0, -1, 1e300, (double)INFINITY, (double)NAN};

    for (size_t i = 0; i < 5; i++) {
        struct fleet_others o = {.nodes = 0, .weight = strange[i], .held = 3, .rank = -7};
        struct fleet_ask a = ask_of(2, 100, 1);
        fleet_others_mend(&o);
        cr_assert_leq(fleet_permits(20, 9, &o, &a), 17);
        cr_assert_geq(fleet_permits(20, 9, &o, &a), 2);
    }
}

Test(permits, where_p_binds_who_has_more_than_its_part_leaves_what_opens_to_others)
{
    /* of 4,096 places 165 are in use: there are 14 for each of 16 nodes, not 256 */
    struct fleet_others o = {
        .held = 145, .used = 145, .pending = 9, .weight = 15, .equal = 15, .nodes = 16, .rank = 1};
    struct fleet_ask a = ask_of(20, 5, 1);

    cr_assert_eq(fleet_permits(4096, 11, &o, &a), 20);
    o.held = o.used = 160;
    a = ask_of(5, 5, 1);
    cr_assert_eq(fleet_permits(4096, 11, &o, &a), 5 + 2);
}

Test(fleet_rows, a_record_full_of_anything_is_put_into_its_ranges)
{
    struct fleet_record r;
    size_t n;
    const struct fleet_row *rows = fleet_record_rows(&n);

    memset(&r, 0xff, sizeof r); /* not a number, and the largest of all */
    fleet_record_mend(&r, 48);
    for (size_t i = 0; i < n; i++)
        if (rows[i].form == FLEET_REAL) {
            double x;
            memcpy(&x, (const char *)&r + rows[i].at, sizeof x);
            cr_assert(x >= rows[i].least && x <= rows[i].most, "%s", rows[i].name);
        }
    cr_assert_leq(r.pending, r.used);
    cr_assert_leq(r.streams, r.used);
    cr_assert_leq(r.silence, FLEET_IN_PREFILL);
}

Test(fleet_rows, a_plan_full_of_anything_lifts_nobody_above_max_streams)
{
    struct fleet_plan p;

    memset(&p, 0xff, sizeof p);
    fleet_plan_mend(&p, 48);
    cr_assert_eq(p.total, 0, "its state is none that takes requests");
    p.state = BREAKER_CLOSED;
    p.total = 5000;
    p.limits.streams = p.limits.pending = 1e18;
    p.limits.gain = 0;
    p.limits.wait_marks = 77;
    fleet_plan_mend(&p, 48);
    cr_assert_eq(p.total, 48);
    cr_assert_float_eq(p.limits.streams, 48, 0);
    cr_assert_float_eq(p.limits.pending, 48, 0);
    cr_assert_float_eq(p.limits.gain, 1, 0);
    cr_assert_eq(p.limits.wait_marks, 32);
}

Test(fleet, a_sync_is_no_more_than_a_quarter_of_the_store)
{
    cr_assert_eq(fleet_period_ns(4, 2), 250 * NS_PER_MS);
    cr_assert_eq(fleet_period_ns(1000, 8), 380 * NS_PER_MS);
    cr_assert_eq(fleet_period_ns(1000, 64), 2 * NS_PER_S);
    cr_assert_eq(fleet_ask_gap_ns(4), 50 * NS_PER_MS);
    cr_assert_eq(fleet_ask_gap_ns(1000), 100 * NS_PER_MS);
    cr_assert_geq(fleet_leader_ttl_ns(1000, 64), 2 * fleet_period_ns(1000, 64));
}
