/* SPDX-License-Identifier: Apache-2.0 */
/* The places of two processes in front of the same upstreams, counted once. */
#include "weir/decide/succession.h"

#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

/* For those who ask once more on a connection that the old process has: one place in eight. */
enum { RESERVE_PART = 8, WANTED_MAX = 64 };

static uint32_t reserve_of(const struct upstream *u)
{
    uint32_t limit = num_floor(limiter_streams(&u->limiter));

    if (u->breaker.state != BREAKER_CLOSED || limit <= upstream_load(u))
        return 0;
    return limit / RESERVE_PART < limit - upstream_load(u) ? limit / RESERVE_PART
                                                           : limit - upstream_load(u);
}

void pool_hand_over(struct pool *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++)
        p->upstream[i].places = p->upstream[i].inflight + reserve_of(&p->upstream[i]);
    p->handed = true;
}

void pool_take_back(struct pool *p, uint64_t now_ns)
{
    p->handed = false;
    pool_serve_queue(p, now_ns);
}

uint32_t pool_places(const struct pool *p, size_t upstream)
{
    WEIR_ASSERT(upstream < p->n_upstreams);
    return p->upstream[upstream].places;
}

static uint32_t spare_of(const struct upstream *u)
{
    return u->places > u->inflight ? u->places - u->inflight : 0;
}

uint32_t pool_give_places(struct pool *p, size_t upstream, bool last)
{
    struct upstream *u = &p->upstream[upstream];
    uint32_t spare = spare_of(u), kept = last ? 0 : reserve_of(u);

    WEIR_ASSERT(upstream < p->n_upstreams && p->handed);
    if (p->queue.length > 0 || spare <= kept)
        return 0;
    u->places -= spare - kept;
    return spare - kept;
}

uint32_t pool_wants_places(const struct pool *p)
{
    uint32_t spare = 0;

    for (size_t i = 0; i < p->n_upstreams; i++)
        spare += spare_of(&p->upstream[i]);
    if (p->queue.length <= spare)
        return 0;
    return p->queue.length - spare < WANTED_MAX ? p->queue.length - spare : WANTED_MAX;
}

void pool_take_places(struct pool *p, size_t upstream, uint32_t n, uint64_t now_ns)
{
    WEIR_ASSERT(upstream < p->n_upstreams);
    p->upstream[upstream].places += n;
    pool_serve_queue(p, now_ns);
}

/* More than any pool lets run: another process that counts so many counts wrongly. */
enum { ELSEWHERE_MAX = 1000000 };

void pool_add_elsewhere(struct pool *p, size_t upstream, uint32_t n)
{
    struct upstream *u = &p->upstream[upstream];

    WEIR_ASSERT(upstream < p->n_upstreams);
    u->elsewhere = n < ELSEWHERE_MAX - u->elsewhere ? u->elsewhere + n : ELSEWHERE_MAX;
}

void pool_end_elsewhere(struct pool *p, size_t upstream, uint32_t n, uint64_t now_ns)
{
    struct upstream *u = &p->upstream[upstream];

    WEIR_ASSERT(upstream < p->n_upstreams);
    u->elsewhere -=
        n < u->elsewhere ? n : u->elsewhere; /* a place that changed hands begins at 0 */
    pool_serve_queue(p, now_ns);
}

static bool has_room(const struct pool *p, struct upstream *u, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    return u->membership == MEMBER && cooldown_of_all(&u->cooldown, now_ns) == 0 &&
           breaker_ask(&u->breaker, &rules, upstream_load(u), KIND_GENERATION, 0) == RULE_ROOM &&
           limiter_has_room(&u->limiter, upstream_load(u), u->pending);
}

int pool_lend_place(struct pool *p, uint64_t now_ns)
{
    int best = -1;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream *u = &p->upstream[i];

        if (has_room(p, u, now_ns) &&
            (best < 0 || upstream_load(u) < upstream_load(&p->upstream[best])))
            best = (int)i;
    }
    if (best >= 0)
        pool_add_elsewhere(p, (size_t)best, 1);
    return best;
}
