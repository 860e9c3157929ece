/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_BACKLOG_H
#define WEIR_DECIDE_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How fast waiting requests are served, measured only while some wait, and how many may wait so
 * that each is served in time (docs/decisions.md, "The queue").
 */
struct backlog {
    double served, seconds; /* admissions while others waited, in so many seconds; 5 s memory */
    uint64_t sent;          /* admissions since the start ... */
    uint64_t sent_before;   /* ... and at the last tick */
    bool waited;            /* somebody waited at the last tick */
};

static inline void backlog_sent(struct backlog *b)
{
    b->sent++;
}

/* `shut`: nothing may be admitted now, whatever waits (all open or in a cooldown): the measure
 * stands. */
void backlog_tick(struct backlog *b, bool waits, bool shut, uint64_t elapsed_ns);

/* How many may wait for wait_ns; UINT32_MAX while nothing is known. */
uint32_t backlog_bound(const struct backlog *b, uint64_t wait_ns);

#endif
