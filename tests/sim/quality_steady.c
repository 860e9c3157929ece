/* SPDX-License-Identifier: Apache-2.0 */
/* Steady load: Q1, Q2, Q3, Q8, Q9, Q12, ordinary APIs, several proxies. */
#include <string.h>

#include "quality.h"

static const char *label(char out[64], const struct backend *b, const char *what, double load)
{
    (void)snprintf(out, 64, "%s (%s) %s %gx", b->name, b->about, what, load);
    return out;
}

static double bound_by_slots(uint32_t slots, double many, double some, double few)
{
    return slots >= 24 ? many : slots >= 3 ? some : few;
}

/* The engine's own queue: no longer than the target and one request's time in a slot. */
static double queue_bound(const struct backend *b)
{
    return 0.5 + num_min(b->slots, b->best_fixed) / b->capacity;
}

static void check_overload(struct report *r, const struct backend *b)
{
    static const double loads[] = {2, 5, 10};
    double good[3], wait_s = 0, bound = bound_by_slots(b->slots, 0.92, 0.90, 0.85);
    char what[64];

    for (int i = 0; i < 3; i++) {
        struct scenario sc = scenario_of(b, loads[i], r->effort.seconds, 1);
        struct steady weir = steady(sc, &r->effort);
        good[i] = weir.good;
        wait_s = weir.wait_p95_s;
        at_least(r, "Q1", label(what, b, "of fixed at", loads[i]),
                 good[i] / steady_fixed(sc, &r->effort).good, bound);
    }
    at_most(r, "wait", label(what, b, "own queue p95 s at", 10), wait_s, queue_bound(b));
    at_least(r, "Q3", label(what, b, "of 5x at", 10), good[2] / good[1], 0.93);
}

/* Where prompts are what fills the engine, what is in flight follows P, and that is never still. */
static double variation_bound(const struct backend *b)
{
    return strcmp(b->name, "N") == 0 || strcmp(b->name, "O") == 0 ? 0.20 : 0.15;
}

void check_steady(struct report *r)
{
    char what[64];

    for (size_t i = 0; i < n_backends; i++) {
        const struct backend *b = &backends[i];
        struct scenario half = scenario_of(b, 0.5, r->effort.seconds, 1);
        struct scenario three = scenario_of(b, 3, r->effort.seconds, 1);
        if (b->api)
            continue;
        check_overload(r, b);
        at_most(r, "Q2", label(what, b, "shed beyond fixed at", 0.5),
                steady(half, &r->effort).shed - steady_fixed(half, &r->effort).shed, 0.02);
        if (b->slots >= 4)
            at_most(r, "Q9", label(what, b, "variation in flight at", 3),
                    steady(three, &r->effort).cv, variation_bound(b));
    }
}

/* E and J have long prompts and few slots. */
static double unary_bound(const struct backend *b)
{
    if (strcmp(b->name, "E") == 0 || strcmp(b->name, "J") == 0)
        return 0.78;
    return b->slots == 4 || b->slots >= 32 ? 0.90 : 0.70;
}

void check_unary(struct report *r)
{
    static const char *const names[] = {"A", "B", "C", "E", "G", "H", "J", "K", "Q"};
    static const double loads[] = {1, 2, 5, 10};
    char what[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct backend *b = backend_find(names[i]);
        for (int n = 0; n < 4; n++) {
            struct scenario sc = scenario_of(b, loads[n], r->effort.seconds, 1);
            sc.unary = 0.3;
            at_least(r, "Q12", label(what, b, "30 % unary, of fixed at", loads[n]),
                     steady(sc, &r->effort).good / steady_fixed(sc, &r->effort).good,
                     unary_bound(b));
        }
    }
}

void check_hour(struct report *r)
{
    static struct result res;
    char what[64];

    for (size_t i = 0; i < n_backends; i++) {
        const struct backend *b = &backends[i];
        double first = 0, last = 0;
        if (b->api)
            continue;
        for (uint64_t s = 0; s < 2; s++) {
            struct scenario sc = scenario_of(b, 5, 3600, r->effort.first_seed + s);
            (void)sim_run(&sc, &res);
            first += good_rate(&res, 0, 60, 900);
            last += good_rate(&res, 0, 2700, 3600);
        }
        at_least(r, "Q8", label(what, b, "last quarter of an hour at", 5), last / first, 0.93);
    }
}

static void check_api_at(struct report *r, const struct backend *b, double load, double bound)
{
    struct effort e = {r->effort.first_seed, 2, 300};
    struct scenario sc = scenario_of(b, load, e.seconds, 1);
    char what[64];

    at_least(r, "api", label(what, b, "of its capacity at", load),
             steady(sc, &e).good / b->capacity, bound);
}

/* No bounds were promised here; these keep what was found. */
void check_api(struct report *r)
{
    check_api_at(r, backend_find("api-32x20"), 2, 0.95);
    check_api_at(r, backend_find("api-8x100"), 2, 0.90);
    check_api_at(r, backend_find("api-8x100"), 5, 0.90);
    check_api_at(r, backend_find("api-16x500"), 2, 0.90);
    check_api_at(r, backend_find("api-16x500"), 5, 0.90);
}

void check_proxies(struct report *r)
{
    static const char *const names[] = {"A", "B"};
    char what[64];

    for (size_t i = 0; i < 2; i++) {
        const struct backend *b = backend_find(names[i]);
        for (size_t n = 2; n <= 4; n += 2) {
            struct scenario sc = scenario_of(b, 3, r->effort.seconds, 1);
            double fixed = steady_fixed(sc, &r->effort).good;
            sc.n_proxies = n;
            at_least(r, "multi",
                     label(what, b,
                           n == 2 ? "two proxies, of fixed at" : "four proxies, of fixed at", 3),
                     steady(sc, &r->effort).good / fixed, 0.92);
        }
    }
}
