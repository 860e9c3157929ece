/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy that decides with weir's pool; every call is watched by the invariants. */
#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/conf/settings.h"
#include "world.h"

/* The settings as they come without a file, and the pace that is promised where one is. */
static struct decide_conf default_conf(const struct scenario *sc)
{
    const struct backend *b = sc->backend;
    struct decide_conf conf = conf_decide_defaults(b->api && !b->plain);

    if (!sc->pace_auto && !b->api)
        conf.limiter.pace_target_ns = num_ns(b->promise_ms / 1e3);
    return conf;
}

static struct job *job_of(struct pool_request *r)
{
    return LIST_OBJECT(r, struct job, r);
}

static void weir_init(struct proxy *p)
{
    const struct scenario *sc = p->w->sc;
    struct weir_gate *g = calloc(1, sizeof *g);
    /* calloc leaves what is never touched to the kernel: a thousand pools are 2 GiB */
    char *raw = calloc(1, pool_bytes(sc->n_engines) + 64);
    void *mem = raw + (64 - (uintptr_t)raw % 64);

    WEIR_ASSERT(g != NULL && raw != NULL);
    g->raw = raw;
    p->weir = g;
    g->conf = default_conf(sc);
    g->conf.breaker.enforce = !sc->observe_breaker;
    if (sc->tune != NULL)
        sc->tune(&g->conf);
    for (size_t i = 0; i < sc->n_engines; i++)
        g->max_streams[i] = sc->fleet.max_streams > 0 ? sc->fleet.max_streams : 4096;
    g->pool = pool_init(mem, &g->conf, g->max_streams, sc->n_engines, (struct hash_key){1, 2},
                        sc->seed * 977 + (uint64_t)p->index, p->w->now_ns);
    g->t.tick_ns = p->w->now_ns;
    if (!quota_limits_any(&g->conf.users.limits))
        return;
    g->quota = calloc(1, quota_bytes());
    WEIR_ASSERT(g->quota != NULL);
    pool_set_limits(g->pool, g->quota, NULL, 0);
}

static void weir_fini(struct proxy *p)
{
    free(p->weir->raw);
    free(p->weir->quota);
    free(p->weir);
}

/* A look at what the call decided about others is left to weir_woken. */
static enum pool_verdict weir_arrive(struct proxy *p, struct job *j)
{
    struct weir_gate *g = p->weir;
    enum pool_verdict verdict;

    watch_before(p);
    j->limits = (struct quota_request){0};
    j->r.quota = g->quota == NULL ? NULL : &j->limits;
    verdict = pool_arrive(g->pool, &j->r, p->w->now_ns);
    g->t.arrived++;
    if (verdict == POOL_ADMIT) {
        watch_admission(p, j);
    } else {
        g->waits = true;
        if (verdict == POOL_REFUSE)
            watch_refusal(p, j);
    }
    return verdict;
}

static void weir_first(struct proxy *p, struct job *j)
{
    bool marked = j->r.marked;

    watch_before(p);
    pool_first(p->weir->pool, &j->r, p->w->now_ns);
    watch_marks(p, marked);
    watch_room(p);
}

static bool weir_end(struct proxy *p, struct job *j, const struct pool_report *rep)
{
    struct weir_gate *g = p->weir;
    const struct upstream *u = &g->pool->upstream[j->r.upstream];
    bool unary = upstream_is_unary(g->pool, u, p->w->now_ns);
    bool may_retry = rep->outcome != OUTCOME_OK && rep->outcome != OUTCOME_NEUTRAL &&
                     !j->first_seen && p->w->sc->n_engines > 1;
    bool again = false, marked = j->r.marked;

    watch_before(p);
    if (may_retry)
        again = pool_retry(g->pool, &j->r, rep, p->w->now_ns) == POOL_ADMIT;
    else
        pool_end(g->pool, &j->r, rep, p->w->now_ns);
    watch_marks(p, marked);
    watch_room(p);
    if (again) {
        g->t.retries++;
        watch_admission(p, j);
    } else {
        watch_end(p, j, rep, unary);
    }
    return again;
}

static void weir_leave(struct proxy *p, struct job *j)
{
    watch_before(p);
    pool_leave(p->weir->pool, &j->r, p->w->now_ns);
    p->weir->t.left++;
    watch_no_evidence(p, "a client that left the queue");
}

static struct job *weir_woken(struct proxy *p)
{
    struct pool_request *r = pool_next_woken(p->weir->pool);
    struct pool_event ev;

    if (r == NULL) {
        watch_after(p);
        while (pool_next_event(p->weir->pool, &ev))
            watch_event(p, &ev);
        return NULL;
    }
    if (r->state == REQUEST_SENT)
        watch_admission(p, job_of(r));
    else
        watch_refusal(p, job_of(r));
    return job_of(r);
}

static void weir_tick(struct proxy *p)
{
    struct weir_gate *g = p->weir;

    watch_before(p);
    g->t.tick_gap_ns = p->w->now_ns - g->t.tick_ns;
    pool_gaps(g->pool, p->gaps_ns);
    pool_tick(g->pool, p->events, p->w->now_ns);
    watch_tick(p);
    g->t.tick_ns = p->w->now_ns;
}

static void weir_expire(struct proxy *p)
{
    watch_before(p);
    pool_expire(p->weir->pool, p->w->now_ns);
}

static uint64_t weir_next_expiry(struct proxy *p)
{
    return pool_next_expiry(p->weir->pool);
}

const struct gate_ops weir_ops = {
    .init = weir_init,
    .fini = weir_fini,
    .arrive = weir_arrive,
    .first = weir_first,
    .end = weir_end,
    .leave = weir_leave,
    .woken = weir_woken,
    .tick = weir_tick,
    .expire = weir_expire,
    .next_expiry = weir_next_expiry,
};
