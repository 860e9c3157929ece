/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual users: crowds that reload (Q7), conversations (Q11), one heavy user. */
#include <stdlib.h>

#include "quality.h"
#include "weir/base/assert.h"

enum { CROWD_AT_S = 100, CROWD_WINDOW_S = 240 };

struct crowd measure_crowd(uint32_t users, enum comeback how, const struct effort *e)
{
    struct result *res = malloc(sizeof *res);
    struct crowd out = {0};
    double n = (double)e->seeds;

    WEIR_ASSERT(res != NULL);
    for (uint64_t i = 0; i < e->seeds; i++) {
        struct scenario sc = scenario_of(backend_find("A"), 0.5, 400, e->first_seed + i);
        double served, sum = 0, half = -1, last = 0, peak = 0;
        const struct bins *b = &res->group[2];
        sc.crowd = users;
        sc.crowd_at_s = CROWD_AT_S;
        sc.retries = 4;
        sc.comeback = how;
        (void)sim_run(&sc, res);
        served = sum_bins(b->good, CROWD_AT_S, CROWD_AT_S + CROWD_WINDOW_S);
        for (int s = CROWD_AT_S; s < CROWD_AT_S + CROWD_WINDOW_S; s++) {
            sum += b->good[s];
            if (half < 0 && sum >= served / 2)
                half = s - CROWD_AT_S;
            if (b->good[s] > 0)
                last = s - CROWD_AT_S;
            if (s > CROWD_AT_S)
                peak = num_max(peak, b->asked[s]);
        }
        out.served += served / users / n;
        out.attempts += sum_bins(b->asked, CROWD_AT_S, 400) / n;
        out.median_s += half / n;
        out.last_s += last / n;
        out.peak_retries += peak / n;
    }
    free(res);
    return out;
}

void check_crowd(struct report *r)
{
    at_least(r, "Q7", "600 clients reload at 0.5x: served within 240 s",
             measure_crowd(600, COMEBACK_HEADER, &r->effort).served, 0.95);
}

static void no_leases(struct decide_conf *c)
{
    c->lease_ns = 0;
}

struct talks measure_talks(double load, uint32_t retries, bool leases, const struct effort *e)
{
    struct result *res = malloc(sizeof *res);
    struct talks out = {0};
    double all;

    WEIR_ASSERT(res != NULL);
    for (uint64_t i = 0; i < e->seeds; i++) {
        struct scenario sc = scenario_of(backend_find("A"), load, 900, e->first_seed + i);
        sc.talk_turns = 5;
        sc.talk_retries = retries;
        sc.tune = leases ? NULL : no_leases;
        (void)sim_run(&sc, res);
        out.complete += (double)res->talks_good;
        out.lost_first += (double)res->talks_lost_first;
        out.lost_later += (double)res->talks_lost_later;
        out.good +=
            good_rate(res, 0, sc.warm_s, sc.seconds) / sc.backend->capacity / (double)e->seeds;
    }
    all = out.complete + out.lost_first + out.lost_later;
    out.complete /= all;
    out.lost_first /= all;
    out.lost_later /= all;
    free(res);
    return out;
}

void check_talks(struct report *r)
{
    static const double loads[] = {1.25, 2, 4};
    char what[64];

    for (int i = 0; i < 3; i++) {
        double most = 1 / loads[i];
        (void)snprintf(what, sizeof what, "5 turns at %gx, one retry a turn: complete", loads[i]);
        at_least(r, "Q11", what, measure_talks(loads[i], 1, true, &r->effort).complete, 0.9 * most);
        (void)snprintf(what, sizeof what, "5 turns at %gx, no retry: complete", loads[i]);
        at_least(r, "Q11", what, measure_talks(loads[i], 0, true, &r->effort).complete,
                 0.65 * most);
    }
}

static void no_fairness(struct decide_conf *c)
{
    c->users.fair_share = 1;
}

/* The heavy user sends 20 times what all others send together. */
double measure_fairness(const struct backend *b, double calm_load, uint32_t users, bool fair,
                        const struct effort *e)
{
    struct scenario sc = scenario_of(b, calm_load, e->seconds, 1);
    double alone;

    sc.users = users;
    alone = steady(sc, e).good;
    sc.heavy = 20;
    sc.tune = fair ? NULL : no_fairness;
    return steady(sc, e).good / alone;
}

void check_fairness(struct report *r)
{
    static const struct {
        const char *backend;
        double load;
        uint32_t users;
        double bound;
    } cases[] = {
        {"A", 0.5, 30, 0.90},  {"A", 0.8, 30, 0.90}, {"A", 0.5, 5, 0.90},
        {"B", 0.5, 30, 0.90},  {"E", 0.5, 20, 0.90}, {"C", 0.4, 10, 0.90},
        {"F", 0.5, 100, 0.90}, {"C", 0.8, 10, 0.85}, {"H", 0.4, 10, 0.75},
    };
    char what[64];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(what, sizeof what, "%s at %gx, %u users, one sends 20 times as much",
                       cases[i].backend, cases[i].load, cases[i].users);
        at_least(r, "fair", what,
                 measure_fairness(backend_find(cases[i].backend), cases[i].load, cases[i].users,
                                  true, &r->effort),
                 cases[i].bound);
    }
}
