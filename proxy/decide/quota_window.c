/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One count that slides over a minute or a day, in a fixed number of parts.  A part begins with a
 * charge, takes those of the next thirtieth of the span, and counts until the span after its last
 * one is over.  So a burst leaves when its last request does, exactly, and a flow at most a
 * thirtieth late: never early.
 */
#include "quota_priv.h"

enum { PER_SPAN = 30 }; /* parts begin at least that far apart: 31 or 32 of them count at once */
_Static_assert(QUOTA_PARTS >= PER_SPAN + 2, "a new part needs no place of one that counts");

/* Both ends of the span are rounded down to milliseconds, hence one more. */
static bool counts(const struct quota_part *p, uint32_t span_ms, uint32_t now_ms)
{
    return !quota_part_is_empty(p) && now_ms - p->last_ms <= span_ms;
}

void quota_window_sum(const struct quota_window *w, uint32_t span_ms, uint32_t now_ms,
                      uint64_t sum[QUOTA_UNITS])
{
    for (int u = 0; u < QUOTA_UNITS; u++)
        sum[u] = 0;
    for (int i = 0; i < QUOTA_PARTS; i++)
        if (counts(&w->part[i], span_ms, now_ms))
            for (int u = 0; u < QUOTA_UNITS; u++)
                sum[u] += w->part[i].n[u];
}

static void add(struct quota_part *p, const uint32_t n[QUOTA_UNITS])
{
    for (int u = 0; u < QUOTA_UNITS; u++)
        p->n[u] = n[u] > UINT32_MAX - p->n[u] ? UINT32_MAX : p->n[u] + n[u];
}

/* The next part, or the newest where that is as good, or where the next still counts. */
static struct quota_part *part_for(struct quota_window *w, uint32_t span_ms, uint32_t now_ms)
{
    struct quota_part *newest = &w->part[w->newest];
    uint32_t next = (w->newest + 1) % QUOTA_PARTS;

    if (counts(newest, span_ms, now_ms) &&
        (now_ms - newest->first_ms < span_ms / PER_SPAN || counts(&w->part[next], span_ms, now_ms)))
        return newest;
    w->newest = next;
    w->part[next] = (struct quota_part){.first_ms = now_ms};
    return &w->part[next];
}

void quota_window_add(struct quota_window *w, uint32_t span_ms, const uint32_t n[QUOTA_UNITS],
                      uint32_t now_ms)
{
    struct quota_part *p = part_for(w, span_ms, now_ms);

    add(p, n);
    p->last_ms = now_ms;
}

void quota_window_take_back(struct quota_window *w, uint32_t span_ms, const uint32_t n[QUOTA_UNITS],
                            uint32_t at_ms, uint32_t now_ms)
{
    for (int i = 0; i < QUOTA_PARTS; i++) {
        struct quota_part *p = &w->part[i];

        if (!counts(p, span_ms, now_ms) || at_ms - p->first_ms > p->last_ms - p->first_ms)
            continue;
        for (int u = 0; u < QUOTA_UNITS; u++)
            p->n[u] -= n[u] < p->n[u] ? n[u] : p->n[u];
        return;
    }
}

uint32_t quota_window_wait_ms(const struct quota_window *w, uint32_t span_ms, unsigned bits,
                              uint64_t room, uint32_t now_ms)
{
    uint64_t all[QUOTA_UNITS], sum;

    quota_window_sum(w, span_ms, now_ms, all);
    sum = quota_sum(all, bits);
    for (unsigned i = 1; i <= QUOTA_PARTS; i++) { /* the oldest first */
        const struct quota_part *p = &w->part[(w->newest + i) % QUOTA_PARTS];
        uint64_t n[QUOTA_UNITS] = {p->n[0], p->n[1], p->n[2]};

        if (sum <= room)
            break;
        if (!counts(p, span_ms, now_ms))
            continue;
        sum -= quota_sum(n, bits);
        if (sum <= room)
            return span_ms + 1 - (now_ms - p->last_ms);
    }
    return 0;
}
