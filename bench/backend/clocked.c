/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of answers that go by the clock, and quotas by key.  Pure. */
#include "bench/backend/clocked.h"

#include "bench/common/draw.h"

static double first_of(const struct clocked_conf *c, struct rng *r)
{
    bool hit = rng_unit(r) < c->hit_share;
    double drawn = draw_lognormal(r, c->first_ms, c->first_sigma);

    if (c->think_most_ms > 0)
        return draw_between(r, c->think_ms, c->think_most_ms);
    return hit ? c->hit_ms : drawn;
}

static double whole_of(const struct clocked_conf *c, struct rng *r)
{
    bool tail = rng_unit(r) < c->tail_share;
    double drawn = draw_lognormal(r, c->whole_ms, c->whole_sigma);

    return tail ? c->tail_ms : drawn;
}

struct clocked_plan clocked_draw(const struct clocked_conf *c, struct rng *r, uint32_t tokens)
{
    struct clocked_plan p = {.gap_ms = c->gap_ms};

    p.first_ms = first_of(c, r);
    p.ping_ms = rng_unit(r) < c->ping_share ? c->ping_ms : 0;
    p.whole_ms = whole_of(c, r);
    if (rng_unit(r) < c->pause_share && tokens > 2) {
        p.pause_before = 1 + (uint32_t)(rng_unit(r) * (tokens - 2));
        p.pause_ms = draw_between(r, c->pause_ms, c->pause_most_ms);
    }
    return p;
}

double clocked_next_ms(const struct clocked_plan *p, uint32_t produced)
{
    if (produced == 0)
        return p->first_ms;
    return p->gap_ms + (p->pause_before == produced ? p->pause_ms : 0);
}

/* The key's bucket, or the one that was not used for longest. */
static struct key_bucket *bucket_of(struct key_quota *q, uint64_t key)
{
    struct key_bucket *oldest = &q->v[0];

    for (int i = 0; i < KEYS_MAX; i++) {
        if (q->v[i].key == key && q->v[i].at_ns != 0)
            return &q->v[i];
        if (q->v[i].at_ns < oldest->at_ns)
            oldest = &q->v[i];
    }
    *oldest = (struct key_bucket){.key = key};
    return oldest;
}

bool key_quota_take(struct key_quota *q, const struct clocked_conf *c, uint64_t key,
                    uint64_t now_ns)
{
    struct key_bucket *b;

    if (c->quota_per_s <= 0)
        return true;
    b = bucket_of(q, key);
    if (b->at_ns == 0)
        b->tokens = c->quota_burst;
    else
        b->tokens += (double)(now_ns - b->at_ns) / 1e9 * c->quota_per_s;
    b->at_ns = now_ns;
    if (b->tokens > c->quota_burst)
        b->tokens = c->quota_burst;
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}
