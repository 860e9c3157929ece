/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/load/load_priv.h"
#include "bench/scenario/fleet_seen.h"
#include "bench/scenario/fleet_step.h"

static bool parse(const char *line, struct fleet_step *out)
{
    char why[256] = "";
    bool good = fleet_step_parse(slice_str(line), out, why, sizeof why) == WEIR_OK;

    cr_assert_eq(good, why[0] == '\0', "%s: %s", line, why);
    return good;
}

Test(fleet, a_step_is_one_of_a_few_lines)
{
    static const struct {
        const char *line;
        enum fleet_verb verb;
        size_t node;
    } rows[] = {{"", FLEET_NOTHING, 0},
                {"kill 1", FLEET_NODE_KILL, 0},
                {" stop  16 ", FLEET_NODE_STOP, 15},
                {"start 5", FLEET_NODE_START, 4},
                {"redis kill", FLEET_REDIS_KILL, 0},
                {"redis start", FLEET_REDIS_START, 0},
                {"redis hang", FLEET_REDIS_HANG, 0},
                {"redis go on", FLEET_REDIS_GO_ON, 0},
                {"redis empty", FLEET_REDIS_EMPTY, 0}};
    struct fleet_step s;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert(parse(rows[i].line, &s), "%s", rows[i].line);
        cr_assert(s.verb == rows[i].verb && s.node == rows[i].node, "%s", rows[i].line);
    }
}

Test(fleet, any_other_line_is_told)
{
    static const char *const lines[] = {"kill",
                                        "kill 0",
                                        "kill 17",
                                        "kill x",
                                        "kill 1 2",
                                        "restart 1",
                                        "redis",
                                        "redis stop",
                                        "weights",
                                        "weights x",
                                        "weights -1",
                                        "redis kill now",
                                        "weights 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"};
    struct fleet_step s;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_assert(!parse(lines[i], &s), "%s", lines[i]);
}

Test(fleet, weights_that_are_not_said_are_one)
{
    struct fleet_step s;

    cr_assert(parse("weights 5 0.5 0", &s));
    cr_assert_eq(s.verb, FLEET_WEIGHTS);
    cr_assert_eq(s.weights[0], 5);
    cr_assert_eq(s.weights[1], 0.5);
    cr_assert_eq(s.weights[2], 0);
    cr_assert_eq(s.weights[FLEET_NODES_MAX - 1], 1);
}

static void take_turns(struct load *l, size_t n, size_t got[LOAD_PLACES_MAX])
{
    for (size_t i = 0; i < LOAD_PLACES_MAX; i++)
        got[i] = 0;
    for (size_t i = 0; i < n; i++)
        got[places_next(l)]++;
}

Test(fleet, places_take_turns_by_their_weights)
{
    struct load l = {0};
    size_t got[LOAD_PLACES_MAX];

    l.places[0].weight = 5;
    l.places[2].weight = l.places[3].weight = 1;
    take_turns(&l, 70, got);
    cr_assert(got[0] == 50 && got[1] == 0 && got[2] == 10 && got[3] == 10);
    l.places[0].weight = 0;
    take_turns(&l, 10, got);
    cr_assert(got[0] == 0 && got[2] == 5 && got[3] == 5);
    l.places[2].weight = l.places[3].weight = 0;
    take_turns(&l, 3, got);
    cr_assert_eq(got[0], 3, "somewhere they have to go");
}

Test(fleet, equal_shares_are_fair_whatever_was_asked)
{
    struct place_bin a[2] = {{.attempts = 100}, {.attempts = 100}}, b[2] = {{.attempts = 20}, {0}};
    struct fleet_seen s = {.n = 3, .bins = {a, b}, .n_bins = {2, 2}};

    a[0].ends[TURN_GOOD] = a[1].ends[TURN_GOOD] = 50;
    b[0].ends[TURN_GOOD] = 10;
    cr_assert_float_eq(fleet_jain(&s, 0, 1), 1, 1e-9);
    cr_assert_float_eq(fleet_jain(&s, 1, 2), 1, 1e-9, "who was asked nothing does not count");
    b[0].ends[TURN_GOOD] = 0;
    cr_assert_float_eq(fleet_jain(&s, 0, 1), 0.5, 1e-9, "one of two has all");
    cr_assert(isnan(fleet_jain(&s, 2, 9)));
}

Test(fleet, a_node_is_seen_by_its_metrics)
{
    static const char *const lines[] = {
        "# HELP weir_fleet_calls_total Calls to Redis",
        "weir_fleet_calls_total{call=\"sync\",result=\"ok\"} 40",
        "weir_fleet_calls_total{call=\"ask\",result=\"ok\"} 2",
        "weir_fleet_state{state=\"alone\"} 0",
        "weir_fleet_state{state=\"joined\"} 1",
        "weir_fleet_permits{pool=\"p\",upstream=\"u\",kind=\"limit\"} 48",
        "weir_fleet_permits{pool=\"p\",upstream=\"u\",kind=\"held\"} 12",
        "weir_fleet_permits{pool=\"p\",upstream=\"u\",kind=\"used\"} 7",
        "weir_shed_total{pool=\"p\",cause=\"overloaded\"} 9",
        "weir_fleet_calls_total{call=\"ask\",result=\"ok\"} x"};
    struct fleet_node_sample n = {0};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        fleet_metric(slice_str(lines[i]), &n);
    cr_assert(n.joined && n.calls == 42 && n.limit == 48 && n.held == 12 && n.used == 7);
}

Test(fleet, calls_are_counted_between_two_looks)
{
    struct fleet_sample v[4] = {{.at_s = 1, .nodes = {{.there = true, .calls = 10}}},
                                {.at_s = 3, .nodes = {{.there = true, .calls = 30}}},
                                {.at_s = 4},
                                {.at_s = 5, .nodes = {{.there = true, .calls = 5}}}};
    struct fleet_watch w = {.samples = v, .n_samples = 4};

    cr_assert_float_eq(fleet_calls(&w, 0, 0, 4), 10, 1e-9);
    cr_assert(isnan(fleet_calls(&w, 0, 0, 9)), "it was started anew");
    cr_assert(isnan(fleet_calls(&w, 0, 2, 4)), "seen once");
    cr_assert(isnan(fleet_calls(&w, 1, 0, 9)), "never seen");
}
