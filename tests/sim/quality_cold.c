/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts under full load with nothing set, engines that slow down, and what waits: in the engine
 * after a ramp, and at weir's door when most are refused.
 */
#include <stdlib.h>
#include <string.h>

#include "quality.h"
#include "weir/base/assert.h"

enum { SEEDS = 5 };

/* Good answers, of the best fixed limit, from a cold start without a promised pace. */
static const struct cold_case {
    const char *backend;
    double load;
    double first, later, slow; /* bounds: good in 10-60 s and 60-300 s; too slow for the promise */
} cold[] = {
    {"B", 2, 0.85, 0.85, 0.05}, {"B", 5, 0.85, 0.85, 0.05}, {"G", 2, 0.50, 0.75, 0.05},
    {"G", 5, 0.50, 0.75, 0.05}, {"A", 5, 0.90, 0.90, 0.05}, {"E", 5, 0.45, 0.75, 0.05},
    {"F", 5, 0.80, 0.80, 0.05}, {"K", 5, 0.80, 0.90, 0.05}, {"cpu-8", 2, 0.55, 0.75, 0.05},
};

static void check_cold_start(struct report *r, const struct cold_case *c, struct result *res)
{
    const struct backend *b = backend_find(c->backend);
    double first = 0, later = 0, slow = 0, done = 0;
    char what[64];

    for (uint64_t s = 0; s < SEEDS; s++) {
        struct scenario sc = scenario_of(b, c->load, 300, r->effort.first_seed + s);
        sc.pace_auto = true;
        sc.warm_s = 0;
        (void)sim_run(&sc, res);
        first += good_rate(res, 0, 10, 60) / b->capacity / SEEDS;
        later += good_rate(res, 0, 60, 300) / b->capacity / SEEDS;
        slow += (double)res->done_slow;
        done += (double)res->done;
    }
    (void)snprintf(what, sizeof what, "%s at %gx, nothing set: good 10-60 s", b->name, c->load);
    at_least(r, "cold", what, first, c->first);
    (void)snprintf(what, sizeof what, "%s at %gx, nothing set: good 60-300 s", b->name, c->load);
    at_least(r, "cold", what, later, c->later);
    (void)snprintf(what, sizeof what, "%s at %gx, nothing set: too slow", b->name, c->load);
    at_most(r, "cold", what, slow / num_max(1, done), c->slow);
}

/* What waits in an engine in the 12 s after the ramp: no more than it carried before. */
static void check_after_ramp(struct report *r, const char *backend, struct result *res)
{
    const struct backend *b = backend_find(backend);
    double worst = 0, mean = 0;
    char what[64];

    for (uint64_t s = 0; s < 2 * SEEDS; s++) {
        struct scenario sc = outage_scenario(b, false, r->effort.first_seed + s);
        double most = 0;
        sc.load = 2;
        sc.fault[0].cold = false;
        sc.fault[0].seconds = 20;
        (void)sim_run(&sc, res);
        for (int t = (int)res->closed_s; t < (int)res->closed_s + 12 && t < SIM_SECONDS_MAX; t++)
            most = num_max(most, res->queued_most[t]);
        worst = num_max(worst, most);
        mean += most / (2 * SEEDS);
    }
    (void)snprintf(what, sizeof what, "%s after the ramp at 2x: most queued, mean", b->name);
    at_most(r, "ramp", what, mean, num_max(3, 0.25 * b->slots));
    (void)snprintf(what, sizeof what, "%s after the ramp at 2x: most queued, worst", b->name);
    at_most(r, "ramp", what, worst, num_max(4, 0.4 * b->slots));
}

/*
 * At ten times the load the refused are told soon.  Who waits is refused by the next that come, so
 * where few come that takes a few gaps between arrivals.
 */
static void check_quick_refusals(struct report *r, const char *backend, struct result *res)
{
    const struct backend *b = backend_find(backend);
    double gaps_ms = 5e3 / (10 * b->capacity);
    static uint32_t hist[4096];
    char what[64];

    memset(hist, 0, sizeof hist);
    for (uint64_t s = 0; s < SEEDS; s++) {
        struct scenario sc = scenario_of(b, 10, 300, r->effort.first_seed + s);
        (void)sim_run(&sc, res);
        for (int n = 0; n < 4096; n++)
            hist[n] += res->refused_ms[n];
    }
    (void)snprintf(what, sizeof what, "%s at 10x: refused after, p95 ms", b->name);
    at_most(r, "told", what, percentile_ms(hist, 4096, 10, 0.95),
            num_clamp(gaps_ms, 300, 1000) + 10);
}

void check_cold(struct report *r)
{
    static const char *const ramps[] = {"demo-8", "C", "A"};
    static const char *const doors[] = {"A", "B", "E", "F", "C", "H"};
    struct result *res = malloc(sizeof *res);

    WEIR_ASSERT(res != NULL);
    for (size_t i = 0; i < sizeof cold / sizeof cold[0]; i++)
        check_cold_start(r, &cold[i], res);
    for (size_t i = 0; i < sizeof ramps / sizeof ramps[0]; i++)
        check_after_ramp(r, ramps[i], res);
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++)
        check_quick_refusals(r, doors[i], res);
    free(res);
}
