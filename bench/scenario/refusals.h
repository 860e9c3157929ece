/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_REFUSALS_H
#define BENCH_SCENARIO_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What weir's access log says about requests it refused: how long it had them, less the time they
 * waited in its queue.  That is its own time for reading, deciding and answering.
 */
struct refusal {
    double at_s; /* when the request came, after the start of the run */
    double own_ms;
};

/* How many of a pool were refused for a cause. */
struct refusal_count {
    char pool[64], cause[32];
    unsigned n;
};

enum { REFUSALS_COUNTS_MAX = 64 };

struct refusals {
    struct refusal *v;
    size_t n, cap;
    struct refusal_count
        counts[REFUSALS_COUNTS_MAX]; /* as they came; beyond the last: not counted */
    size_t n_counts;
};

/* Adds those of a log file; none when the path is "" or there is no such file. */
void refusals_read(const char *path, uint64_t start_wall_ns, struct refusals *out);
/* One line of it; other lines than those of refused requests add nothing. */
void refusals_line(const char *line, uint64_t start_wall_ns, struct refusals *out);
void refusals_free(struct refusals *r);

#endif
