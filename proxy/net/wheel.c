/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timing wheel below the loop's timers.  Pure: ticks in, expired entries out; clocks and the
 * kernel's timer are the loop's.
 *
 * What keeps it correct: the wheel's own tick never passes the start of an occupied slot without
 * emptying it.  Hence at each level all entries sit in slots after the wheel's own, and those of a
 * lower level are due before those of a higher one.
 */
#include "wheel.h"

#include <stddef.h>

static const uint64_t farthest = (UINT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1;

void wheel_init(struct wheel *w, uint64_t tick)
{
    w->tick = tick;
    list_init(&w->expired);
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (int i = 0; i < WHEEL_SLOTS; i++)
            list_init(&w->slot[level][i]);
    }
}

static unsigned slot_of(uint64_t tick, int level)
{
    return (unsigned)(tick >> (WHEEL_BITS * level)) & (WHEEL_SLOTS - 1);
}

void wheel_add(struct wheel *w, struct wheel_entry *e, uint64_t tick)
{
    unsigned slot;
    int level;

    e->tick = tick > farthest ? farthest : tick; /* a century from the start of the machine */
    if (e->tick <= w->tick) {
        list_push_back(&w->expired, &e->node);
        return;
    }
    level = (63 - __builtin_clzll(e->tick ^ w->tick)) / WHEEL_BITS;
    slot = slot_of(e->tick, level);
    list_push_back(&w->slot[level][slot], &e->node);
    w->occupied[level] |= UINT64_C(1) << slot;
}

/* The first occupied slot after the wheel's own; false when nothing is there. */
static bool next_slot(const struct wheel *w, int *level, unsigned *slot, uint64_t *start)
{
    for (int l = 0; l < WHEEL_LEVELS; l++) {
        uint64_t later = w->occupied[l] & ~((UINT64_C(2) << slot_of(w->tick, l)) - 1);
        int shift = WHEEL_BITS * l;

        if (later == 0)
            continue;
        *level = l;
        *slot = (unsigned)__builtin_ctzll(later);
        *start =
            (w->tick >> (shift + WHEEL_BITS) << (shift + WHEEL_BITS)) | ((uint64_t)*slot << shift);
        return true;
    }
    return false;
}

uint64_t wheel_next(const struct wheel *w)
{
    unsigned slot;
    uint64_t start;
    int level;

    return next_slot(w, &level, &slot, &start) ? start : UINT64_MAX;
}

/* Entries of a slot the wheel stands on are due or belong to a lower level. */
static void empty_slot(struct wheel *w, int level, unsigned slot)
{
    struct list *head = &w->slot[level][slot];

    w->occupied[level] &= ~(UINT64_C(1) << slot);
    LIST_EACH_SAFE(n, t, head)
    {
        struct wheel_entry *e = LIST_OBJECT(n, struct wheel_entry, node);

        list_remove(n);
        wheel_add(w, e, e->tick);
    }
}

void wheel_advance(struct wheel *w, uint64_t tick)
{
    unsigned slot;
    uint64_t start;
    int level;

    while (next_slot(w, &level, &slot, &start) && start <= tick) {
        w->tick = start;
        empty_slot(w, level, slot);
    }
    if (tick > w->tick)
        w->tick = tick;
}
