/* SPDX-License-Identifier: Apache-2.0 */
/* Fleets: many weirs before one engine, against one weir before it. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "fleet_sim.h"
#include "quality.h"
#include "weir/base/assert.h"
#include "weir/decide/num.h"

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

#define FROM_S 180.0 /* a fleet that starts in overload has learnt its limits by then */
#define TO_S   480.0

/* Of one weir's goodput in the same time. */
struct against {
    double good, jain;
    double calls; /* to the store, a second and node */
};

static struct against measure(struct scenario sc, double from_s, double to_s)
{
    struct scenario one = sc;
    struct result *many, *single;
    struct against a;

    one.n_proxies = 1;
    one.fleet = (struct fleet_setup){.used = true, .max_streams = sc.fleet.max_streams};
    many = run(&sc);
    single = run(&one);
    a.good = good_rate(many, 0, from_s, to_s) / good_rate(single, 0, from_s, to_s);
    a.jain = jain(many, sc.n_proxies);
    a.calls = (double)many->store_calls / (double)sc.n_proxies / sc.seconds;
    free(many);
    free(single);
    return a;
}

static struct scenario steady_of(const char *backend, double load, size_t nodes, uint64_t seed)
{
    return fleet_of(backend_find(backend), load, nodes, TO_S, seed);
}

static void trouble(struct scenario *sc, enum trouble_kind kind, double at_s, double seconds,
                    double value)
{
    sc->fleet.trouble[sc->fleet.n_troubles++] = (struct fleet_trouble){kind, at_s, seconds, value};
}

/* F1: what an operator set is the most over all nodes, whether they know of each other or not. */
static void check_most(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 3, nodes, r->effort.first_seed);
    struct result *res;

    sc.fleet.max_streams = 48;
    res = run(&sc);
    at_most(r, "F1", "max_streams 48 at 3x: most in flight", res->used_most, 48);
    free(res);
    trouble(&sc, STORE_DOWN, 240, 60, 0);
    res = run(&sc);
    at_most(r, "F1", "... the store down for 60 s", res->used_most, 48);
    free(res);
}

/* F2, F3 */
static void check_shared(struct report *r, size_t nodes)
{
    static const struct {
        const char *backend;
        double bound;
    } rows[] = {{"A", 0.95}, {"B", 0.95}, {"F", 0.95}, {"C", 0.90}, {"E", 0.85}, {"H", 0.90}};
    static const double loads[] = {2, 5};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t l = 0; l < 2; l++) {
            struct scenario sc = steady_of(rows[i].backend, loads[l], nodes, r->effort.first_seed);
            struct against a = measure(sc, FROM_S, TO_S);
            char what[64];
            (void)snprintf(what, sizeof what, "%s at %.0fx: goodput of one weir", rows[i].backend,
                           loads[l]);
            at_least(r, "F2", what, a.good, rows[i].bound);
            (void)snprintf(what, sizeof what, "%s at %.0fx: Jain's index", rows[i].backend,
                           loads[l]);
            if (a.good * backend_find(rows[i].backend)->capacity * TO_S >= 50.0 * (double)nodes)
                at_least(r, "F3", what, a.jain, 0.95);
        }
}

static void check_uneven(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 2, nodes, r->effort.first_seed);
    struct against a;

    sc.fleet.heavy = 5;
    a = measure(sc, FROM_S, TO_S);
    at_least(r, "F3", "5x on one node: goodput of one weir", a.good, 0.95);
    at_least(r, "F3", "5x on one node: Jain's index", a.jain, 0.95);
}

/* F4: so many come, and go. */
static void check_join(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 2, 2 * nodes, r->effort.first_seed);

    sc.fleet.first = nodes;
    trouble(&sc, NODES_ARE, 240, 0, 2.0 * (double)nodes);
    trouble(&sc, NODES_ARE, 340, 0, (double)nodes);
    trouble(&sc, NODE_KILLED, 420, 0, 0);
    at_least(r, "F4", "as many nodes join: the next 30 s", measure(sc, 240, 270).good, 0.90);
    at_least(r, "F4", "and leave: the next 30 s", measure(sc, 340, 370).good, 0.90);
    at_least(r, "F4", "one is killed: the next 60 s", measure(sc, 420, 480).good, 0.90);
}

/* F5: a dead engine. */
static void check_death(struct report *r, size_t nodes, bool fragile)
{
    struct scenario sc = outage_scenario(backend_find("A"), fragile, r->effort.first_seed);
    struct result *res;
    const char *name = fragile ? "F5 fragile" : "F5";

    sc.n_proxies = nodes;
    sc.fleet = (struct fleet_setup){.used = true, .on = true, .rtt_ms = 0.5, .jitter = 1};
    res = run(&sc);
    if (!fragile) {
        at_most(r, name, "attempts at a dead engine, first 10 s", sum_bins(res->dead_in, 200, 210),
                45);
        at_most(r, name, "attempts at a dead engine, the next 50 s",
                sum_bins(res->dead_in, 210, 260), 25);
    }
    at_most(r, name, "seconds until it serves again",
            time_to_rate(res, 0.72 * sc.backend->capacity, 260, sc.seconds), fragile ? 120 : 60);
    free(res);
}

/* F6 */
static void check_path(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 2, nodes, r->effort.first_seed);

    trouble(&sc, NODE_PATH, 240, 60, 1);
    at_least(r, "F6", "one node's path is broken: goodput of one weir", measure(sc, 245, 300).good,
             0.95);
}

static void check_store(struct report *r, size_t nodes)
{
    static const struct {
        const char *what, *back;
        enum trouble_kind kind;
    } rows[] = {
        {"the store is down: goodput of one weir", "... back, first 30 s", STORE_DOWN},
        {"the store hangs: goodput of one weir", "... back, first 30 s", STORE_FROZEN},
        {"half of the nodes are cut off", "... back, first 30 s", STORE_CUT},
        {"the store is emptied", "... later", STORE_EMPTIED},
    };
    struct scenario sc;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sc = steady_of("A", 2, nodes, r->effort.first_seed);
        trouble(&sc, rows[i].kind, 240, 60, 0);
        at_least(r, "down", rows[i].what, measure(sc, 240, 300).good, 0.90);
        at_least(r, "down", rows[i].back, measure(sc, 300, 330).good, 0.90);
    }
    sc = steady_of("A", 2, nodes, r->effort.first_seed);
    sc.fleet.rtt_ms = 100;
    at_least(r, "slow", "a round trip of 100 to 200 ms", measure(sc, FROM_S, TO_S).good, 0.95);
}

/* Twenty engines of 48 slots as one, and a node for nearly each slot. */
static void check_thousand(struct report *r)
{
    struct backend b = *backend_find("A");
    struct scenario sc;
    struct result *res;

    b.slots *= 20;
    b.capacity *= 20;
    b.a_ms /= 20;
    b.c_us /= 20;
    b.chunk *= 20;
    sc = fleet_of(&b, 2, 1000, 90, r->effort.first_seed);
    res = run(&sc);
    at_least(r, "1000", "960 slots at 2x: good of capacity", good_rate(res, 0, 60, 90) / b.capacity,
             0.90);
    at_most(r, "F15", "calls a second and node", (double)res->store_calls / 1000 / 90, 20);
    free(res);
}

/* One engine under 2 and 5 times its load, over some seeds: means, and the worst goodput. */
static int compare(const char *backend, size_t nodes, uint64_t seed, const struct fleet_many *m)
{
    static const double loads[] = {2, 5};

    for (size_t l = 0; l < 2; l++) {
        double good = 0, least = 1e9, even = 0, calls = 0;
        for (uint64_t i = 0; i < m->seeds; i++) {
            struct scenario sc = steady_of(backend, loads[l], nodes, seed + i);
            struct against a;
            sc.fleet.max_streams = m->max_streams;
            a = measure(sc, FROM_S, TO_S);
            good += a.good / (double)m->seeds;
            least = num_min(least, a.good);
            even += a.jain / (double)m->seeds;
            calls += a.calls / (double)m->seeds;
        }
        (void)printf("%s x%.0f, %zu nodes: goodput of one weir %.3f, worst %.3f; Jain %.3f; "
                     "%.1f calls a second and node\n",
                     backend, loads[l], nodes, good, least, even, calls);
    }
    return 0;
}

int command_fleet(uint64_t nodes, uint64_t seed, const char *backend, const struct fleet_many *m)
{
    struct report r = {.effort = {.first_seed = seed, .seeds = 1, .seconds = TO_S}};
    size_t n = nodes > 0 ? nodes : 4;

    if (backend != NULL)
        return compare(backend, n, seed, m);
    if (n >= 1000) {
        check_thousand(&r);
    } else {
        check_most(&r, n);
        check_shared(&r, n);
        check_uneven(&r, n);
        check_join(&r, n);
        check_death(&r, n, false);
        check_death(&r, n, true);
        check_path(&r, n);
        check_store(&r, n);
    }
    (void)printf("sim fleet %zu: %u hold, %u do not\n", n, r.passed, r.failed);
    return r.failed > 0;
}
