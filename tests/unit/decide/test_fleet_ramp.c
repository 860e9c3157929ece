/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's commands to the fleet's ramp, at its leader. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "weir/decide/fleet_leader.h"

enum { NODES = 2 };

static struct decide_conf conf;
static struct fleet_leader *leader;
static struct fleet_record record[NODES];
static struct fleet_plan plan;
static uint64_t now_ns;

static void start(void)
{
    size_t bytes = fleet_leader_bytes(NODES, 1);
    void *mem = aligned_alloc(64, bytes);

    cr_assert_not_null(mem);
    memset(mem, 0, bytes);
    memset(record, 0, sizeof record);
    conf = default_conf();
    now_ns = S(1000);
    leader = fleet_leader_init(mem, &conf, NODES, 1, 7, now_ns);
    fleet_leader_set_upstream(leader, 0, 1, 48, true, now_ns);
}

static void stop(void)
{
    free(leader);
}

TestSuite(fleet_ramp, .init = start, .fini = stop);

/* So many seconds in which both nodes serve. */
static void serve(int seconds)
{
    for (int n = 0; n < 4 * seconds; n++) {
        now_ns += MS(250);
        for (uint64_t i = 0; i < NODES; i++) {
            const struct fleet_record *const records[] = {&record[i]};
            struct fleet_heard h = {i + 1, 100 + i, 0, records};
            record[i].on += 2;
            record[i].ok += 2;
            record[i].used = record[i].streams = 20;
            cr_assert(fleet_leader_hear(leader, &h, now_ns));
        }
        fleet_leader_tick(leader, &plan, now_ns);
    }
}

static bool say(enum pool_command what, double value, uint64_t for_ns)
{
    return fleet_leader_ramp(leader, 0, what, value, for_ns > 0 ? now_ns + for_ns : 0, now_ns);
}

Test(fleet_ramp, a_share_that_is_set_is_held_for_the_fleet_and_lapses)
{
    serve(10);
    cr_assert(say(OPERATOR_RAMP_SET, 0.3, S(20)));
    serve(15);
    cr_assert_eq(plan.state, BREAKER_RAMPING);
    cr_assert_float_eq(plan.share, 0.3, 1e-9);
    cr_assert(plan.held);
    cr_assert_leq(plan.held_ns, S(5));
    cr_assert_leq(plan.total, 16);
    serve(6);
    cr_assert_not(plan.held);
    serve(60);
    cr_assert_eq(plan.state, BREAKER_CLOSED);
}

Test(fleet_ramp, a_hold_freezes_a_ramp_that_runs_and_a_resume_lets_it_go_on)
{
    double share;

    serve(10);
    cr_assert_not(say(OPERATOR_RAMP_HOLD, 0, 0), "nothing ramps");
    cr_assert(say(OPERATOR_RAMP_START, 0, 0));
    serve(1);
    share = plan.share;
    cr_assert(say(OPERATOR_RAMP_HOLD, 0, 0));
    serve(60);
    cr_assert_float_eq(plan.share, share, 1e-9);
    cr_assert(say(OPERATOR_RAMP_RESUME, 0, 0));
    cr_assert_not(say(OPERATOR_RAMP_RESUME, 0, 0));
    serve(60);
    cr_assert_eq(plan.state, BREAKER_CLOSED);
}

Test(fleet_ramp, a_finish_is_full_at_once_and_an_abort_is_open)
{
    serve(10);
    cr_assert_not(say(OPERATOR_RAMP_FINISH, 0, 0));
    cr_assert_not(say(OPERATOR_RAMP_ABORT, 0, 0));
    cr_assert(say(OPERATOR_RAMP_SET, 0.1, 0));
    cr_assert(say(OPERATOR_RAMP_FINISH, 0, 0));
    serve(1);
    cr_assert_eq(plan.state, BREAKER_CLOSED);
    cr_assert(say(OPERATOR_RAMP_START, 0, 0));
    cr_assert(say(OPERATOR_RAMP_ABORT, 0, 0));
    now_ns += MS(10);
    fleet_leader_tick(leader, &plan, now_ns);
    cr_assert_eq(plan.state, BREAKER_OPEN);
}

Test(fleet_ramp, other_commands_are_none_of_its)
{
    cr_assert_not(say(OPERATOR_DRAIN, 0, 0));
    cr_assert_not(say(OPERATOR_LIMIT_STREAMS, 5, 0));
}

Test(fleet_ramp, the_next_leader_holds_it_and_lets_it_lapse_in_time)
{
    serve(10);
    cr_assert(say(OPERATOR_RAMP_SET, 0.3, S(20)));
    serve(5);
    fleet_leader_begin(leader, now_ns + S(1));
    fleet_leader_restore(leader, 0, &plan, S(1), now_ns + S(1));
    now_ns += S(1);
    serve(10);
    cr_assert_float_eq(plan.share, 0.3, 1e-9);
    cr_assert(plan.held);
    serve(5);
    cr_assert_not(plan.held);
}
