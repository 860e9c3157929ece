/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: one lock around the decisions of a pool.  Its rules are in gate.h; what is decided is
 * decide/pool's.
 */
#include "snapshot/gate.h"

#include <stdlib.h>

#include "weir/base/assert.h"
#include "weir/base/hash.h"
#include "weir/base/memory.h"

enum { WOKEN_AT_ONCE = 32 };

struct gate {
    pthread_mutex_t lock;
    struct decide_conf conf; /* a copy: gates outlive the snapshots that they were told by */
    struct pool *pool;
    void *mem;
    struct quota *quota;    /* NULL: no limit was ever set */
    struct gate_bell *bell; /* under the lock */
    uint64_t now_ns;        /* the latest any thread has seen */
    _Atomic uint32_t refs;
    _Atomic bool shut; /* as of the last tick or order; a hint, the pool is asked again */
};

static struct ticket *ticket_of(struct pool_request *r)
{
    return LIST_OBJECT(r, struct ticket, r);
}

/* The pages of counts that nobody has are not touched: only what users need is taken. */
static struct quota *new_quota(void)
{
    return calloc(1, quota_bytes());
}

bool gate_reserve(struct gate *g, const struct gate_rules *rules)
{
    bool needed = quota_is_needed(&rules->conf->users.limits, rules->n_limits);

    if (g->quota == NULL && needed)
        g->quota = new_quota();
    return g->quota != NULL || !needed;
}

/* Under the lock, or before anybody else knows the gate. */
static void set_limits(struct gate *g, const struct gate_rules *rules)
{
    if (g->quota != NULL)
        pool_set_limits(g->pool, g->quota, rules->limits, rules->n_limits);
}

struct gate *gate_create(const struct gate_rules *rules, const uint32_t *ids,
                         const uint32_t *max_streams, size_t n, uint64_t now_ns)
{
    struct gate *g = calloc(1, sizeof *g);
    uint64_t seed;

    if (g == NULL)
        return NULL;
    g->mem = memory_lines(pool_bytes(POOL_UPSTREAMS_MAX));
    if (g->mem == NULL || !gate_reserve(g, rules)) {
        free(g->mem);
        free(g);
        return NULL;
    }
    random_bytes(&seed, sizeof seed);
    g->conf = *rules->conf;
    g->pool = pool_init(g->mem, &g->conf, max_streams, n, hash_key_random(), seed, now_ns);
    for (size_t i = 0; i < n; i++)
        pool_name(g->pool, i, ids[i]);
    set_limits(g, rules);
    g->now_ns = now_ns;
    g->refs = 1;
    WEIR_ASSERT(pthread_mutex_init(&g->lock, NULL) == 0);
    return g;
}

void gate_ref(struct gate *g)
{
    (void)atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
}

void gate_unref(struct gate **gp)
{
    struct gate *g = *gp;

    *gp = NULL;
    if (g == NULL || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
        return;
    (void)pthread_mutex_destroy(&g->lock);
    free(g->quota);
    free(g->mem);
    free(g);
}

static uint64_t enter(struct gate *g, uint64_t now_ns)
{
    WEIR_ASSERT(pthread_mutex_lock(&g->lock) == 0);
    if (now_ns > g->now_ns)
        g->now_ns = now_ns;
    return g->now_ns;
}

/* Collects what was woken under the lock and posts it outside, until there is no more. */
static void leave(struct gate *g)
{
    for (;;) {
        struct ticket *woken[WOKEN_AT_ONCE];
        int n = 0;
        struct pool_request *r;

        while (n < WOKEN_AT_ONCE && (r = pool_next_woken(g->pool)) != NULL) {
            woken[n] = ticket_of(r);
            woken[n++]->posted = true;
        }
        WEIR_ASSERT(pthread_mutex_unlock(&g->lock) == 0);
        for (int i = 0; i < n; i++)
            loop_post(woken[i]->loop, &woken[i]->wake);
        if (n < WOKEN_AT_ONCE)
            return;
        WEIR_ASSERT(pthread_mutex_lock(&g->lock) == 0);
    }
}

static void ring(struct gate_bell *b)
{
    if (b != NULL && !atomic_exchange_explicit(&b->rings, true, memory_order_acq_rel))
        loop_post(b->loop, &b->message);
}

enum pool_verdict gate_ask(struct gate *g, struct ticket *t, uint64_t now_ns)
{
    enum pool_verdict v;
    struct gate_bell *bell;

    now_ns = enter(g, now_ns);
    t->posted = false;
    v = pool_arrive(g->pool, &t->r, now_ns);
    bell = g->bell;
    leave(g);
    if (v == POOL_ASK)
        ring(bell);
    return v;
}

void gate_set_bell(struct gate *g, struct gate_bell *b)
{
    (void)enter(g, 0);
    g->bell = b;
    leave(g);
}

bool gate_refuses_all(struct gate *g, struct ticket *t, uint64_t now_ns)
{
    bool refused;

    if (!atomic_load_explicit(&g->shut, memory_order_relaxed))
        return false;
    now_ns = enter(g, now_ns);
    t->posted = false;
    refused = pool_refuse_shut(g->pool, &t->r, now_ns);
    leave(g);
    return refused;
}

/* Under the lock. */
static void look_if_shut(struct gate *g)
{
    atomic_store_explicit(&g->shut, pool_is_shut(g->pool, g->now_ns), memory_order_relaxed);
}

void gate_first(struct gate *g, struct ticket *t, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    pool_first(g->pool, &t->r, now_ns);
    leave(g);
}

void gate_uploaded(struct gate *g, struct ticket *t, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    pool_uploaded(g->pool, &t->r, now_ns);
    leave(g);
}

void gate_set_stream(struct gate *g, struct ticket *t, bool stream)
{
    (void)enter(g, 0);
    pool_set_stream(g->pool, &t->r, stream);
    leave(g);
}

void gate_end(struct gate *g, struct ticket *t, const struct pool_report *rep, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    pool_end(g->pool, &t->r, rep, now_ns);
    leave(g);
}

enum pool_verdict gate_retry(struct gate *g, struct ticket *t, const struct pool_report *rep,
                             uint64_t now_ns)
{
    enum pool_verdict v;

    now_ns = enter(g, now_ns);
    v = pool_retry(g->pool, &t->r, rep, now_ns);
    leave(g);
    return v;
}

bool gate_leave(struct gate *g, struct ticket *t, uint64_t now_ns)
{
    bool free_now;

    now_ns = enter(g, now_ns);
    free_now = !t->posted;
    if (free_now)
        pool_leave(g->pool, &t->r, now_ns);
    leave(g);
    return free_now;
}

void gate_give_back(struct gate *g, struct ticket *t, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    pool_leave(g->pool, &t->r, now_ns);
    leave(g);
}

void gate_tick(struct gate *g, const struct gate_counts *c, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    pool_signs(g->pool, c->signs);
    pool_gaps(g->pool, c->gaps_ns);
    pool_tick(g->pool, c->events, now_ns);
    look_if_shut(g);
    leave(g);
}

void gate_set_members(struct gate *g, const struct gate_rules *rules, const struct pool_member *m,
                      size_t n, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    g->conf = *rules->conf;
    set_limits(g, rules);
    pool_set_members(g->pool, &g->conf, m, n, now_ns);
    look_if_shut(g);
    leave(g);
}

void gate_set_limits(struct gate *g, const struct gate_rules *rules)
{
    (void)enter(g, 0);
    set_limits(g, rules);
    leave(g);
}

void gate_expire(struct gate *g, uint64_t now_ns)
{
    now_ns = enter(g, now_ns);
    pool_expire(g->pool, now_ns);
    leave(g);
}

struct pool *gate_pool(struct gate *g)
{
    return g->pool;
}

struct pool *gate_lock(struct gate *g)
{
    (void)enter(g, 0);
    return g->pool;
}

void gate_unlock(struct gate *g)
{
    look_if_shut(g);
    leave(g);
}
