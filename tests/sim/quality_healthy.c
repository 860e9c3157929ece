/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healthy traffic of services that have no limit: first tokens and whole answers that vary by
 * nature, and crowds that come at once to an idle one.  Hardly anybody may be refused.  And the
 * same spread with slots behind it: there overload must still be found.
 */
#include <stdlib.h>
#include <string.h>

#include "quality.h"
#include "weir/base/assert.h"

enum { SEEDS = 5, DAYS = 40, DAY_S = 120 };
#define REFUSED_MAX 0.02

/* First tokens (whole answers) after `ms`, lognormal, or for a share after slow_ms. */
static const struct nature {
    const char *name;
    double ms, sigma, slow_share, slow_ms;
    bool whole;
    double per_s;    /* requests a second */
    double pause_ms; /* after the tenth event */
    double most_ms;  /* any time from `ms` to this one, all as likely */
} natures[] = {
    {"0.8 s, sigma 0.6", 800, 0.6, 0, 0, false, 3},
    {"0.8 s, sigma 0.6", 800, 0.6, 0, 0, false, 20},
    {"0.2 s, sigma 1.0", 200, 1.0, 0, 0, false, 10},
    {"0.5 s, sigma 0.3", 500, 0.3, 0, 0, false, 1},
    {"2 s, sigma 0.8", 2000, 0.8, 0, 0, false, 2},
    {"8 s, sigma 0.5", 8000, 0.5, 0, 0, false, 1},
    {"8 s, a fifth around", 8000, 0.12, 0, 0, false, 1},
    {"cached 0.1 s, one in three 1.5 s", 100, 0.1, 0.33, 1500, false, 3},
    {"cached 0.1 s, one in three 1.5 s", 100, 0.1, 0.33, 1500, false, 20},
    {"cached 0.1 s, one in ten 4 s", 100, 0.1, 0.1, 4000, false, 5},
    {"0.3 s, half of them 2 s", 300, 0.2, 0.5, 2000, false, 8},
    {"whole 0.4 s, one in ten 6 s", 400, 0.3, 0.1, 6000, true, 8},
    {"whole 0.4 s, one in ten 6 s", 400, 0.3, 0.1, 6000, true, 20},
    {"whole 1 s, sigma 0.8", 1000, 0.8, 0, 0, true, 4},
    {"whole 0.2 s, one in four 3 s", 200, 0.3, 0.25, 3000, true, 10},
    {"a pause of 3 s inside", 500, 0.3, 0, 0, false, 1, 3000},
    {"a pause of 8 s inside", 500, 0.3, 0, 0, false, 3, 8000},
    {"a pause of 20 s inside", 800, 0.6, 0, 0, false, 10, 20000},
};

/* From a cold start what bench/scenarios/ordinary-day.cfg has, and more than that. */
static const struct day {
    struct nature nature;
    double most; /* refused */
} days[] = {
    {{"thinking, 8 to 60 s", 8000, 0, 0, 0, false, 0.1, 0, 60000}, 0.001},
    {{"thinking, 8 to 60 s", 8000, 0, 0, 0, false, 0.3, 0, 60000}, 0.001},
    {{"thinking, 8 to 60 s", 8000, 0, 0, 0, false, 1, 0, 60000}, 0.002},
    {{"thinking, 8 to 60 s", 8000, 0, 0, 0, false, 2, 0, 60000}, 0.01},
    {{"thinking, 2 to 20 s", 2000, 0, 0, 0, false, 1, 0, 20000}, 0.01},
    {{"cached 0.1 s, one in three 1.5 s", 100, 0.1, 0.33, 1500, false, 3}, 0.001},
    {{"hosted 0.8 s, sigma 0.6", 800, 0.6, 0, 0, false, 3}, 0.001},
    {{"tools 0.4 s, sigma 0.4", 400, 0.4, 0, 0, false, 1, 9000}, 0.001},
};

static struct backend backend_of(const struct nature *n)
{
    struct backend b = *backend_find(n->whole ? "whole" : "hosted");

    b.name = n->name;
    b.service_ms = n->ms;
    b.service_sigma = n->sigma;
    b.service_most_ms = n->most_ms;
    b.slow_share = n->slow_share;
    b.slow_ms = n->slow_ms;
    b.pause_ms = n->pause_ms;
    return b;
}

static void check_nature(struct report *r, const struct nature *n, struct result *res)
{
    struct backend b = backend_of(n);
    double shed = 0, asked = 0, shed_later = 0, asked_later = 0;
    char what[80];

    for (uint64_t s = 0; s < SEEDS; s++) {
        struct scenario sc = scenario_of(&b, n->per_s, 120, r->effort.first_seed + s);
        (void)sim_run(&sc, res);
        shed += sum_bins(res->group[0].shed, 0, 120);
        asked += sum_bins(res->group[0].asked, 0, 120);
        shed_later += sum_bins(res->group[0].shed, 30, 120);
        asked_later += sum_bins(res->group[0].asked, 30, 120);
    }
    (void)snprintf(what, sizeof what, "%s, %g/s: refused", n->name, n->per_s);
    at_most(r, "well", what, shed / asked, REFUSED_MAX);
    (void)snprintf(what, sizeof what, "%s, %g/s: refused after 30 s", n->name, n->per_s);
    at_most(r, "well", what, shed_later / asked_later, REFUSED_MAX);
}

static void check_natures(struct report *r, struct result *res)
{
    for (size_t i = 0; i < sizeof natures / sizeof natures[0]; i++)
        check_nature(r, &natures[i], res);
}

/* Clients that wait as long as it takes. */
static struct scenario patient(const struct backend *b, double load, double seconds, uint64_t seed)
{
    struct scenario sc = scenario_of(b, load, seconds, seed);

    sc.first_token_s = sc.patience_s = 120;
    sc.pace_auto = true;
    sc.warm_s = 0;
    return sc;
}

static void check_day(struct report *r, const struct day *d, struct result *res)
{
    struct backend b = backend_of(&d->nature);
    double shed = 0, asked = 0;
    char what[80];

    for (uint64_t s = 0; s < DAYS; s++) {
        struct scenario sc = patient(&b, d->nature.per_s, DAY_S, r->effort.first_seed + s);
        (void)sim_run(&sc, res);
        shed += sum_bins(res->group[0].shed, 0, DAY_S);
        asked += sum_bins(res->group[0].asked, 0, DAY_S);
    }
    (void)snprintf(what, sizeof what, "a day: %s, %g/s: refused", d->nature.name, d->nature.per_s);
    at_most(r, "well", what, shed / asked, d->most);
}

/* Silence with slots behind it, overloaded from a cold start: answers of the first 200 s. */
static void check_silent_slots(struct report *r, const char *name, double load, double bound,
                               struct result *res)
{
    const struct backend *b = backend_find(name);
    double good = 0, fixed = 0;
    char what[64];

    for (uint64_t s = 0; s < SEEDS; s++) {
        struct scenario sc = patient(b, load, 200, r->effort.first_seed + s);
        (void)sim_run(&sc, res);
        good += sum_bins(res->group[0].good, 0, 200);
        sc.rule = RULE_FIXED;
        sc.fixed = b->best_fixed;
        (void)sim_run(&sc, res);
        fixed += sum_bins(res->group[0].good, 0, 200);
    }
    (void)snprintf(what, sizeof what, "%s at %gx, 200 s: good / fixed", name, load);
    at_least(r, "well", what, good / fixed, bound);
}

static void check_slots(struct report *r)
{
    static const char *const names[] = {"spread-16", "spread-4", "cached-16"};
    static const double loads[] = {2, 5};
    struct effort e = {r->effort.first_seed, SEEDS, 600};
    char what[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int l = 0; l < 2; l++) {
            struct scenario sc = scenario_of(backend_find(names[i]), loads[l], 600, 1);
            struct steady weir = steady(sc, &e), fixed = steady_fixed(sc, &e);
            (void)snprintf(what, sizeof what, "%s at %gx: good / fixed", names[i], loads[l]);
            at_least(r, "well", what, weir.good / fixed.good, 0.80);
        }
}

/* So many come at once to an idle service, and each comes again a second after its answer. */
static const struct crowding_in {
    double ms;
    uint32_t virtual_users;
    double bound; /* refused in the first 5 s */
} crowds[] = {{5, 2000, 0.02}, {50, 2000, 0.05}, {300, 200, 0.02}, {300, 2000, 0.05}};

static void check_cold_crowd(struct report *r, const struct crowding_in *c, bool api,
                             struct result *res)
{
    struct backend b = *backend_find("whole");
    double shed = 0, asked = 0, shed_later = 0, asked_later = 0;
    char what[80];

    b.service_ms = c->ms;
    b.service_sigma = 0.1;
    b.plain = !api;
    for (uint64_t s = 0; s < SEEDS; s++) {
        struct scenario sc = scenario_of(&b, 0, 15, r->effort.first_seed + s);
        sc.virtual_users = c->virtual_users;
        sc.virtual_user_gap_s = 1;
        sc.warm_s = 0;
        (void)sim_run(&sc, res);
        shed += sum_bins(res->group[0].shed, 0, 5);
        asked += sum_bins(res->group[0].asked, 0, 5);
        shed_later += sum_bins(res->group[0].shed, 10, 15);
        asked_later += sum_bins(res->group[0].asked, 10, 15);
    }
    (void)snprintf(what, sizeof what, "%u at once, %g ms%s: refused in 5 s", c->virtual_users,
                   c->ms, api ? ", api" : "");
    at_most(r, "cold", what, shed / asked, c->bound);
    (void)snprintf(what, sizeof what, "%u at once, %g ms%s: refused later", c->virtual_users, c->ms,
                   api ? ", api" : "");
    at_most(r, "cold", what, shed_later / asked_later, 0.001);
}

void check_healthy(struct report *r)
{
    struct result *res = malloc(sizeof *res);

    WEIR_ASSERT(res != NULL);
    check_natures(r, res);
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
        check_day(r, &days[i], res);
    check_silent_slots(r, "thinking-4", 2, 0.9, res);
    check_silent_slots(r, "thinking-4", 5, 0.6, res);
    check_silent_slots(r, "thinking-16", 2, 0.9, res);
    check_silent_slots(r, "thinking-16", 5, 0.6, res);
    check_slots(r);
    for (size_t i = 0; i < sizeof crowds / sizeof crowds[0]; i++) {
        check_cold_crowd(r, &crowds[i], false, res);
        check_cold_crowd(r, &crowds[i], true, res);
    }
    free(res);
}
