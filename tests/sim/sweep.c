/* SPDX-License-Identifier: Apache-2.0 */
/* `sim sweep`: prints docs/decisions-measured.md. */
#include "sweep.h"

#include <string.h>

#include "commands.h"

static const struct {
    const char *name;
    table_fn *print;
} tables[] = {
    {"steady", table_steady}, {"rivals", table_rivals},     {"changes", table_changes},
    {"pace", table_pace},     {"unary", table_unary},       {"api", table_api},
    {"talks", table_talks},   {"fairness", table_fairness}, {"crowd", table_crowd},
    {"outage", table_outage}, {"faults", table_faults},     {"proxies", table_proxies},
    {"quota", table_quota},
};

static const char intro[] =
    "# The decisions, measured\n\n"
    "Made by `build/tests/sim/sim sweep %llu %llu > docs/decisions-measured.md`; seeds %llu to "
    "%llu. "
    "Everything here is a simulation:\nthe code of `proxy/decide` in a closed loop with models of "
    "engines and clients, in virtual time. The same command gives the same\nnumbers anywhere. What "
    "was measured in real time is in [decisions-in-the-binary.md](decisions-in-the-binary.md).\n\n"
    "An engine makes steps of `t0 + a * running streams + c * prompt tokens`, takes prompts in "
    "chunks, serves first come first\nserved, and has fixed slots. Clients arrive at random "
    "(Poisson), sizes are lognormal, and a client leaves after 30 s without a\ntoken. *Good* is a "
    "first token within 2 s of asking and a mean time between tokens within the promise; a whole "
    "answer is good if\nit came as soon as such a stream would have ended. 1x is what the best "
    "fixed "
    "limit gets out of the engine under heavy overload.\nweir is told the promised pace, never the "
    "capacity. The *best fixed limit* is the best constant bound on requests in flight, with\nthe "
    "same queue of one second in front; nobody knows it in advance. Gradient2, Vegas and AIMD are "
    "published rules for such a bound,\nlearning from the time to the first token, with the same "
    "queue. Rules and reasons: [decisions.md](decisions.md).\n\n"
    "Backends I to R were used for no choice of a rule. A run is %.0f s, the first minute left "
    "out; "
    "the standard error of a cell is\nabout 0.01 for the fast engines and 0.03 for those of less "
    "than "
    "one request a second (C, E, H, I, Q).\n";

int command_sweep(uint64_t first_seed, uint64_t seeds, const char *only)
{
    struct effort e = {first_seed, seeds, 600};

    if (only == NULL)
        (void)printf(intro, (unsigned long long)first_seed, (unsigned long long)seeds,
                     (unsigned long long)first_seed, (unsigned long long)(first_seed + seeds - 1),
                     e.seconds);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (only == NULL || strcmp(only, tables[i].name) == 0)
            tables[i].print(&e);
    return 0;
}
