/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last hour, by the minute: what came, and what rules that look on would have refused of it.
 * And who came, and whether the clock kept its pace; for `status` and `doctor`.  Control thread.
 */
#include "control/control_priv.h"

enum { USERS_FORGET = 20000 };
#define JUMP_NS (200 * NS_PER_MS)

/* --- the hour */

/* Index of the oldest minute kept, and how long ago it was. */
static int oldest(const struct control *c, uint32_t *seconds)
{
    uint64_t minute = c->clock.seconds / 60;
    uint64_t first = minute < MINUTES_KEPT ? 0 : minute - (MINUTES_KEPT - 1);

    *seconds = (uint32_t)(c->clock.seconds - first * 60);
    return (int)(first % MINUTES_KEPT);
}

static uint64_t total(const struct pool_sum *sum)
{
    uint64_t n = 0;

    for (int k = 0; k < CLASS_COUNT; k++) {
        for (int d = 0; d < DECISION_COUNT; d++)
            n += sum->requests[k][d];
    }
    return n;
}

void control_keep_hour(struct control *c, int index, const struct pool_sum *sum)
{
    const struct snapshot_pool *p = &c->snapshot->pools[index];
    struct pool_hour *h = &c->pools[p->slot].hour[c->clock.seconds / 60 % MINUTES_KEPT];
    struct pool_view v;

    if (c->clock.seconds % 60 != 0)
        return;
    pool_view(gate_lock(p->gate), &v, loop_now_ns(c->loop));
    gate_unlock(p->gate);
    memcpy(h->observed, v.observed_rule, sizeof h->observed);
    h->requests = total(sum);
}

/* A pool that was taken out and came again counts from 0. */
static uint64_t grown(uint64_t now, uint64_t then)
{
    return now >= then ? now - then : now;
}

void control_view_hour(const struct control *c, int slot, struct pool_status *s)
{
    const struct pool_hour *h = &c->pools[slot].hour[oldest(c, &s->hour.seconds)];

    s->hour.requests = grown(total(&s->sum), h->requests);
    for (int r = 0; r < RULE_COUNT; r++)
        s->hour.observed[r] = grown(s->v.observed_rule[r], h->observed[r]);
}

/* --- users */

/*
 * Majority vote (Boyer and Moore, 1981): who has more than half of the requests leads by what is
 * more than half; that one leads by nearly all shows that nearly all are one user's.
 */
void control_note_user(struct control *c, const struct request_record *r)
{
    struct user_vote *v = &c->pools[r->pool < 0 ? 0 : r->pool].vote;

    if (v->lead == 0)
        v->user = r->user;
    if (v->user == r->user)
        v->lead++;
    else
        v->lead--;
    if (++v->total < USERS_FORGET)
        return;
    v->total /= 2;
    v->lead /= 2;
}

/* --- the clock */

void control_watch_clock(struct control *c, uint64_t mono_ns)
{
    uint64_t offset = wall_now_ns() - mono_ns;
    int64_t moved = (int64_t)(offset - c->clock.wall_minus_mono_ns);

    c->clock.wall_minus_mono_ns = offset;
    if (moved < (int64_t)JUMP_NS && moved > -(int64_t)JUMP_NS)
        return;
    c->clock.jumps++;
    c->clock.jump_ns = moved;
    c->clock.jump_wall_ns = offset + mono_ns;
}
