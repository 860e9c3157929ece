/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_WINDOW_H
#define WEIR_DECIDE_WINDOW_H

#include <stdint.h>

#include "weir/base/words.h"

/*
 * Counts of what happened in the last `span`: a ring of 20 slices, so that old evidence leaves in
 * small steps (docs/decisions.md, "Windows").  A window covers between 19/20 and all of its span.
 */

enum { WINDOW_SLICES = 20 };

/* Columns of an upstream's window: one per outcome, then the marks. */
enum {
    WINDOW_ON_TIME = OUTCOME_COUNT,
    WINDOW_LATE,
    WINDOW_CLIENT_ERROR, /* 4xx that say nothing of load */
    WINDOW_SHUT,         /* refusals that concerned everybody who was well */
    WINDOW_COLUMNS,
};

struct window {
    uint64_t slice_ns;
    uint64_t newest; /* number of the newest slice since time 0 */
    uint32_t sum[WINDOW_COLUMNS];
    uint32_t slice[WINDOW_SLICES][WINDOW_COLUMNS];
};

void window_init(struct window *w, uint64_t span_ns, uint64_t now_ns);

/* Drops what is too old.  Every other call does so first. */
void window_advance(struct window *w, uint64_t now_ns);

void window_add(struct window *w, unsigned column, uint64_t now_ns);
void window_add_many(struct window *w, unsigned column, uint32_t n, uint64_t now_ns);

/* Undoes one count, the most recent; nothing if the window has none. */
void window_take_back(struct window *w, unsigned column, uint64_t now_ns);

/* As of the last call that was given a time. */
static inline uint32_t window_sum(const struct window *w, unsigned column)
{
    return w->sum[column];
}

/* failed, connect_failed and stalled together. */
uint32_t window_failures(const struct window *w);

#endif
