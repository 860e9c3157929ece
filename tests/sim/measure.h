/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_MEASURE_H
#define WEIR_SIM_MEASURE_H

#include "sim.h"

/* Means over several runs; what the checks and the tables are made of. */

/* How much is run: seeds and seconds of a steady run; a share of the usual for long scenarios. */
struct effort {
    uint64_t first_seed, seeds;
    double seconds;
};

struct steady {
    double good;           /* good requests a second, warm */
    double shed;           /* refused / asked, warm */
    double cv;             /* of requests in flight at the engine */
    double wait_p95_s;     /* in the engine's own queue */
    double answered_p99_s; /* api: whole time of answered ones */
};
struct steady steady(struct scenario sc, const struct effort *e);
/* The same with the best fixed limit; a limit of 0 takes the engine's. */
struct steady steady_fixed(struct scenario sc, const struct effort *e);

/* An outage of engine 0 with clients that come back. */
struct outage {
    double full_median_s, full_worst_s, good_after, overshoot, opened, dead_attempts, probe_s;
    double open_after_s;        /* from the death to OPEN, worst */
    double opened_after_return; /* mean */
};
struct outage outage(struct scenario sc, double dead_at_s, double dead_s, const struct effort *e);
struct scenario outage_scenario(const struct backend *b, bool fragile, uint64_t seed);

double median(double *x, size_t n);

#endif
