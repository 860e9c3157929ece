/* SPDX-License-Identifier: Apache-2.0 */
/* Engines that change, die, and come back: Q4, Q5, Q6, Q10, and two dead of three. */
#include <stdlib.h>

#include "sweep.h"
#include "weir/base/assert.h"

const struct change changes[] = {
    {"A half as fast", "A", FAULT_SPEED, 2, 48, 0.55, 0.90, 0.80, 0.93},
    {"B half as fast", "B", FAULT_SPEED, 2, 25, 0.55, 0.90, 0.80, 0.93},
    {"C 4 to 8 slots", "C", FAULT_SLOTS, 8, 8, 0.80, 0.93, 0.85, 0.90},
    {"E 16 to 32 slots", "E", FAULT_SLOTS, 32, 31, 0.80, 0.93, 0.85, 0.90},
    {"A 48 to 12 slots", "A", FAULT_SLOTS, 12, 12, 0.85, 0.90, 0.80, 0.93},
};
const size_t n_changes = sizeof changes / sizeof changes[0];

void measure_change(const struct change *c, const struct effort *e, double out[4])
{
    static const double from[] = {300, 360, 600, 660}, to[] = {360, 600, 660, 900};
    double weir[4] = {0}, fixed[4] = {0};
    struct result *res = malloc(sizeof *res);

    WEIR_ASSERT(res != NULL);
    for (uint64_t i = 0; i < e->seeds; i++) {
        struct scenario sc = scenario_of(backend_find(c->backend), 3, 900, e->first_seed + i);
        sc.n_faults = 1;
        sc.fault[0] =
            (struct fault){.kind = c->kind, .at_s = 300, .seconds = 300, .value = c->value};
        (void)sim_run(&sc, res);
        for (int w = 0; w < 4; w++)
            weir[w] += good_rate(res, 0, from[w], to[w]);
        sc.rule = RULE_FIXED;
        sc.fixed_during = c->fixed_during;
        (void)sim_run(&sc, res);
        for (int w = 0; w < 4; w++)
            fixed[w] += good_rate(res, 0, from[w], to[w]);
    }
    for (int w = 0; w < 4; w++)
        out[w] = weir[w] / fixed[w];
    free(res);
}

/* A minute of a slow engine is few answers: a draw scatters by 0.06, the mean of so many by 0.012.
 */
enum { CHANGE_SEEDS = 24 };

void check_changes(struct report *r)
{
    struct effort e = {r->effort.first_seed, CHANGE_SEEDS, r->effort.seconds};
    char what[64];

    for (size_t i = 0; i < n_changes; i++) {
        const struct change *c = &changes[i];
        double got[4];
        measure_change(c, &e, got);
        (void)snprintf(what, sizeof what, "%s: first minute", c->name);
        at_least(r, "Q4", what, got[0], c->first);
        (void)snprintf(what, sizeof what, "%s: later", c->name);
        at_least(r, "Q4", what, got[1], c->rest);
        (void)snprintf(what, sizeof what, "%s and back: first minute", c->name);
        at_least(r, "Q4", what, got[2], c->back_first);
        (void)snprintf(what, sizeof what, "%s and back: later", c->name);
        at_least(r, "Q4", what, got[3], c->back_rest);
    }
}

void check_outage(struct report *r)
{
    const struct backend *a = backend_find("A");
    struct effort e = {r->effort.first_seed, 10, 500};
    struct outage good = outage(outage_scenario(a, false, 1), 200, 60, &e);
    struct outage fragile = outage(outage_scenario(a, true, 1), 200, 60, &e);

    at_most(r, "Q5", "A dead for 60 s: s until open, worst", good.open_after_s, 2);
    at_most(r, "Q5", "A dead for 60 s: attempts a minute", good.dead_attempts, 40);
    at_most(r, "Q5", "A back: s to the first probe, median", good.probe_s, 4);
    at_most(r, "Q5", "A back: s to full, worst", good.full_worst_s, 60);
    at_most(r, "Q6", "A back and fragile: opened again", fragile.opened_after_return, 8);
    at_most(r, "Q6", "A back and fragile: s to full, median", fragile.full_median_s, 120);
}

static const struct {
    const char *name;
    enum fault_kind kind;
    double seconds, value;
} single[] = {
    {"dead, connections refused", FAULT_DEAD, 60, 0},
    {"connections time out", FAULT_BLACKHOLE, 60, 0},
    {"stalled", FAULT_STALL, 60, 0},
    {"hiccup of 3 s", FAULT_STALL, 3, 0},
    {"503 without Retry-After", FAULT_503, 60, 0},
    {"503 with Retry-After 20", FAULT_503, 60, 20},
    {"500", FAULT_500, 60, 0},
    {"streams that begin with an error", FAULT_IN_BAND, 60, 0},
    {"streams that begin with overloaded", FAULT_IN_BAND_BUSY, 60, 0},
    {"empty streams", FAULT_EMPTY, 60, 0},
    {"streams cut", FAULT_CUT, 60, 0},
    {"a quarter of the speed", FAULT_SPEED, 60, 4},
    {"a quarter of the slots", FAULT_SLOTS, 60, 12},
};

const char *fault_name(size_t i)
{
    return i < sizeof single / sizeof single[0] ? single[i].name : NULL;
}

double measure_fault(size_t i, bool breaker, const struct effort *e)
{
    const struct backend *b = backend_find("A");
    struct result *res = malloc(sizeof *res);
    double worst = 0;

    WEIR_ASSERT(res != NULL);
    for (uint64_t s = 0; s < e->seeds; s++) {
        struct scenario sc = outage_scenario(b, false, e->first_seed + s);
        double end_s = 200 + single[i].seconds;
        sc.observe_breaker = !breaker;
        sc.fault[0] = (struct fault){.kind = single[i].kind,
                                     .at_s = 200,
                                     .seconds = single[i].seconds,
                                     .value = single[i].value};
        (void)sim_run(&sc, res);
        worst = num_max(worst, time_to_rate(res, 0.72 * b->capacity, end_s, sc.seconds));
    }
    free(res);
    return worst;
}

void check_faults(struct report *r)
{
    char what[64];

    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        (void)snprintf(what, sizeof what, "A: s to come back after: %s", single[i].name);
        at_most(r, "Q10", what, measure_fault(i, true, &r->effort), 120);
        (void)snprintf(what, sizeof what, "A, no breaker, after: %s", single[i].name);
        at_most(r, "Q10", what, measure_fault(i, false, &r->effort), 120);
    }
}

/* A backend that could do more and allows `per_s`: good of the quota, and how much it refused. */
struct quota measure_quota(const char *backend, double per_s, double times, bool says_when,
                           const struct effort *e)
{
    const struct backend *b = backend_find(backend);
    struct result *res = malloc(sizeof *res);
    double sent = 0, taken = 0;
    struct quota out = {0};

    WEIR_ASSERT(res != NULL);
    for (uint64_t s = 0; s < e->seeds; s++) {
        struct scenario sc = scenario_of(b, times * per_s / b->capacity, 300, e->first_seed + s);
        sc.n_faults = 1;
        sc.fault[0] = (struct fault){.kind = says_when ? FAULT_QUOTA : FAULT_QUOTA_SILENT,
                                     .seconds = sc.seconds,
                                     .value = per_s};
        (void)sim_run(&sc, res);
        taken += (double)res->quota_taken;
        sent += (double)(res->quota_taken + res->quota_refused);
        out.good += good_rate(res, 0, sc.warm_s, sc.seconds) / per_s / (double)e->seeds;
    }
    out.refused = 1 - taken / num_max(1, sent);
    free(res);
    return out;
}

void check_quota(struct report *r)
{
    static const double times[] = {3, 10};
    char what[64];

    for (int i = 0; i < 4; i++) {
        bool says = i < 2;
        struct quota q = measure_quota("A", 5, times[i % 2], says, &r->effort);
        (void)snprintf(what, sizeof what, "A, 5 requests/s allowed, %gx, 429 %s: good",
                       times[i % 2], says ? "for 1 s" : "alone");
        at_least(r, "hold", what, q.good, 0.8);
        (void)snprintf(what, sizeof what, "A, 5 requests/s allowed, %gx, 429 %s: refused",
                       times[i % 2], says ? "for 1 s" : "alone");
        at_most(r, "hold", what, q.refused, 0.25);
    }
}

struct two_dead measure_two_dead(double load, bool breaker, const struct effort *e)
{
    const struct backend *a = backend_find("A");
    struct result *res = malloc(sizeof *res);
    struct two_dead out = {0};
    double n = (double)e->seeds;

    WEIR_ASSERT(res != NULL);
    for (uint64_t s = 0; s < e->seeds; s++) {
        struct scenario sc = scenario_of(a, load, 500, e->first_seed + s);
        sc.n_engines = 3;
        sc.retries = 4;
        sc.observe_breaker = !breaker;
        sc.n_faults = 2;
        for (int i = 0; i < 2; i++)
            sc.fault[i] = (struct fault){
                .kind = FAULT_DEAD, .engine = i, .at_s = 200, .seconds = 100, .cold = true};
        (void)sim_run(&sc, res);
        out.while_down += good_rate(res, 0, 210, 300) / a->capacity / n;
        out.after += good_rate(res, 0, 360, 480) / a->capacity / n;
        out.errors += (double)res->client_errors / n;
        out.attempts += (double)res->dead_attempts / n;
    }
    free(res);
    return out;
}

void check_dead_two_of_three(struct report *r)
{
    struct two_dead t = measure_two_dead(2, true, &r->effort);

    at_least(r, "3of", "two of three A dead: good / one engine, 2x of one", t.while_down, 0.95);
    at_most(r, "3of", "two of three A dead: attempts at the dead", t.attempts, 2 * 40 * 100 / 60.0);
    at_least(r, "3of", "from 60 s after the return: good / one engine", t.after, 1.9);
}
