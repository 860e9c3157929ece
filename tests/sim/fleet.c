/* SPDX-License-Identifier: Apache-2.0 */
/* Fleets: many weirs before one engine, against one weir before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fleet_sim.h"
#include "quality.h"
#include "weir/base/assert.h"

static struct scenario fleet_of(const struct backend *b, double load, size_t nodes, double seconds,
                                uint64_t seed)
{
    struct scenario sc = scenario_of(b, load, seconds, seed);

    sc.n_proxies = nodes;
    sc.fleet = (struct fleet_setup){.used = true, .on = nodes > 1, .rtt_ms = 0.5, .jitter = 1};
    return sc;
}

static double jain(const struct result *r, size_t n)
{
    double sum = 0, sq = 0, k = 0;

    for (size_t i = 0; i < n; i++) {
        double x = r->asked_by_proxy[i] > 0
                       ? (double)r->good_by_proxy[i] / (double)r->asked_by_proxy[i]
                       : 0;
        sum += x;
        sq += x * x;
        k++;
    }
    return sq > 0 ? sum * sum / (k * sq) : 0;
}

static struct result *run(const struct scenario *sc)
{
    struct result *r = malloc(sizeof *r);

    WEIR_ASSERT(r != NULL);
    (void)sim_run(sc, r);
    return r;
}

struct many {
    double good, jain;
};

static struct many measure(const struct scenario *sc, double from_s, double to_s)
{
    struct result *r = run(sc);
    struct many m = {good_rate(r, 0, from_s, to_s), jain(r, sc->n_proxies)};

    free(r);
    return m;
}

int command_fleet(uint64_t nodes, uint64_t seed)
{
    static const char *const names[] = {"A", "B", "C", "E", "F", "H"};
    static const double loads[] = {2, 5};
    size_t n = nodes > 0 ? nodes : 4;

    for (size_t b = 0; b < sizeof names / sizeof names[0]; b++)
        for (size_t l = 0; l < 2; l++) {
            const struct backend *x = backend_find(names[b]);
            struct scenario one = fleet_of(x, loads[l], 1, 300, seed);
            struct scenario sc = fleet_of(x, loads[l], n, 300, seed), off = sc;
            struct many m1 = measure(&one, 60, 300), mn, mo;
            off.fleet.on = false;
            mo = measure(&off, 60, 300);
            mn = measure(&sc, 60, 300);
            printf("%s %.0fx N=%zu: %.3f of one, Jain %.3f (each for itself %.3f, %.3f)\n",
                   names[b], loads[l], n, mn.good / m1.good, mn.jain, mo.good / m1.good, mo.jain);
            (void)fflush(stdout);
        }
    return 0;
}
