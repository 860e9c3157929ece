/* SPDX-License-Identifier: Apache-2.0 */
/* sim: the closed-loop simulation of the decisions, by hand or as a test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

static const char usage[] =
    "sim storm SEED [COUNT]         everything at once; invariants after every event\n"
    "sim threads SEED [COUNT]       the same storms by several threads in turns\n"
    "sim quality [CHECK [SEED]]     the quality bounds; CHECK `all` or one of steady unary hour\n"
    "                               changes outage faults crowd talks fairness two-of-three api\n"
    "                               proxies quota healthy cold\n"
    "sim sweep [SEED [SEEDS [TABLE]]]  the page docs/decisions-measured.md\n"
    "sim run BACKEND LOAD [SEED [RULE]]  one run with a trace; RULE weir fixed none gradient2\n"
    "                               vegas aimd\n"
    "sim calibrate [BACKEND]        capacity and best fixed limit of the engines\n"
    "sim fleet [NODES [SEED]]       so many weirs before one engine; 1000: that one scenario\n"
    "sim fleet NODES SEED BACKEND [SEEDS [MAX_STREAMS]]  this engine only, the mean of so many\n"
    "sim canary [SEED [COUNT [CASE]]]  false verdicts over so many canaries each\n"
    "sim limits [SEED]              limits of users over 1 to 100 nodes\n"
    "sim bench                      nanoseconds of a decision\n";

static const char *arg(int argc, char **argv, int i, const char *otherwise)
{
    return i < argc ? argv[i] : otherwise;
}

static uint64_t number(int argc, char **argv, int i, const char *otherwise)
{
    return strtoull(arg(argc, argv, i, otherwise), NULL, 10);
}

static enum rule_kind rule_of(const char *name)
{
    static const char *const names[] = {"weir", "fixed", "none", "gradient2", "vegas", "aimd"};

    for (int i = 0; i < 6; i++)
        if (strcmp(names[i], name) == 0)
            return (enum rule_kind)i;
    return RULE_WEIR;
}

static int command_run(int argc, char **argv)
{
    static struct result res;
    const struct backend *b = backend_find(arg(argc, argv, 2, "A"));
    struct scenario sc;
    bool held;

    if (b == NULL)
        return 2;
    sc = scenario_of(b, strtod(arg(argc, argv, 3, "2"), NULL), 600, number(argc, argv, 4, "1"));
    sc.rule = rule_of(arg(argc, argv, 5, "weir"));
    sc.check = sc.rule == RULE_WEIR;
    sc.trace = true;
    sc.n_proxies = number(argc, argv, 6, "1");
    if (sc.n_proxies > 1) {
        sc.check = false;
        sc.fleet = (struct fleet_setup){.used = true, .on = true, .rtt_ms = 0.5, .jitter = 1};
    }
    held = sim_run(&sc, &res);
    (void)printf(
        "good %.3f of capacity, refused %.3f of asked, own queue of the engine p95 %.2f s\n",
        good_rate(&res, 0, 60, 600) / b->capacity,
        sum_bins(res.group[0].shed, 60, 600) / num_max(1, sum_bins(res.group[0].asked, 60, 600)),
        percentile_ms(res.wait_ms, 4096, 10, 0.95) / 1e3);
    return !held;
}

int main(int argc, char **argv)
{
    const char *what = arg(argc, argv, 1, "");
    const char *only = arg(argc, argv, 2, "all");

    if (strcmp(what, "storm") == 0)
        return command_storm(number(argc, argv, 2, "1"), number(argc, argv, 3, "1"));
    if (strcmp(what, "threads") == 0)
        return command_threads(number(argc, argv, 2, "1"), number(argc, argv, 3, "1"));
    if (strcmp(what, "quality") == 0)
        return command_quality(strcmp(only, "all") == 0 ? NULL : only, number(argc, argv, 3, "1"));
    if (strcmp(what, "sweep") == 0)
        return command_sweep(number(argc, argv, 2, "1"), number(argc, argv, 3, "4"),
                             arg(argc, argv, 4, NULL));
    if (strcmp(what, "run") == 0)
        return command_run(argc, argv);
    if (strcmp(what, "calibrate") == 0)
        return command_calibrate(arg(argc, argv, 2, NULL));
    if (strcmp(what, "fleet") == 0) {
        struct fleet_many m = {number(argc, argv, 5, "1"), (uint32_t)number(argc, argv, 6, "0")};
        return command_fleet(number(argc, argv, 2, "4"), number(argc, argv, 3, "1"),
                             arg(argc, argv, 4, NULL), &m);
    }
    if (strcmp(what, "canary") == 0)
        return command_canary(number(argc, argv, 2, "1"), number(argc, argv, 3, "200"),
                              arg(argc, argv, 4, NULL));
    if (strcmp(what, "limits") == 0)
        return command_limits(number(argc, argv, 2, "1"));
    if (strcmp(what, "bench") == 0)
        return command_bench();
    (void)fputs(usage, stderr);
    return 2;
}
