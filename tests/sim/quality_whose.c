/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose trouble it is (docs/decisions.md, "Whose evidence"): what an upstream does to one user or
 * to one model is no reason to keep the others away, what it does to all of them is, and a probe
 * that hangs holds up nobody but itself.  The service is hosted without a limit: whoever is refused
 * is so for nothing.
 */
#include <stdlib.h>

#include "quality.h"
#include "weir/base/assert.h"

enum { SEEDS = 5, LAST_S = 300, FROM_S = 60, TO_S = 240, RETURN_S = 90 };

static struct fault fault_of(enum fault_kind kind, enum fault_scope scope, double value)
{
    return (struct fault){
        .kind = kind, .scope = scope, .at_s = FROM_S, .seconds = TO_S - FROM_S, .value = value};
}

/* Of group 0 while the fault lasts; how often the breaker opened, a run. */
struct others {
    double refused, opened;
};

static struct others others(const struct report *r, struct scenario sc, struct result *res)
{
    struct others out = {0};
    double asked = 0;

    for (uint64_t s = 0; s < SEEDS; s++) {
        sc.seed = r->effort.first_seed + s;
        (void)sim_run(&sc, res);
        out.refused += sum_bins(res->group[0].shed, FROM_S, TO_S);
        asked += sum_bins(res->group[0].asked, FROM_S, TO_S);
        out.opened += (double)res->opened / SEEDS;
    }
    out.refused /= num_max(1, asked);
    return out;
}

/* Good answers for what was asked, by the last run. */
static double served(const struct result *res, int group, double from_s, double to_s)
{
    return sum_bins(res->group[group].good, from_s, to_s) /
           num_max(1, sum_bins(res->group[group].asked, from_s, to_s));
}

static struct scenario hosted(double per_s)
{
    struct scenario sc = scenario_of(backend_find("hosted"), per_s, LAST_S, 1);

    sc.pace_auto = true;
    return sc;
}

/* One user sends as much as all others, and fares ill; the others do not notice. */
static void check_one_user(struct report *r, struct result *res)
{
    static const struct {
        const char *what;
        enum fault_kind kind;
        double value;
        uint32_t users;
    } cases[] = {
        {"one of 2 users: 500", FAULT_500, 0, 1},
        {"one of 11 users: 500", FAULT_500, 0, 10},
        {"one of 2 users over quota, 429 for 1 s", FAULT_QUOTA, 1, 1},
        {"one of 11 users over quota, 429 for 1 s", FAULT_QUOTA, 1, 10},
        {"one of 2 users over quota, 429 alone", FAULT_QUOTA_SILENT, 1, 1},
        {"one of 11 users over quota, 429 alone", FAULT_QUOTA_SILENT, 1, 10},
    };
    char what[80];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scenario sc = hosted(5);
        struct others o;
        sc.users = cases[i].users;
        sc.heavy = 1;
        sc.n_faults = 1;
        sc.fault[0] = fault_of(cases[i].kind, FOR_HEAVY, cases[i].value);
        o = others(r, sc, res);
        (void)snprintf(what, sizeof what, "%s: others refused", cases[i].what);
        at_most(r, "who", what, o.refused, 0.001);
        (void)snprintf(what, sizeof what, "%s: openings", cases[i].what);
        at_most(r, "who", what, o.opened, 0);
    }
}

/* The same user all along an outage: probes and shares that are the user's 500s decide nothing. */
static void check_one_user_outage(struct report *r, struct result *res)
{
    double refused = 0, asked = 0;

    for (uint64_t s = 0; s < SEEDS; s++) {
        struct scenario sc = hosted(5);
        sc.seed = r->effort.first_seed + s;
        sc.users = 10;
        sc.heavy = 1;
        sc.n_faults = 2;
        sc.fault[0] =
            (struct fault){.kind = FAULT_500, .scope = FOR_HEAVY, .at_s = 20, .seconds = LAST_S};
        sc.fault[1] =
            (struct fault){.kind = FAULT_DEAD, .at_s = FROM_S, .seconds = RETURN_S - FROM_S};
        (void)sim_run(&sc, res);
        refused += sum_bins(res->group[0].shed, RETURN_S + 30, LAST_S);
        asked += sum_bins(res->group[0].asked, RETURN_S + 30, LAST_S);
    }
    at_most(r, "who", "one of 11 users: 500, after an outage: others refused", refused / asked,
            0.02);
}

static void check_one_model(struct report *r, struct result *res)
{
    static const struct {
        const char *what;
        enum fault_kind kind;
        double value;
        uint32_t models;
        double refused, opened; /* at most */
        double after_s;         /* it was told to keep away for so long */
    } cases[] = {
        {"one of 2 models loads, 503", FAULT_503, 0, 2, 0.001, 0},
        {"one of 2 models loads, 503 for 20 s", FAULT_503, 20, 2, 0.001, 0, 22},
        {"one of 5 models loads, 503", FAULT_503, 0, 5, 0.001, 0},
        {"one of 2 models is not there, 404", FAULT_404, 0, 2, 0.001, 0},
    };
    char what[80];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scenario sc = hosted(5);
        struct others o;
        sc.users = 10;
        sc.models = cases[i].models;
        sc.n_faults = 1;
        sc.fault[0] = fault_of(cases[i].kind, FOR_FIRST_MODEL, cases[i].value);
        o = others(r, sc, res);
        (void)snprintf(what, sizeof what, "%s: others refused", cases[i].what);
        at_most(r, "who", what, o.refused, cases[i].refused);
        (void)snprintf(what, sizeof what, "%s: openings", cases[i].what);
        at_most(r, "who", what, o.opened, cases[i].opened);
        (void)snprintf(what, sizeof what, "%s: it is served when loaded", cases[i].what);
        at_least(r, "who", what, served(res, 2, TO_S + 5 + cases[i].after_s, LAST_S), 0.8);
    }
}

/* One key for everybody says nothing of whose trouble it is: what fails for all must be seen. */
static void check_one_key(struct report *r, struct result *res)
{
    struct scenario sc = hosted(5);
    struct others o;

    sc.users = 1;
    o = others(r, sc, res);
    at_most(r, "who", "one key for everybody, all well: refused", o.refused, 0);
    sc.n_faults = 1;
    sc.fault[0] = fault_of(FAULT_500, FOR_ALL, 0);
    o = others(r, sc, res);
    at_least(r, "who", "one key for everybody, all 500: kept from it", o.refused, 0.8);
    at_least(r, "who", "one key for everybody, all 500: openings", o.opened, 1);
    at_least(r, "who", "one key for everybody: served afterwards",
             served(res, 0, TO_S + 30, LAST_S), 0.9);
}

/* Back from the dead, and the first to be let through are silent for 25 s. */
static void check_stuck_probes(struct report *r, struct result *res)
{
    static const struct {
        uint32_t n;
        double sent; /* at least; each of them keeps the place until its deadline */
    } stuck[] = {{0, 0.5}, {1, 0.35}, {3, 0.1}};
    char what[80];

    for (size_t i = 0; i < sizeof stuck / sizeof stuck[0]; i++) {
        double soon = 0, later = 0;
        for (uint64_t s = 0; s < SEEDS; s++) {
            struct scenario sc = hosted(5);
            sc.seed = r->effort.first_seed + s;
            sc.users = 10;
            sc.n_faults = 1;
            sc.fault[0] = (struct fault){.kind = FAULT_DEAD,
                                         .at_s = FROM_S,
                                         .seconds = RETURN_S - FROM_S,
                                         .stuck = stuck[i].n};
            (void)sim_run(&sc, res);
            soon += sum_bins(res->group[0].sent, RETURN_S, RETURN_S + 25) / SEEDS / 25 / 5;
            later += served(res, 0, RETURN_S + 40, LAST_S) / SEEDS;
        }
        (void)snprintf(what, sizeof what, "%u probes hang for 25 s: sent in these, of all",
                       stuck[i].n);
        at_least(r, "who", what, soon, stuck[i].sent);
        (void)snprintf(what, sizeof what, "%u probes hang for 25 s: served after 40 s", stuck[i].n);
        at_least(r, "who", what, later, 0.95);
    }
}

void check_whose(struct report *r)
{
    struct result *res = malloc(sizeof *res);

    WEIR_ASSERT(res != NULL);
    check_one_user(r, res);
    check_one_user_outage(r, res);
    check_one_model(r, res);
    check_one_key(r, res);
    check_stuck_probes(r, res);
    free(res);
}
