/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of steady load and of engines that change. */
#include <stdlib.h>

#include "sweep.h"
#include "weir/base/assert.h"

static const double loads[] = {0.5, 1, 2, 5, 10};
enum { LOADS = 5 };

static double good_of(const struct backend *b, double load, enum rule_kind rule,
                      const struct effort *e)
{
    struct scenario sc = scenario_of(b, load, e->seconds, 1);

    sc.rule = rule;
    return steady(sc, e).good;
}

void table_steady(const struct effort *e)
{
    (void)printf(
        "\n## Steady load: good requests, of the best fixed limit\n\n"
        "| | engine | best fixed limit | 1x, requests/s | 0.5x | 1x | 2x | 5x | 10x | "
        "refused at 0.5x (fixed) | in flight at 3x, coefficient of variation | engine's own "
        "queue at 10x, p95 |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_backends; i++) {
        const struct backend *b = &backends[i];
        struct steady half, half_fixed, ten;
        if (b->api)
            continue;
        (void)printf("| %s | %s%s | %.0f | %.3g |", b->name, b->about,
                     b->held_out ? " (held out)" : "", b->best_fixed, b->capacity);
        for (int n = 0; n < LOADS; n++)
            (void)printf(" %.2f |",
                         good_of(b, loads[n], RULE_WEIR, e) / good_of(b, loads[n], RULE_FIXED, e));
        half = steady(scenario_of(b, 0.5, e->seconds, 1), e);
        half_fixed = steady_fixed(scenario_of(b, 0.5, e->seconds, 1), e);
        ten = steady(scenario_of(b, 10, e->seconds, 1), e);
        (void)printf(" %.1f %% (%.1f %%) | %.2f | %.1f s |\n", 100 * half.shed,
                     100 * half_fixed.shed, steady(scenario_of(b, 3, e->seconds, 1), e).cv,
                     ten.wait_p95_s);
    }
}

void table_rivals(const struct effort *e)
{
    static const enum rule_kind kinds[] = {RULE_FIXED,     RULE_WEIR,  RULE_NO_LIMIT,
                                           RULE_GRADIENT2, RULE_VEGAS, RULE_AIMD};
    static const char *const names[] = {"best fixed", "weir",  "no limit",
                                        "Gradient2",  "Vegas", "AIMD"};

    (void)printf("\n## Against other rules: good requests, of the engine's capacity\n\n"
                 "| | rule | 0.5x | 1x | 2x | 5x | 10x |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_backends; i++) {
        const struct backend *b = &backends[i];
        if (b->api)
            continue;
        for (int k = 0; k < 6; k++) {
            (void)printf("| %s | %s |", k == 0 ? b->name : "", names[k]);
            for (int n = 0; n < LOADS; n++)
                (void)printf(" %.2f |", good_of(b, loads[n], kinds[k], e) / b->capacity);
            (void)printf("\n");
        }
    }
}

void table_changes(const struct effort *e)
{
    (void)printf(
        "\n## Engines that change in the middle: good requests, of the best fixed limit of "
        "each phase\n\nLoad 3x; the change at 300 s, back at 600 s.\n\n"
        "| case | 300-360 s | 360-600 s | 600-660 s | 660-900 s |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_changes; i++) {
        double got[4];
        measure_change(&changes[i], e, got);
        (void)printf("| %s | %.2f | %.2f | %.2f | %.2f |\n", changes[i].name, got[0], got[1],
                     got[2], got[3]);
    }
}

/* The same engine with another promise: which share of what can be had is had by being told
 * nothing. */
void table_pace(const struct effort *e)
{
    static const struct {
        const char *backend;
        double promise_ms, fixed;
    } cases[] = {{"B", 60, 52},  {"B", 80, 80},   {"B", 100, 110}, {"G", 50, 46},  {"G", 60, 66},
                 {"G", 80, 103}, {"G", 100, 130}, {"F", 60, 75},   {"F", 80, 110}, {"F", 100, 168}};

    (void)printf(
        "\n## The promised pace, told and not told\n\n5x after a calm minute. `auto` is at "
        "most twice the engine's calm pace, and 18 events/s are always enough: a promise\n"
        "nobody can measure, so it is better told. Of the fixed limit for that promise.\n\n"
        "| engine, promise | told | auto |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct backend b = *backend_find(cases[i].backend);
        struct scenario sc;
        double fixed, told;
        b.promise_ms = cases[i].promise_ms;
        sc = scenario_of(&b, 5, e->seconds, 1);
        sc.fixed = cases[i].fixed;
        sc.calm_s = 60;
        sc.warm_s = 90;
        fixed = steady_fixed(sc, e).good;
        told = steady(sc, e).good;
        sc.pace_auto = true;
        (void)printf("| %s, %.0f ms | %.2f | %.2f |\n", b.name, b.promise_ms, told / fixed,
                     steady(sc, e).good / fixed);
    }
}

void table_unary(const struct effort *e)
{
    static const char *const names[] = {"A", "B", "C", "E", "G", "H", "J", "K", "Q"};

    (void)printf("\n## 30 %% of requests without streaming: good requests, of the best fixed "
                 "limit\n\n| | rule | 1x | 2x | 5x | 10x |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct backend *b = backend_find(names[i]);
        for (int k = 0; k < 2; k++) {
            (void)printf("| %s | %s |", k ? "" : b->name, k ? "Gradient2" : "weir");
            for (int n = 1; n < LOADS; n++) {
                struct scenario sc = scenario_of(b, loads[n], e->seconds, 1);
                double fixed;
                sc.unary = 0.3;
                fixed = steady_fixed(sc, e).good;
                sc.rule = k ? RULE_GRADIENT2 : RULE_WEIR;
                (void)printf(" %.2f |", steady(sc, e).good / fixed);
            }
            (void)printf("\n");
        }
    }
}

void table_api(const struct effort *all)
{
    static const enum rule_kind kinds[] = {RULE_FIXED, RULE_NO_LIMIT, RULE_GRADIENT2,
                                           RULE_VEGAS, RULE_AIMD,     RULE_WEIR};
    static const char *const names[] = {"fixed = workers", "no limit", "Gradient2",
                                        "Vegas",           "AIMD",     "weir, profile api"};
    struct effort e = {all->first_seed, all->seeds, 300};

    (void)printf("\n## Ordinary APIs: good requests, of the capacity\n\nFixed workers, lognormal "
                 "times (sigma 0.8), good within 1 s (4 s for 500 ms, 8 s for 1 s); clients leave "
                 "after 10 s.\nIn brackets the 99th percentile of answered requests at 2x.\n\n"
                 "| | rule | 0.5x | 1x | 2x | 5x |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_backends; i++) {
        const struct backend *b = &backends[i];
        for (int k = 0; k < 6 && b->api; k++) {
            (void)printf("| %s | %s |", k == 0 ? b->about : "", names[k]);
            for (int n = 0; n < 4; n++) {
                struct scenario sc = scenario_of(b, loads[n], e.seconds, 1);
                struct steady s;
                sc.rule = kinds[k];
                s = steady(sc, &e);
                (void)printf(n == 2 ? " %.2f (%.2f s) |" : " %.2f |", s.good / b->capacity,
                             s.answered_p99_s);
            }
            (void)printf("\n");
        }
    }
}

static double smallest_share(const struct scenario *base, const struct effort *e)
{
    struct result *res = malloc(sizeof *res);
    double least = 1;

    WEIR_ASSERT(res != NULL);
    for (uint64_t s = 0; s < e->seeds; s++) {
        struct scenario sc = *base;
        double all = 0, min = 1e18;
        sc.seed = e->first_seed + s;
        (void)sim_run(&sc, res);
        for (size_t i = 0; i < sc.n_proxies; i++) {
            all += (double)res->good_by_proxy[i];
            min = num_min(min, (double)res->good_by_proxy[i]);
        }
        least = num_min(least, min * (double)sc.n_proxies / all);
    }
    free(res);
    return least;
}

void table_proxies(const struct effort *e)
{
    static const char *const names[] = {"A", "B", "C", "E"};
    static const double at[] = {1, 3, 10};

    (void)printf(
        "\n## Several proxies on one engine: good requests in all, of one proxy's best "
        "fixed limit\n\nIn brackets the smallest proxy's part of a fair share. The total "
        "holds where there are many slots; the shares do not. One\nactive proxy an engine, "
        "or `max_streams` = slots / proxies.\n\n"
        "| | proxies | 1x | 3x | 10x |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < 4; i++) {
        const struct backend *b = backend_find(names[i]);
        for (size_t n = 1; n <= 4; n *= 2) {
            (void)printf("| %s | %zu |", n == 1 ? b->name : "", n);
            for (int k = 0; k < 3; k++) {
                struct scenario sc = scenario_of(b, at[k], e->seconds, 1);
                double fixed = steady_fixed(sc, e).good;
                sc.n_proxies = n;
                (void)printf(" %.2f (%.2f) |", steady(sc, e).good / fixed, smallest_share(&sc, e));
            }
            (void)printf("\n");
        }
    }
}
