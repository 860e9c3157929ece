/* SPDX-License-Identifier: Apache-2.0 */
/* The leader of a fleet: one limiter and one breaker for what all nodes tell. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "weir/decide/fleet_leader.h"

enum { NODES = 4 };

static struct decide_conf conf;
static struct fleet_leader *leader;
static struct fleet_record record[NODES];
static struct fleet_plan plan;
static uint64_t now_ns, start[NODES];
static bool lives[NODES];

static void start_leader(void)
{
    size_t bytes = fleet_leader_bytes(NODES, 1);
    void *mem = aligned_alloc(64, bytes);

    cr_assert_not_null(mem);
    memset(mem, 0, bytes);
    conf = default_conf();
    now_ns = S(1000);
    leader = fleet_leader_init(mem, &conf, NODES, 1, 7, now_ns);
    fleet_leader_set_upstream(leader, 0, 1, 48, true, now_ns);
    memset(record, 0, sizeof record);
    for (uint64_t i = 0; i < NODES; i++) {
        start[i] = 100 + i;
        lives[i] = true;
    }
}

static void stop_leader(void)
{
    free(leader);
}

TestSuite(leader, .init = start_leader, .fini = stop_leader);

/* One period, in which every node that lives is read. */
static void period(void)
{
    now_ns += MS(250);
    for (uint64_t i = 0; i < NODES; i++) {
        const struct fleet_record *const records[] = {&record[i]};
        struct fleet_heard h = {i + 1, start[i], 0, records};
        if (lives[i])
            cr_assert(fleet_leader_hear(leader, &h, now_ns));
    }
    fleet_leader_tick(leader, &plan, now_ns);
}

static void periods(int n)
{
    while (n-- > 0)
        period();
}

/* So many seconds in which every node serves. */
static void serve(int seconds)
{
    for (int n = 0; n < 4 * seconds; n++) {
        for (int i = 0; i < NODES; i++) {
            record[i].on++;
            record[i].ok++;
            record[i].used = record[i].streams = 10;
        }
        period();
    }
}

Test(leader, begins_with_what_the_settings_allow)
{
    period();
    cr_assert_eq(plan.epoch, 1);
    cr_assert_eq(plan.state, BREAKER_CLOSED);
    cr_assert_eq(plan.total, 48);
    cr_assert_eq(plan.nodes, NODES);
}

Test(leader, what_was_counted_before_it_led_is_not_its_news)
{
    for (int i = 0; i < NODES; i++)
        record[i].failed = 1000;
    periods(20);
    cr_assert_eq(plan.state, BREAKER_CLOSED);
}

Test(leader, five_failures_in_a_row_of_two_nodes_open_it)
{
    period();
    record[0].failed = 3;
    record[2].failed = 2;
    period();
    cr_assert_eq(plan.state, BREAKER_OPEN);
    cr_assert_eq(plan.total, 0);
    cr_assert_eq(plan.generation, 1);
    cr_assert_gt(plan.left_ns, 0);
}

Test(leader, one_node_that_fails_alone_opens_nobody_elses)
{
    serve(2);
    for (int n = 0; n < 100; n++) {
        record[1].failed += 5;
        serve(1);
        cr_assert_eq(plan.state, BREAKER_CLOSED);
    }
}

Test(leader, nor_does_it_where_the_others_are_idle)
{
    period();
    for (int n = 0; n < 100; n++) {
        record[1].failed += 5;
        period();
    }
    cr_assert_eq(plan.state, BREAKER_CLOSED);
}

Test(leader, a_node_that_is_the_only_one_is_believed)
{
    lives[1] = lives[2] = lives[3] = false;
    period();
    record[0].failed = 5;
    period();
    cr_assert_eq(plan.state, BREAKER_OPEN);
}

Test(leader, a_share_of_failures_at_all_nodes_opens_it)
{
    serve(2);
    for (int n = 0; n < 60 && plan.state == BREAKER_CLOSED; n++) {
        for (int i = 0; i < NODES; i++) {
            record[i].ok++;
            record[i].failed += 2;
        }
        period();
    }
    cr_assert_eq(plan.state, BREAKER_OPEN);
}

static int holders(void)
{
    return (plan.probe[0] != 0) + (plan.probe[1] != 0);
}

/* Open, and its wait over. */
static void half_open(void)
{
    serve(20);
    record[0].failed += 5;
    record[1].failed += 5;
    period();
    cr_assert_eq(plan.state, BREAKER_OPEN);
    for (int i = 0; i < NODES; i++)
        record[i].used = record[i].streams = 0;
    for (int n = 0; n < 400 && plan.state == BREAKER_OPEN; n++)
        period();
    cr_assert_eq(plan.state, BREAKER_HALF_OPEN);
}

static void probe_ends(uint64_t node, bool good)
{
    record[node - 1].probes_sent++;
    if (good)
        record[node - 1].probes_good++;
    else
        record[node - 1].probes_bad++;
}

Test(leader, a_dead_server_hears_the_probe_of_one_node)
{
    half_open();
    cr_assert_eq(holders(), 1);
    cr_assert_eq(plan.total, 0);
}

Test(leader, a_probe_that_nobody_uses_goes_to_another_node)
{
    uint64_t first;

    half_open();
    first = plan.probe[0];
    periods(9);
    cr_assert_eq(holders(), 1);
    cr_assert_neq(plan.probe[0], first);
}

Test(leader, the_probe_goes_where_somebody_waits)
{
    half_open();
    record[2].waiting = 1;
    periods(9);
    cr_assert_eq(plan.probe[0], 3);
}

Test(leader, after_a_good_probe_two_more_go_to_two_nodes_and_then_it_ramps)
{
    half_open();
    probe_ends(plan.probe[0], true);
    period();
    cr_assert_eq(holders(), 2);
    cr_assert_neq(plan.probe[0], plan.probe[1]);
    probe_ends(plan.probe[0], true);
    probe_ends(plan.probe[1], true);
    period();
    cr_assert_eq(plan.state, BREAKER_RAMPING);
    cr_assert_geq(plan.total, 1);
    cr_assert_lt(plan.total, 48);
}

static void come_back(void)
{
    half_open();
    probe_ends(plan.probe[0], true);
    period();
    probe_ends(plan.probe[0], true);
    probe_ends(plan.probe[1], true);
    period();
    for (int n = 0; n < 60 && plan.state == BREAKER_RAMPING; n++)
        serve(1);
    cr_assert_eq(plan.state, BREAKER_CLOSED);
}

static void all_fail(void)
{
    for (int i = 0; i < NODES; i++)
        record[i].failed += 5;
    period();
    cr_assert_eq(plan.state, BREAKER_OPEN);
}

Test(leader, failures_told_just_after_the_ramp_was_full_are_of_its_last_step)
{
    come_back();
    all_fail();
    cr_assert_gt(plan.died_at, 0.5);
}

Test(leader, and_later_ones_are_not)
{
    come_back();
    serve(5);
    all_fail();
    cr_assert_float_eq(plan.died_at, 0, 0);
}

Test(leader, a_bad_probe_opens_again_and_waits_longer)
{
    half_open();
    probe_ends(plan.probe[0], false);
    period();
    cr_assert_eq(plan.state, BREAKER_OPEN);
    cr_assert_eq(plan.trips, 2);
}

Test(leader, a_node_that_vanishes_has_its_part_of_a_limit_that_was_set_for_a_minute)
{
    serve(5);
    cr_assert_eq(plan.total, 48);
    lives[3] = false;
    serve(4);
    cr_assert_eq(plan.nodes, 3);
    cr_assert_eq(plan.total, 36);
    serve(60);
    cr_assert_eq(plan.total, 48);
}

Test(leader, one_that_said_goodbye_leaves_its_part_at_once)
{
    serve(5);
    lives[3] = false;
    fleet_leader_goodbye(leader, 4, now_ns);
    period();
    cr_assert_eq(plan.nodes, 3);
    cr_assert_eq(plan.total, 48);
}

static struct fleet_plan learnt(void)
{
    struct fleet_plan p = {.epoch = 90, .state = BREAKER_CLOSED, .total = 20, .nodes = 4};

    p.share = 1;
    p.limits = (struct fleet_limits){
        .streams = 20, .pending = 3, .gain = 1, .ceiling = LIMITER_NO_CEILING, .wait_marks = 2};
    return p;
}

Test(leader, the_next_one_goes_on_from_the_plan)
{
    struct fleet_plan p = learnt();

    fleet_leader_begin(leader, now_ns);
    fleet_leader_restore(leader, 0, &p, MS(900), now_ns);
    period();
    cr_assert_eq(plan.total, 20);
    cr_assert_eq(plan.epoch, 91);
}

Test(leader, without_a_plan_it_goes_on_from_what_the_nodes_echo)
{
    record[2].epoch = 90;
    record[2].plan_streams = 20;
    record[2].plan_pending = 3;
    period();
    cr_assert_eq(plan.total, 20);
    cr_assert_eq(plan.epoch, 91);
}

static void bring(int node, double streams)
{
    record[node].own_streams = streams;
    record[node].own_pending = 1;
    record[node].alone++;
}

Test(leader, when_all_were_alone_it_is_what_they_bring_and_once)
{
    struct fleet_plan p = learnt();

    fleet_leader_begin(leader, now_ns);
    fleet_leader_restore(leader, 0, &p, S(4), now_ns);
    for (int i = 0; i < NODES; i++)
        bring(i, 6);
    period();
    cr_assert_eq(plan.total, 24);
    periods(5);
    cr_assert_eq(plan.total, 24);
}

Test(leader, a_part_that_comes_back_adds_what_it_carried)
{
    struct fleet_plan p = learnt();

    fleet_leader_begin(leader, now_ns);
    fleet_leader_restore(leader, 0, &p, MS(100), now_ns);
    lives[3] = false;
    period();
    lives[3] = true;
    bring(3, 6);
    period();
    cr_assert_eq(plan.total, 26);
}

Test(leader, nobody_lifts_it_above_max_streams)
{
    for (int i = 0; i < NODES; i++)
        bring(i, 4000);
    period();
    cr_assert_eq(plan.total, 48);
}

Test(leader, late_ones_cut_what_is_pending_over_all_nodes)
{
    double before;

    record[0].bound_pending = record[1].bound_pending = true;
    for (int i = 0; i < NODES; i++) {
        record[i].used = record[i].pending = 3;
        record[i].waiting = 5;
    }
    serve(5);
    before = plan.limits.pending;
    for (int n = 0; n < 40; n++) {
        for (int i = 0; i < NODES; i++)
            record[i].late++;
        period();
    }
    cr_assert(plan.limits.shown);
    cr_assert_lt(plan.limits.pending, before);
}

Test(leader, a_late_one_that_nothing_confirms_counts_if_another_node_has_one)
{
    period();
    for (int n = 0; n < 40; n++) {
        record[0].lone++;
        period();
    }
    cr_assert(!plan.limits.shown, "one node alone shows nothing");
    for (int n = 0; n < 4; n++) {
        record[0].lone++;
        record[1].lone++;
        period();
    }
    cr_assert(plan.limits.shown);
}

Test(leader, a_longer_window_of_a_reload_is_judged_from_then_on)
{
    static struct decide_conf other;

    serve(5);
    other = conf;
    other.breaker.window_ns *= 4;
    fleet_leader_set_conf(leader, &other);
    for (int n = 0; n < 400; n++) { /* long before the window, and never half of all */
        record[0].failed += n < 20;
        record[1].failed += n < 20;
        serve(1);
    }
    cr_assert_eq(plan.state, BREAKER_CLOSED);
    for (int n = 0; n < 200 && plan.state == BREAKER_CLOSED; n++) {
        for (int i = 0; i < NODES; i++) {
            record[i].ok++;
            record[i].failed += 2;
        }
        period();
    }
    cr_assert_eq(plan.state, BREAKER_OPEN);
}

Test(leader, an_operators_limit_on_all_nodes_is_the_fleets)
{
    serve(2);
    record[0].override = 6;
    period();
    cr_assert_eq(plan.total, 48, "on one it is that one's");
    for (int i = 0; i < NODES; i++)
        record[i].override = 6;
    period();
    cr_assert_eq(plan.total, 6);
}

Test(leader, any_record_leaves_plans_within_their_ranges)
{
    struct random dice = {3};

    for (int n = 0; n < 2000; n++) {
        for (int i = 0; i < NODES; i++) {
            uint32_t *words = (void *)&record[i];
            for (size_t w = 0; w < sizeof record[i] / sizeof *words; w++)
                words[w] = random_between(&dice, 0, 1) < 0.3
                               ? (uint32_t)random_between(&dice, 0, 4294967295.0)
                               : words[w];
            fleet_record_mend(&record[i], 48);
        }
        period();
        cr_assert_leq(plan.total, 48);
        cr_assert(plan.limits.streams >= 1 && plan.limits.streams <= 48);
        cr_assert(plan.limits.pending >= 1 && plan.limits.pending <= 48);
        cr_assert(plan.limits.gain >= 1 && plan.limits.gain <= 8);
        cr_assert(plan.share >= 0 && plan.share <= 1);
    }
}
