/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_WHEEL_H
#define WEIR_NET_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/net/loop.h"

/*
 * A hierarchical timing wheel (Varghese and Lauck, 1987): adding, removing and expiring are O(1)
 * whatever the number of timers, and nothing is allocated.  Time is in ticks; the wheel knows no
 * clock.  An entry (loop.h) is removed with list_remove.
 *
 * Level n has 64 slots of 64^n ticks.  An entry sits at the highest level where its tick differs
 * from the wheel's, and moves down when the wheel reaches its slot.
 */
enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 7 };

struct wheel {
    uint64_t tick;                   /* reached: what is due up to here has expired */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot; may be set for a slot emptied since */
    struct list expired;             /* due, in order, for the owner to take */
    struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t tick);
/* An entry that is due already goes to `expired`. */
void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t tick);
/* The next tick at which wheel_advance has something to do (maybe only to sort), UINT64_MAX: none.
 */
uint64_t wheel_next(const struct wheel *w);
/* Moves on to tick; what became due is appended to `expired`. */
void wheel_advance(struct wheel *w, uint64_t tick);

#endif
