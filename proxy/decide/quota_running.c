/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of limits as rows of numbers, for a process that takes over, and back. */
#include <string.h>

#include "quota_priv.h"
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"
#include "weir/decide/running.h"

/*
 * Of each count the parts of its two windows, four together: it leaves with the last of them, which
 * is late and never early.
 */
enum { TOGETHER = 4, PIECES = QUOTA_PARTS / TOGETHER, PIECES_OF_SLOT = 2 * PIECES };

static uint32_t span_of(size_t piece)
{
    return piece < PIECES ? QUOTA_MINUTE_MS : QUOTA_DAY_MS;
}

/*
 * How long ago; the clock of the parts wraps.  Requests go on while the rows are written, and what
 * was charged since now_ns was read is of now.
 */
static uint64_t ago(uint32_t at_ms, uint64_t now_ns)
{
    uint32_t now_ms = quota_ms(now_ns);

    return at_ms - now_ms < QUOTA_MINUTE_MS ? 0 : now_ms - at_ms;
}

static bool piece_of(const struct quota_slot *s, size_t piece, uint64_t now_ns,
                     struct quota_part *sum)
{
    const struct quota_window *w = piece < PIECES ? &s->minute : &s->day;
    size_t from = w->newest + 1 + piece % PIECES * TOGETHER; /* the oldest first */

    *sum = (struct quota_part){0};
    for (size_t i = from; i < from + TOGETHER; i++) {
        const struct quota_part *p = &w->part[i % QUOTA_PARTS];

        if (quota_part_is_empty(p) || ago(p->last_ms, now_ns) > span_of(piece))
            continue;
        if (quota_part_is_empty(sum))
            sum->first_ms = p->first_ms;
        sum->last_ms = p->last_ms;
        for (int u = 0; u < QUOTA_UNITS; u++)
            sum->n[u] += p->n[u];
    }
    return !quota_part_is_empty(sum);
}

bool pool_next_quota(const struct pool *p, size_t *at, uint64_t out[RUNNING_OF_QUOTA],
                     uint64_t now_ns)
{
    for (; p->quota != NULL && *at < QUOTA_SLOTS * PIECES_OF_SLOT; ++*at) {
        const struct quota_slot *s = &p->quota->slot[*at / PIECES_OF_SLOT];
        size_t piece = *at % PIECES_OF_SLOT;
        struct quota_part sum;

        if (s->key == 0 || now_ns > s->seen_ns + QUOTA_FORGET_NS ||
            !piece_of(s, piece, now_ns, &sum))
            continue;
        memcpy(out,
               (const uint64_t[RUNNING_OF_QUOTA]){s->key, s->user, s->rule_id, s->seen_ns,
                                                  s->turn_ns, piece, ago(sum.first_ms, now_ns),
                                                  ago(sum.last_ms, now_ns), sum.n[0], sum.n[1],
                                                  sum.n[2]},
               RUNNING_OF_QUOTA * sizeof *out);
        ++*at;
        return true;
    }
    return false;
}

static bool is_sound(const uint64_t in[RUNNING_OF_QUOTA], uint64_t now_ns)
{
    return in[0] != 0 && in[3] <= now_ns && in[4] <= now_ns + 3600 * NS_PER_S &&
           in[5] < PIECES_OF_SLOT && in[6] <= 2 * QUOTA_DAY_MS && in[7] <= in[6] &&
           in[8] <= UINT32_MAX && in[9] <= UINT32_MAX && in[10] <= UINT32_MAX;
}

bool pool_restore_quota(struct pool *p, const uint64_t in[RUNNING_OF_QUOTA], uint64_t now_ns)
{
    uint32_t now_ms = quota_ms(now_ns);
    struct quota_slot *s;
    struct quota_window *w;

    if (!is_sound(in, now_ns))
        return false;
    s = p->quota == NULL ? NULL : quota_slot_for(p->quota, in[0], now_ns);
    if (s == NULL)
        return true; /* nothing is limited any more, or its group is full: it begins anew */
    s->user = in[1];
    s->rule_id = in[2];
    s->seen_ns = in[3];
    s->turn_ns = in[4];
    w = in[5] < PIECES ? &s->minute : &s->day;
    w->newest = (w->newest + 1) % QUOTA_PARTS;
    w->part[w->newest] =
        (struct quota_part){.first_ms = now_ms - (uint32_t)in[6],
                            .last_ms = now_ms - (uint32_t)in[7],
                            .n = {(uint32_t)in[8], (uint32_t)in[9], (uint32_t)in[10]}};
    return true;
}
