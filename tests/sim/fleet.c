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

enum { SEEDS_MAX = 16 };

/* One weir before the same engine under the same load; kept until another engine's turn. */
static const struct result *single_of(const struct scenario *sc, uint64_t i)
{
    static struct {
        const char *backend;
        double load;
        uint32_t max_streams;
        uint64_t seed;
        struct result *r;
    } kept[SEEDS_MAX];
    struct scenario one = *sc;

    WEIR_ASSERT(i < SEEDS_MAX);
    if (kept[i].r != NULL && kept[i].backend == sc->backend->name && kept[i].load == sc->load &&
        kept[i].max_streams == sc->fleet.max_streams && kept[i].seed == sc->seed)
        return kept[i].r;
    one.n_proxies = 1;
    one.fleet = (struct fleet_setup){.used = true, .max_streams = sc->fleet.max_streams};
    free(kept[i].r);
    kept[i].r = run(&one);
    kept[i].backend = sc->backend->name;
    kept[i].load = sc->load;
    kept[i].max_streams = sc->fleet.max_streams;
    kept[i].seed = sc->seed;
    return kept[i].r;
}

/* A part of a run, and the goodput in it, of one weir's in the same time: mean and worst. */
struct span {
    double from_s, to_s;
    double good, worst;
};

/* Means over the seeds. */
struct against {
    double jain;
    double calls;  /* to the store, a second and node */
    double opened; /* times that a breaker opened at a node whose path is whole */
};

static struct against measure(const struct effort *e, struct scenario sc, struct span *spans,
                              size_t n_spans)
{
    struct against a = {0};
    double n = (double)e->seeds;

    for (size_t k = 0; k < n_spans; k++)
        spans[k].worst = 1e9;
    for (uint64_t i = 0; i < e->seeds; i++) {
        const struct result *single;
        struct result *many;
        sc.seed = e->first_seed + i;
        single = single_of(&sc, i);
        many = run(&sc);
        for (size_t k = 0; k < n_spans; k++) {
            struct span *s = &spans[k];
            double good =
                good_rate(many, 0, s->from_s, s->to_s) / good_rate(single, 0, s->from_s, s->to_s);
            s->good += good / n;
            s->worst = num_min(s->worst, good);
        }
        a.jain += jain(many, sc.n_proxies) / n;
        a.calls += (double)many->store_calls / (double)sc.n_proxies / sc.seconds / n;
        a.opened += (double)many->opened_else / n;
        free(many);
    }
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
    for (int down = 0; down < 2; down++) {
        double most = 0;
        for (uint64_t i = 0; i < r->effort.seeds; i++) {
            struct scenario sc = steady_of("A", 3, nodes, r->effort.first_seed + i);
            struct result *res;
            sc.fleet.max_streams = 48;
            if (down)
                trouble(&sc, STORE_DOWN, 240, 60, 0);
            res = run(&sc);
            most = num_max(most, res->used_most);
            free(res);
        }
        at_most(r, "F1",
                down ? "... the store down for 60 s" : "max_streams 48 at 3x: most in flight", most,
                48);
    }
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
            struct scenario sc = steady_of(rows[i].backend, loads[l], nodes, 0);
            struct span all = {FROM_S, TO_S};
            struct against a = measure(&r->effort, sc, &all, 1);
            char what[64];
            (void)snprintf(what, sizeof what, "%s at %.0fx: goodput of one weir", rows[i].backend,
                           loads[l]);
            at_least(r, "F2", what, all.good, rows[i].bound);
            (void)snprintf(what, sizeof what, "%s at %.0fx: Jain's index", rows[i].backend,
                           loads[l]);
            if (all.good * sc.backend->capacity * TO_S >= 50.0 * (double)nodes)
                at_least(r, "F3", what, a.jain, 0.95);
        }
}

static void check_uneven(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 2, nodes, 0);
    struct span all = {FROM_S, TO_S};
    struct against a;

    sc.fleet.heavy = 5;
    a = measure(&r->effort, sc, &all, 1);
    at_least(r, "F3", "5x on one node: goodput of one weir", all.good, 0.95);
    at_least(r, "F3", "5x on one node: Jain's index", a.jain, 0.95);
}

/* F4: so many come, and go. */
static void check_join(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 2, 2 * nodes, 0);
    struct span after[] = {{240, 270}, {340, 370}, {420, 480}};

    sc.fleet.first = nodes;
    trouble(&sc, NODES_ARE, 240, 0, 2.0 * (double)nodes);
    trouble(&sc, NODES_ARE, 340, 0, (double)nodes);
    trouble(&sc, NODE_KILLED, 420, 0, 0);
    (void)measure(&r->effort, sc, after, 3);
    at_least(r, "F4", "as many nodes join: the next 30 s", after[0].good, 0.90);
    at_least(r, "F4", "and leave: the next 30 s", after[1].good, 0.90);
    at_least(r, "F4", "one is killed: the next 60 s", after[2].good, 0.90);
}

/* F5: a dead engine.  The worst of the seeds. */
static void check_death(struct report *r, size_t nodes, bool fragile)
{
    double first = 0, later = 0, back_s = 0;
    const char *name = fragile ? "F5 fragile" : "F5";

    for (uint64_t i = 0; i < r->effort.seeds; i++) {
        struct scenario sc = outage_scenario(backend_find("A"), fragile, r->effort.first_seed + i);
        struct result *res;
        sc.n_proxies = nodes;
        sc.fleet = (struct fleet_setup){.used = true, .on = true, .rtt_ms = 0.5, .jitter = 1};
        res = run(&sc);
        first = num_max(first, sum_bins(res->dead_in, 200, 210));
        later = num_max(later, sum_bins(res->dead_in, 210, 260));
        back_s = num_max(back_s, time_to_rate(res, 0.72 * sc.backend->capacity, 260, sc.seconds));
        free(res);
    }
    if (!fragile) {
        at_most(r, name, "attempts at a dead engine, first 10 s", first, 45);
        at_most(r, name, "attempts at a dead engine, the next 50 s", later, 25);
    }
    at_most(r, name, "seconds until it serves again", back_s, fragile ? 120 : 60);
}

/* F6 */
static void check_path(struct report *r, size_t nodes)
{
    struct scenario sc = steady_of("A", 2, nodes, 0);
    struct span broken = {245, 300};
    struct against a;

    trouble(&sc, NODE_PATH, 240, 60, 1);
    a = measure(&r->effort, sc, &broken, 1);
    at_least(r, "F6", "one node's path is broken: goodput of one weir", broken.good, 0.95);
    at_most(r, "F6", "... times that another's breaker opened, or the fleet's", a.opened, 0);
}

static void check_store(struct report *r, size_t nodes)
{
    const struct {
        const char *what, *back;
        enum trouble_kind kind;
        double bound;
    } rows[] = {
        {"the store is down: goodput of one weir", "... back, first 30 s", STORE_DOWN, 0.90},
        {"the store hangs: goodput of one weir", "... back, first 30 s", STORE_FROZEN, 0.90},
        {"half of the nodes are cut off", "... back, first 30 s", STORE_CUT,
         nodes <= 4 ? 0.95 : 0.90},
        {"the store is emptied", "... later", STORE_EMPTIED, 0.90},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scenario sc = steady_of("A", 2, nodes, 0);
        struct span parts[] = {{240, 300}, {300, 330}};
        trouble(&sc, rows[i].kind, 240, 60, 0);
        (void)measure(&r->effort, sc, parts, 2);
        at_least(r, "down", rows[i].what, parts[0].good, rows[i].bound);
        at_least(r, "down", rows[i].back, parts[1].good, nodes <= 4 ? 0.90 : 0.85);
    }
}

/* Round trips of so much, up to twice that.  Four slots: found, and set. */
static void check_slow(struct report *r, size_t nodes)
{
    static const struct {
        const char *what, *backend;
        uint32_t max_streams;
        double rtt_ms, bound;
    } rows[] = {
        {"A, a round trip of 20 to 40 ms", "A", 0, 20, 0.94},
        {"A, a round trip of 100 to 200 ms", "A", 0, 100, 0.95},
        {"A, a round trip of 150 to 300 ms", "A", 0, 150, 0.94},
        {"C, a round trip of 20 to 40 ms", "C", 0, 20, 0.85},
        {"C of max_streams 4, a round trip of 150 to 300 ms", "C", 4, 150, 0.85},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scenario sc = steady_of(rows[i].backend, 2, nodes, 0);
        struct span all = {FROM_S, TO_S};
        sc.fleet.rtt_ms = rows[i].rtt_ms;
        sc.fleet.max_streams = rows[i].max_streams;
        (void)measure(&r->effort, sc, &all, 1);
        at_least(r, "slow", rows[i].what, all.good, rows[i].bound);
    }
}

/* Of the conversations: complete, and broken after their first turn. */
struct talked {
    double complete, broken, good;
};

/* Each turn comes to any node, and a refused one comes back once. */
static struct talked talk(size_t nodes, bool own_leases, uint64_t seed)
{
    struct scenario sc = fleet_of(backend_find("A"), 2, nodes, 900, seed);
    struct result *res;
    struct talked t;
    double all;

    sc.talk_turns = 5;
    sc.talk_retries = 1;
    sc.warm_s = FROM_S;
    sc.fleet.own_leases = own_leases;
    res = run(&sc);
    all = (double)(res->talks_good + res->talks_lost_first + res->talks_lost_later);
    t.complete = (double)res->talks_good / all;
    t.broken = (double)res->talks_lost_later / all;
    t.good = good_rate(res, 0, FROM_S, sc.seconds) / sc.backend->capacity;
    free(res);
    return t;
}

/* F8 */
static void check_conversations(struct report *r, size_t nodes)
{
    struct talked t = talk(nodes, false, r->effort.first_seed);

    at_most(r, "F8", "5 turns at 2x, one retry a turn: broken later", t.broken, 0.10);
    at_least(r, "F8", "... complete", t.complete, 0.40);
    at_least(r, "F8", "... good turns of capacity", t.good, 0.95);
    if (nodes == 1)
        return;
    t = talk(nodes, true, r->effort.first_seed);
    at_least(r, "F8", "... with leases of each node's own, broken later", t.broken, 0.15);
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

/* One engine under 2 and 5 times its load. */
static int compare(const char *backend, size_t nodes, const struct effort *e, uint32_t max_streams)
{
    static const double loads[] = {2, 5};

    for (size_t l = 0; l < 2; l++) {
        struct scenario sc = steady_of(backend, loads[l], nodes, 0);
        struct span all = {FROM_S, TO_S};
        struct against a;
        sc.fleet.max_streams = max_streams;
        a = measure(e, sc, &all, 1);
        (void)printf("%s x%.0f, %zu nodes: goodput of one weir %.3f, worst %.3f; Jain %.3f; "
                     "%.1f calls a second and node\n",
                     backend, loads[l], nodes, all.good, all.worst, a.jain, a.calls);
    }
    return 0;
}

int command_fleet(uint64_t nodes, uint64_t seed, const char *backend, const struct fleet_many *m)
{
    struct report r = {.effort = {.first_seed = seed, .seeds = 8, .seconds = TO_S}};
    size_t n = nodes > 0 ? nodes : 4;

    if (backend != NULL) {
        r.effort.seeds = m->seeds;
        return compare(backend, n, &r.effort, m->max_streams);
    }
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
        check_conversations(&r, n);
        check_slow(&r, n);
    }
    (void)printf("sim fleet %zu: %u hold, %u do not\n", n, r.passed, r.failed);
    return r.failed > 0;
}
