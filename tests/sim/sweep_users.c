/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of users and of outages. */
#include "sweep.h"

void table_talks(const struct effort *e)
{
    static const double loads[] = {1, 1.25, 2, 4};
    static const uint32_t retries[] = {0, 1, 3};

    (void)printf("\n## Conversations of five turns: share in which all five were good\n\nA; 8 s of "
                 "thinking between turns; a refused turn is tried again so many times after 2 to 8 "
                 "s. In brackets: lost at "
                 "the first turn, lost later.\n\n| precedence | retries | 1x | 1.25x | 2x | 4x | "
                 "good turns at 4x / "
                 "capacity |\n|---|---|---|---|---|---|---|\n");
    (void)printf("| the most, 1/load | |");
    for (int n = 0; n < 4; n++)
        (void)printf(" %.2f |", 1 / loads[n]);
    (void)printf(" |\n");
    for (int leases = 0; leases < 2; leases++) {
        for (int i = 0; i < 3; i++) {
            struct talks t = {0};
            (void)printf("| %s | %u |", leases ? "leases" : "none", retries[i]);
            for (int n = 0; n < 4; n++) {
                t = measure_talks(loads[n], retries[i], leases, e);
                (void)printf(" %.2f (%.2f, %.2f) |", t.complete, t.lost_first, t.lost_later);
            }
            (void)printf(" %.2f |\n", t.good);
        }
    }
}

void table_fairness(const struct effort *e)
{
    static const struct {
        const char *backend;
        double load;
        uint32_t users;
    } cases[] = {{"A", 0.5, 30}, {"A", 0.8, 30}, {"A", 0.5, 5},  {"B", 0.5, 30}, {"F", 0.5, 100},
                 {"E", 0.5, 20}, {"E", 0.9, 20}, {"C", 0.4, 10}, {"C", 0.8, 10}, {"H", 0.4, 10}};

    (void)printf(
        "\n## One user who sends 20 times what all the others send\n\nGood requests of the "
        "others, of what they get without that user.\n\n| engine, load of the others, how "
        "many | with the rule | without |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        (void)printf("| %s, %gx, %u | %.2f | %.2f |\n", cases[i].backend, cases[i].load,
                     cases[i].users,
                     measure_fairness(backend_find(cases[i].backend), cases[i].load, cases[i].users,
                                      true, e),
                     measure_fairness(backend_find(cases[i].backend), cases[i].load, cases[i].users,
                                      false, e));
}

void table_crowd(const struct effort *e)
{
    static const struct {
        const char *name;
        enum comeback how;
    } how[] = {{"no hint, the SDKs' back-off", COMEBACK_BACKOFF},
               {"5 s for everybody", COMEBACK_CONST_5},
               {"appointments", COMEBACK_HEADER}};
    static const uint32_t users[] = {600, 100};

    (void)printf("\n## A crowd that reloads within half a second\n\nA at 0.5x; each comes back at "
                 "most four times.\n\n| users | what the refused are told | attempts | most in a "
                 "second, after the first | served well within 240 s | half of them within | the "
                 "last after |\n|---|---|---|---|---|---|---|\n");
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < 3; i++) {
            struct crowd c = measure_crowd(users[p], how[i].how, e);
            (void)printf("| %u | %s | %.0f | %.0f | %.1f %% | %.0f s | %.0f s |\n", users[p],
                         how[i].name, c.attempts, c.peak_retries, 100 * c.served, c.median_s,
                         c.last_s);
        }
}

static void ramp_looks_on(struct decide_conf *c)
{
    c->ramp.enforce = false;
}

static void ramp_forgets(struct decide_conf *c)
{
    c->ramp.rest_ns = 0;
}

static void outage_row(const char *backend, const char *rule, bool fragile, bool breaker,
                       void (*tune)(struct decide_conf *), const struct effort *all)
{
    struct effort e = {all->first_seed, 10, 500};
    struct scenario sc = outage_scenario(backend_find(backend), fragile, 1);
    struct outage o;

    sc.observe_breaker = !breaker;
    sc.tune = tune;
    o = outage(sc, 200, 60, &e);
    (void)printf("| %s%s | %s | %.0f (%.0f) s | %.2f | %.0f %% | %.1f | %.0f |\n", backend,
                 fragile ? ", fragile" : "", rule, o.full_median_s, o.full_worst_s, o.good_after,
                 100 * o.overshoot, o.opened_after_return, o.dead_attempts);
}

static void two_dead_row(const char *rule, double load, bool breaker, const struct effort *e)
{
    struct two_dead t = measure_two_dead(load, breaker, e);

    (void)printf("| %s, %gx | %.2f | %.0f | %.0f | %.2f |\n", rule, load, t.while_down, t.errors,
                 t.attempts, t.after);
}

void table_outage(const struct effort *e)
{
    static const char *const names[] = {"A", "F", "K"};

    (void)printf(
        "\n## Dead for a minute, and back\n\n1.2x, connections refused from 200 to 260 s; "
        "clients come back up to four times; the engine returns half as fast and\nwarms up "
        "over 150 answers. *Fragile*: it dies again for 10 s if more than 24 requests are "
        "open in its first 20 s. Full: 72 %% of\ncapacity, held for 10 s; median (worst) of "
        "ten seeds. Good: of capacity, first 100 s. Wasted: sent and not good, of sent.\n\n"
        "| engine | rule | full after | good | wasted | opened again | attempts while dead "
        "|\n|---|---|---|---|---|---|---|\n");
    for (int fragile = 0; fragile < 2; fragile++)
        for (int i = 0; i < 3; i++) {
            outage_row(names[i], "no breaker", fragile, false, NULL, e);
            outage_row(names[i], "breaker, no ramp", fragile, true, ramp_looks_on, e);
            outage_row(names[i], "ramp without its memory", fragile, true, ramp_forgets, e);
            outage_row(names[i], "weir", fragile, true, NULL, e);
        }
    (void)printf(
        "\nThree engines A, two of them dead for 100 s, load in times of one engine:\n\n"
        "| rule, load | good while down, of one engine | clients that got an error | "
        "attempts at the dead | good from 60 s after the return |\n|---|---|---|---|---|\n");
    two_dead_row("no breaker", 2, false, e);
    two_dead_row("weir", 2, true, e);
    two_dead_row("weir", 2.7, true, e);
}

void table_faults(const struct effort *e)
{
    (void)printf("\n## Single faults of a minute: seconds from the end to 72 %% of capacity, worst "
                 "seed\n\nA at 1.2x, clients come back up to four times.\n\n| fault | weir | its "
                 "breaker looking on |\n|---|---|---|\n");
    for (size_t i = 0; fault_name(i) != NULL; i++)
        (void)printf("| %s | %.0f | %.0f |\n", fault_name(i), measure_fault(i, true, e),
                     measure_fault(i, false, e));
}

void table_quota(const struct effort *e)
{
    static const double times[] = {3, 10};

    (void)printf("\n## A quota: 429 above so many requests a second\n\nA token bucket that holds a "
                 "second's worth. Good: of the quota. Refused by the backend: of what was sent to "
                 "it.\n\n| engine, quota, load | answered | good | refused by the backend "
                 "|\n|---|---|---|---|\n");
    for (int i = 0; i < 4; i++) {
        struct quota q = measure_quota("A", 5, times[i % 2], i < 2, e);
        (void)printf("| A, 5/s, %gx | 429%s | %.2f | %.0f %% |\n", times[i % 2],
                     i < 2 ? " with Retry-After 1" : "", q.good, 100 * q.refused);
    }
}
