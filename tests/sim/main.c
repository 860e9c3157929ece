/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "sim.h"

static int try_it(int argc, char **argv)
{
    const struct backend *b = backend_find(argc > 1 ? argv[1] : "A");
    static struct result r;
    double secs = 600;

    for (int rule = 0; rule < 6; rule++) {
        printf("%s rule %d:", b->name, rule);
        for (int li = 0; li < 5; li++) {
            double load = (double[]){0.5, 1, 2, 5, 10}[li];
            double sum = 0;
            for (uint64_t seed = 1; seed <= 3; seed++) {
                struct scenario sc = scenario_of(b, load, secs, seed);
                sc.rule = (enum rule_kind)rule;
                sc.check = argc > 2;
                if (!sim_run(&sc, &r))
                    return 1;
                sum += good_rate(&r, 0, 60, secs) / b->capacity;
            }
            printf(" %.2f", sum / 3);
        }
        printf("\n");
    }
    return 0;
}

int command_explore(int argc, char **argv);
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "storm") == 0)
        return command_storm(strtoull(argv[2], NULL, 10),
                             argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    if (argc > 1 && strcmp(argv[1], "calibrate") == 0)
        return command_calibrate(argc > 2 ? argv[2] : NULL);
    if (argc > 1 && strcmp(argv[1], "explore") == 0)
        return command_explore(argc, argv);
    return try_it(argc, argv);
}
