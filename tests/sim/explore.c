#include "commands.h"
#include "measure.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int command_explore(int argc, char **argv);
int command_explore(int argc, char **argv)
{
    const char *what = argv[2];
    struct effort e = {1, 4, 600};
    if (!strcmp(what, "one")) {
        static struct result r;
        struct scenario sc =
            scenario_of(backend_find(argv[3]), atof(argv[4]), 600, strtoull(argv[5], 0, 10));
        sim_run(&sc, &r);
        printf("good %.3f shed %.3f\n", good_rate(&r, 0, 60, 600) / sc.backend->capacity,
               sum_bins(r.group[0].shed, 60, 600) / sum_bins(r.group[0].asked, 60, 600));
    } else if (!strcmp(what, "steady")) {
        for (size_t i = 0; i < n_backends - 4; i++) {
            const struct backend *b = &backends[i];
            printf("%s:", b->name);
            for (int li = 0; li < 5; li++) {
                double load = (double[]){0.5, 1, 2, 5, 10}[li];
                struct scenario sc = scenario_of(b, load, 600, 1);
                struct steady w = steady(sc, &e), f = steady_fixed(sc, &e);
                printf(" %.2f", w.good / f.good);
                if (load == 0.5)
                    printf(" (shed %.3f %.3f)", w.shed, f.shed);
                if (load == 5)
                    printf(" (wait p95 %.2f)", w.wait_p95_s);
            }
            struct scenario sc = scenario_of(b, 3, 600, 1);
            printf(" cv %.3f\n", steady(sc, &e).cv);
            fflush(stdout);
        }
    } else if (!strcmp(what, "outage")) {
        for (int i = 3; i < argc; i++)
            for (int fragile = 0; fragile < 2; fragile++) {
                struct effort o = {1, 10, 500};
                struct outage x =
                    outage(outage_scenario(backend_find(argv[i]), fragile, 1), 200, 60, &o);
                printf("%s fragile %d: full %.0f (%.0f), good %.2f, over %.2f, opened %.1f (after "
                       "%.1f), attempts %.0f, probe %.1f, open after %.2f\n",
                       argv[i], fragile, x.full_median_s, x.full_worst_s, x.good_after, x.overshoot,
                       x.opened, x.opened_after_return, x.dead_attempts, x.probe_s, x.open_after_s);
            }
    } else if (!strcmp(what, "unary")) {
        for (int i = 3; i < argc; i++) {
            const struct backend *b = backend_find(argv[i]);
            printf("%s:", b->name);
            for (int li = 0; li < 4; li++) {
                double load = (double[]){1, 2, 5, 10}[li];
                struct scenario sc = scenario_of(b, load, 600, 1);
                sc.unary = 0.3;
                printf(" %.2f", steady(sc, &e).good / steady_fixed(sc, &e).good);
            }
            printf("\n");
            fflush(stdout);
        }
    } else if (!strcmp(what, "talks")) {
        static struct result r;
        for (int lease = 0; lease < 2; lease++)
            for (int R = 0; R < 4; R += (R ? 2 : 1)) {
                printf("lease %d R %d:", lease, R);
                for (int li = 0; li < 4; li++) {
                    double load = (double[]){1, 1.25, 2, 4}[li];
                    double good = 0, all = 0, first = 0, later = 0, g = 0;
                    for (uint64_t seed = 1; seed < 5; seed++) {
                        struct scenario sc = scenario_of(backend_find("A"), load, 700, seed);
                        sc.talk_turns = 5;
                        sc.talk_retries = (uint32_t)R;
                        extern void tune_no_lease(struct decide_conf * c);
                        sc.tune = lease ? NULL : tune_no_lease;
                        sim_run(&sc, &r);
                        good += r.talks_good;
                        first += r.talks_lost_first;
                        later += r.talks_lost_later;
                        g += good_rate(&r, 0, 60, 700);
                    }
                    all = good + first + later;
                    printf(" %.2f(first %.2f later %.2f; %.2f)", good / all, first / all,
                           later / all, g / 4 / 6.74);
                }
                printf("\n");
                fflush(stdout);
            }
    }
    return 0;
}
void tune_no_lease(struct decide_conf *c);
void tune_no_lease(struct decide_conf *c)
{
    c->lease_ns = 0;
}
