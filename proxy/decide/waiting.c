/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long requests wait and how many may: longer while the limits are still being felt for, and no
 * more than will be served in time.
 */
#include "weir/decide/num.h"
#include "weir/decide/pool_priv.h"

#define HANDED_WAIT_NS (2 * NS_PER_S)

static uint64_t usual_wait_ns(const struct pool *p, const struct pool_request *r)
{
    return r->class == CLASS_BATCH ? p->conf->queue.batch_wait_ns : p->conf->queue.max_wait_ns;
}

/*
 * It takes requests, and nothing was seen yet of what it can bear: what waits, waits for a guess.
 * One that is as full as was set (max_streams, an operator's limit) is waited for as any other.
 */
static bool is_guessed(const struct upstream *u)
{
    return u->membership == MEMBER && u->breaker.state == BREAKER_CLOSED && u->limiter.cold &&
           u->inflight < num_floor(limiter_streams(&u->limiter));
}

static bool is_cold(const struct pool *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++)
        if (is_guessed(&p->upstream[i]))
            return true;
    return false;
}

uint64_t pool_wait_ns(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    uint64_t usual_ns = usual_wait_ns(p, r), cold_ns = p->conf->queue.cold_wait_ns;

    if (p->handed) /* a place is a message away */
        return usual_ns > HANDED_WAIT_NS ? usual_ns : HANDED_WAIT_NS;
    if (usual_ns == 0 || usual_ns >= cold_ns || !p->cold || !is_cold(p))
        return usual_ns;
    /* while all are open or in a cooldown, it waits for no limit */
    return pool_earliest(p, now_ns) <= now_ns ? cold_ns : usual_ns;
}

/* Limits are known now: nobody waits longer than is usual. */
static void end_cold(struct pool *p, uint64_t now_ns)
{
    for (int rank = 0; rank < POOL_RANKS; rank++)
        LIST_EACH(n, &p->queue.rank[rank])
        {
            struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
            uint64_t most_ns = r->arrival_ns + usual_wait_ns(p, r);
            most_ns = most_ns > now_ns ? most_ns : now_ns;
            r->expires_ns = r->expires_ns < most_ns ? r->expires_ns : most_ns;
        }
}

/* Refuses the oldest of the ranks worst..best, worst first, until no more than `bound` wait. */
static void refuse_oldest(struct pool *p, int worst, int best, uint32_t waiting, uint32_t bound,
                          uint64_t now_ns)
{
    struct pool_request *r;

    for (int rank = worst; rank >= best; rank--)
        while (waiting > bound && (r = queue_oldest(&p->queue, rank)) != NULL) {
            pool_refuse_waiting(p, r, RULE_QUEUE_FULL, now_ns);
            waiting--;
        }
}

void pool_bound_queue(struct pool *p, uint64_t now_ns)
{
    enum { SYSTEM, BEST = SYSTEM + 1, BATCH = POOL_RANKS - 1 }; /* ranks; system has its own cap */
    const struct queue_conf *c = &p->conf->queue;
    uint32_t waiting = p->queue.length - p->queue.by_class[CLASS_SYSTEM];
    uint32_t batch = p->queue.by_class[CLASS_BATCH];

    if (p->cold || waiting <= 1)
        return;
    if (batch > 0)
        refuse_oldest(p, BATCH, BATCH, waiting, backlog_bound(&p->backlog, c->batch_wait_ns),
                      now_ns);
    refuse_oldest(p, BATCH - 1, BEST, waiting - batch, backlog_bound(&p->backlog, c->max_wait_ns),
                  now_ns);
}

void pool_tick_waiting(struct pool *p, uint64_t now_ns)
{
    bool cold = is_cold(p);

    backlog_tick(&p->backlog, p->queue.length > 0, pool_earliest(p, now_ns) > now_ns,
                 now_ns - p->tick_ns);
    if (p->cold && !cold)
        end_cold(p, now_ns);
    p->cold = cold;
}
