/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_PACE_GUARD_H
#define WEIR_DECIDE_PACE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When streams are slower than the target: by how much their number is cut, and when cutting is no
 * help and is left alone (docs/decisions.md, "The pace").
 */

struct pace_guard {
    uint64_t cut_ns;      /* the last cut */
    double from;          /* the limit before this row of cuts */
    uint64_t hopeless_ns; /* since when too slow with next to nothing running; 0 = not */
    uint64_t off_ns;      /* no cuts until then */
    uint32_t off_times;   /* in a row; each rest is twice as long */
};

void pace_guard_restart(struct pace_guard *g);

/* Is it at rest: slowness is no reason to cut, nor to keep a limit from growing? */
static inline bool pace_guard_rests(const struct pace_guard *g, uint64_t now_ns)
{
    return now_ns < g->off_ns;
}

struct pace_load {
    double pace_s, target_s; /* seconds per event; pace 0 = unknown */
    double limit;            /* on requests in flight */
    uint32_t inflight;
    bool binds; /* the limit is what holds the load */
    uint64_t now_ns;
};
/* The new limit; in->limit if it stays. */
double pace_guard_tick(struct pace_guard *g, const struct pace_load *in);

#endif
