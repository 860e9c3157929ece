/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine can do: the good requests a second of the best fixed limit when far more is
 * offered (60 a second, or five times the capacity if that is more), and that limit.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "sim.h"

#define CALIBRATE_S 600.0
enum { CALIBRATE_SEEDS = 3, CALIBRATE_SEED = 101, OFFERED_PER_S = 60 };

static double with_limit(const struct backend *b, double limit)
{
    static struct result res;
    double load = num_max(5, OFFERED_PER_S / b->capacity), sum = 0;

    for (uint64_t i = 0; i < CALIBRATE_SEEDS; i++) {
        struct scenario sc = scenario_of(b, load, CALIBRATE_S, CALIBRATE_SEED + i);
        sc.rule = RULE_FIXED;
        sc.fixed = limit;
        (void)sim_run(&sc, &res);
        sum += good_rate(&res, 0, sc.warm_s, CALIBRATE_S);
    }
    return sum / CALIBRATE_SEEDS;
}

int command_calibrate(const char *only)
{
    static const double share[] = {0.5,  0.6, 0.7, 0.8, 0.85, 0.9,  0.95, 1.0,
                                   1.05, 1.1, 1.2, 1.3, 1.5,  1.75, 2.0};

    for (size_t i = 0; i < n_backends; i++) {
        const struct backend *b = &backends[i];
        double best = 0, best_limit = 1, before = 0;
        if (only != NULL && strcmp(only, b->name) != 0)
            continue;
        for (size_t n = 0; n < sizeof share / sizeof share[0]; n++) {
            double limit = num_max(1, num_floor(share[n] * b->best_fixed + 0.5)), good;
            if (limit == before)
                continue;
            before = limit;
            good = with_limit(b, limit);
            if (good > best) {
                best = good;
                best_limit = limit;
            }
        }
        (void)printf("%-10s capacity %8.3f (table %8.3f)  best fixed limit %4.0f (table %4.0f)\n",
                     b->name, best, b->capacity, best_limit, b->best_fixed);
        (void)fflush(stdout);
    }
    return 0;
}
