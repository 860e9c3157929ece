/* SPDX-License-Identifier: Apache-2.0 */
/* One prediction for the fleet: what nodes tell of theirs, and what the leader makes of it. */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"
#include "weir/decide/fleet_expect.h"
#include "weir/decide/pool_fleet.h"

enum { NODES = 4, AT = 6 }; /* a size class */

static struct predict copy[NODES];
static struct fleet_record record[NODES], before[NODES];
static struct fleet_expect told[NODES];
static struct fleet_taught taught;
static struct fleet_plan plan;
static bool heard[NODES];

static void start(void)
{
    memset(record, 0, sizeof record);
    memset(told, 0, sizeof told);
    memset(heard, 0, sizeof heard);
    memset(&taught, 0, sizeof taught);
    memset(&plan, 0, sizeof plan);
    for (int i = 0; i < NODES; i++)
        predict_init(&copy[i]);
}

TestSuite(fleet_expect, .init = start);

static void tell(int i)
{
    fleet_expect_tell(&copy[i], &record[i].expect);
    told[i] = record[i].expect;
}

/* The leader reads what was told last, and says what it makes of it. */
static void lead(void)
{
    uint32_t learnt = 0;

    for (int i = 0; i < NODES; i++) {
        fleet_taught_note(&taught, heard[i] ? &before[i] : NULL, &record[i]);
        before[i] = record[i];
        heard[i] = true;
        learnt += record[i].expect.learnt;
    }
    fleet_taught_tick(&taught);
    fleet_taught_say(&taught, ++plan.epoch, learnt, &plan.expect);
}

static void follow(int i)
{
    fleet_expect_follow(&copy[i], &told[i], &plan.expect);
    record[i].epoch = plan.epoch;
}

static void period(void)
{
    for (int i = 0; i < NODES; i++)
        tell(i);
    lead();
    for (int i = 0; i < NODES; i++)
        follow(i);
}

static void all_know(double base_s)
{
    copy[0].base_s[AT] = base_s;
    period();
    period();
    for (int i = 0; i < NODES; i++)
        cr_assert_float_eq(copy[i].base_s[AT], base_s, 1e-9);
}

Test(fleet_expect, who_knows_nothing_takes_the_fleets)
{
    all_know(0.2);
    cr_assert_lt(copy[1].base_s[AT + 1], 0, "what nobody knows stays unknown");
}

Test(fleet_expect, of_nodes_that_begin_at_once_the_quickest_is_right)
{
    copy[0].base_s[AT] = 9; /* it stood behind the others' */
    copy[1].base_s[AT] = 0.2;
    copy[2].base_s[AT] = 4;
    period();
    for (int i = 0; i < NODES; i++)
        cr_assert_float_eq(copy[i].base_s[AT], 0.2, 1e-9);
}

Test(fleet_expect, one_that_was_quicker_before_it_was_told_is_believed)
{
    copy[0].base_s[AT] = 4;
    tell(0);
    lead();
    copy[1].base_s[AT] = 0.2; /* after its record was written */
    follow(1);
    cr_assert_float_eq(copy[1].base_s[AT], 0.2, 1e-9);
    period();
    period();
    cr_assert_float_eq(copy[0].base_s[AT], 0.2, 1e-9);
}

Test(fleet_expect, what_all_copies_rose_by_adds_up_to_the_highest)
{
    all_know(1);
    copy[0].base_s[AT] += 0.03;
    copy[1].base_s[AT] += 0.02;
    period();
    cr_assert_float_eq(copy[3].base_s[AT], 1.03, 1e-9);
    for (int n = 0; n < 10; n++) {
        copy[n % NODES].base_s[AT] += 0.03;
        period();
    }
    period();
    cr_assert_float_eq(copy[3].base_s[AT], 1.33, 1e-9);
}

Test(fleet_expect, and_what_they_fell_by_to_the_lowest)
{
    all_know(1);
    copy[0].base_s[AT] = 0.7;
    copy[1].base_s[AT] = 0.8;
    period();
    cr_assert_float_eq(copy[3].base_s[AT], 0.7, 1e-9);
}

Test(fleet_expect, a_record_read_twice_moves_nothing)
{
    all_know(1);
    copy[0].base_s[AT] = 1.1;
    tell(0);
    for (int n = 0; n < 5; n++)
        lead();
    cr_assert_float_eq(plan.expect.base_s[AT], 1.1, 1e-9);
}

Test(fleet_expect, what_moved_since_the_record_is_kept_beside_a_plan)
{
    all_know(1);
    copy[0].base_s[AT] += 0.05;
    tell(0);
    copy[0].base_s[AT] += 0.01; /* while the call is under way */
    lead();
    follow(0);
    cr_assert_float_eq(copy[0].base_s[AT], 1.06, 1e-9);
    period();
    period();
    cr_assert_float_eq(copy[2].base_s[AT], 1.06, 1e-9);
}

Test(fleet_expect, a_node_that_goes_by_an_old_plan_moves_nothing)
{
    all_know(1);
    for (int n = 0; n < FLEET_EXPECT_KEPT + 1; n++)
        lead();
    record[0].epoch = 1;
    record[0].expect.base_s[AT] = 0.1;
    lead();
    cr_assert_float_eq(plan.expect.base_s[AT], 1, 1e-9);
}

Test(fleet_expect, the_next_leader_goes_on_from_the_plan)
{
    all_know(1);
    memset(&taught, 0, sizeof taught);
    memset(heard, 0, sizeof heard);
    fleet_taught_restore(&taught, plan.epoch, &plan.expect);
    copy[2].base_s[AT] += 0.03;
    period();
    period();
    cr_assert_float_eq(copy[1].base_s[AT], 1.03, 1e-9);
}

Test(fleet_expect, the_spread_is_one_too)
{
    all_know(1);
    copy[0].spread_s = 2;
    period();
    cr_assert_float_eq(copy[3].spread_s, 2, 1e-9);
    copy[1].spread_s -= 0.1;
    period();
    period();
    cr_assert_float_eq(copy[3].spread_s, 1.9, 1e-9);
}

Test(fleet_expect, twelve_first_tokens_of_all_nodes_are_enough_to_judge_by)
{
    for (int i = 0; i < NODES; i++)
        copy[i].learnt = PREDICT_LEARN_MIN / NODES - 1;
    period();
    period();
    cr_assert(predict_is_learning(&copy[0]));
    copy[0].learnt += NODES;
    period();
    for (int i = 0; i < NODES; i++)
        cr_assert_not(predict_is_learning(&copy[i]));
}

Test(fleet_expect, whatever_is_told_stays_within_what_was_told)
{
    double least = 1, most = 1;
    uint64_t x = 5;

    all_know(1);
    for (int n = 0; n < 2000; n++) {
        double s;
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        s = 0.01 + (double)(x >> 40) / (1 << 20);
        copy[n % NODES].base_s[AT] = s;
        least = s < least ? s : least;
        most = s > most ? s : most;
        period();
        cr_assert(plan.expect.base_s[AT] >= least && plan.expect.base_s[AT] <= most);
    }
}

/* --- at a pool */

static struct fixture f;
static struct fleet_node node;

/* Joined, by a plan that knows nothing yet. */
static void join(void)
{
    struct fleet_ask ask;
    struct fleet_answer a = {20, {.nodes = 4, .held = 20, .used = 20, .rank = FLEET_NO_RANK}};

    plan = (struct fleet_plan){.epoch = 1, .total = 40, .share = 1, .nodes = 4};
    plan.limits = (struct fleet_limits){.streams = 40, .pending = 40, .gain = 1};
    fixture_init(&f);
    fixture_start(&f, 1);
    fleet_node_init(&node, 77, 4, f.now_ns);
    pool_fleet_attach(f.pool, &node, f.now_ns);
    pool_fleet_share(f.pool, 0, true, f.now_ns);
    pool_fleet_ask(f.pool, 0, &ask, f.now_ns);
    pool_fleet_answer(f.pool, 0, &a, f.now_ns);
    pool_fleet_apply(f.pool, 0, &plan, f.now_ns);
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_JOINED);
}

static void next_plan(unsigned class, double base_s)
{
    plan.epoch++;
    plan.expect.learnt = PREDICT_LEARN_MIN;
    plan.expect.base_s[class] = base_s;
    pool_fleet_apply(f.pool, 0, &plan, f.now_ns);
}

static const struct predict *known(void)
{
    return &f.pool->upstream[0].learnt[KIND_GENERATION].predict;
}

Test(fleet_expect, what_another_node_learnt_sets_the_deadline_of_what_was_sent)
{
    struct pool_request r = request_of(0);

    join();
    cr_assert_eq(arrive(&f, &r), POOL_ADMIT);
    pass(&f, S(2));
    cr_assert_eq(r.late_ns, r.sent_ns + S(10), "nothing is known here");
    next_plan(predict_class(r.bytes), 0.2);
    cr_assert_lt(r.late_ns, r.sent_ns + S(1));
    cr_assert_not(predict_is_learning(known()));
    fixture_stop(&f);
}

Test(fleet_expect, what_the_fleet_knows_stays_known_alone)
{
    join();
    next_plan(8, 0.2);
    pass(&f, S(4));
    cr_assert_eq(pool_fleet_state(f.pool), FLEET_ALONE);
    cr_assert_float_eq(predict_s(known(), 1024, false), 0.2, 1e-9);
    fixture_stop(&f);
}
