/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_CROWD_H
#define WEIR_DECIDE_CROWD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Are requests that wait for their first token in each other's way?  The share of fast ones is kept
 * apart for those that found few others waiting beside them and for those that found many; where
 * both are alike, the others are no obstacle (docs/decisions.md, "Spread").
 */
struct crowding {
    double beside; /* how many others usually wait */
    double few;    /* share of fast ones with no more than usual beside them, 0..1 */
    double many;   /* the same with more than usual */
};

void crowd_init(struct crowding *c);

/* A request that found `beside` others waiting was fast, or was not. */
void crowd_note(struct crowding *c, uint32_t beside, bool fast);
/* The same, after crowd_note: what is usual moves. */
void crowd_met(struct crowding *c, uint32_t beside);

/* Is `many` at least `share` of `few`, and `few` not next to nothing? */
bool crowd_is_harmless(const struct crowding *c, double share);
/* Are there fast ones at all with few beside them? */
bool crowd_has_fast(const struct crowding *c);

#endif
