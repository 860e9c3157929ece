/* SPDX-License-Identifier: Apache-2.0 */
/* I12: nobody waits beside room, unless it is a cooldown of their own that keeps them. */
#include "world.h"

static bool has_room(const struct upstream *u)
{
    enum breaker_state s = u->breaker.state;
    bool takes = s == BREAKER_CLOSED || s == BREAKER_RAMPING;

    return takes && u->inflight < num_floor(limiter_streams(&u->limiter)) &&
           u->pending < num_floor(u->limiter.pending) &&
           (s == BREAKER_CLOSED ||
            u->inflight < ramp_allows(&u->breaker.ramp, u->breaker.known_good));
}

static bool room_for(const struct proxy *p, const struct pool_request *r)
{
    const struct pool *pool = p->weir->pool;

    for (size_t i = 0; i < pool->n_upstreams; i++) {
        const struct upstream *u = &pool->upstream[i];
        if (has_room(u) && cooldown_until(&u->cooldown, r->who, r->model, p->w->now_ns) == 0)
            return true;
    }
    return false;
}

void watch_starved(struct proxy *p, uint32_t most)
{
    const struct pool *pool = p->weir->pool;
    uint32_t looked = 0;

    for (int rank = 0; rank < POOL_RANKS; rank++)
        LIST_EACH(n, &pool->queue.rank[rank])
        {
            const struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
            if (looked++ >= most)
                return;
            if (r->class != CLASS_SYSTEM && room_for(p, r))
                broken(p->w, "I12", "%u wait and there is room", pool->queue.length);
        }
}

/* Who waits has just been looked at, so nobody may wait beside room. */
void watch_room(struct proxy *p)
{
    if (p->w->sc->check)
        watch_starved(p, POOL_PASSED_MAX);
}
