/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle connections to upstreams, per upstream and worker: kept for the next request, newest first,
 * closed early.  Owner and thread: the worker.
 */
#include "h1_priv.h"

#include <stdlib.h>

#define SURPLUS_NS NS_PER_S

struct idle_pool *idle_pool_of(const struct h1_uplink *u)
{
    return &u->w->uplinks->pools[u->upstream->slot];
}

/* A second before the upstream would close it by its own Keep-Alive, or after ours. */
static uint64_t idle_limit_ns(const struct h1_uplink *u)
{
    uint64_t own = u->upstream->conf->idle_timeout_ns;
    uint64_t promised = (uint64_t)u->keep_alive_s * NS_PER_S;

    if (promised == 0)
        return own;
    promised = promised > NS_PER_S ? promised - NS_PER_S : promised / 2;
    return promised < own ? promised : own;
}

static bool is_surplus(const struct h1_uplink *u)
{
    return idle_pool_of(u)->n_idle >= u->upstream->conf->idle_connections;
}

/*
 * Answers come in bursts: more than idle_connections may be free for a moment, and missed in the
 * next.  They stay for a second, as long as there are no more of them than clients.
 */
static bool may_be_surplus(const struct h1_uplink *u)
{
    return u->upstream->conf->idle_connections > 0 &&
           counter_get(&u->w->counters.upstream_open) <= counter_get(&u->w->counters.client_open);
}

bool idle_may_stay(const struct h1_uplink *u)
{
    return u->keep && !u->w->quitting && idle_limit_ns(u) > 0 &&
           (!is_surplus(u) || may_be_surplus(u)) &&
           (u->keep_alive_max == 0 || u->served < u->keep_alive_max);
}

void idle_put(struct h1_uplink *u)
{
    uint64_t limit_ns = idle_limit_ns(u);

    if (is_surplus(u) && limit_ns > SURPLUS_NS)
        limit_ns = SURPLUS_NS;
    uplink_enter(u, UPLINK_IDLE);
    u->uplink.owner = NULL;
    idle_pool_of(u)->n_idle++;
    list_push_front(&idle_pool_of(u)->idle, &u->node);
    loop_timer_at(&u->timer, loop_now_ns(u->w->loop) + limit_ns);
    conn_want_read(u->conn, true); /* anything that comes now closes it */
}

static struct h1_uplink *newest_of(const struct idle_pool *l, const struct spoken_for *whose)
{
    int looked = 0;

    LIST_EACH(n, &l->idle)
    {
        struct h1_uplink *u = LIST_OBJECT(n, struct h1_uplink, node);

        WEIR_CHECK(u, UPLINK_MAGIC);
        if (spoken_for_same(&u->spoken_for, whose))
            return u;
        if (++looked == SPOKEN_LOOKED_AT_MAX)
            break;
    }
    return NULL;
}

/*
 * The newest that may be used.  Whatever it may have received while idle has closed it already: its
 * read event is always on, and events are handled in the order in which they happened.
 */
struct h1_uplink *idle_take(struct worker *w, struct idle_pool *l, const struct spoken_for *whose)
{
    struct h1_uplink *u = newest_of(l, whose);

    if (u == NULL)
        return NULL;
    list_remove(&u->node);
    l->n_idle--;
    u->timer.due_ns = 0;
    counter_add(&w->counters.upstream_reuses, 1);
    return u;
}

void upstream_close_idle(struct worker *w, int slot)
{
    LIST_EACH_SAFE(n, t, &w->uplinks->pools[slot].idle)
    uplink_close(LIST_OBJECT(n, struct h1_uplink, node));
    LIST_EACH_SAFE(n, t, &w->uplinks->pools[slot].lingering)
    uplink_close(LIST_OBJECT(n, struct h1_uplink, node));
    h2_links_close(&w->uplinks->pools[slot]);
}

const char *upstream_why(const struct worker *w, int slot)
{
    return w->uplinks->pools[slot].why;
}

/* --- those of a worker */

struct uplinks *uplinks_create(uint32_t max)
{
    struct uplinks *u = calloc(1, sizeof *u);

    if (u == NULL)
        return NULL;
    slab_init(&u->slab, upstream_bytes(), max);
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++) {
        list_init(&u->pools[i].idle);
        list_init(&u->pools[i].lingering);
        list_init(&u->pools[i].links);
    }
    return u;
}

void uplinks_destroy(struct uplinks **up)
{
    struct uplinks *u = *up;

    *up = NULL;
    if (u == NULL)
        return;
    h2_uplinks_destroy(&u->h2);
    slab_fini(&u->slab);
    free(u);
}

void upstream_set_addresses(struct worker *w, int slot, const struct net_addr *addrs, size_t n,
                            const char *why)
{
    struct idle_pool *l = &w->uplinks->pools[slot];
    struct text t;

    text_init(&t, l->why, sizeof l->why);
    if (n == 0) {
        text_str(&t, why);
        return;
    }
    memcpy(l->addrs, addrs, n * sizeof addrs[0]);
    l->n_addrs = (uint8_t)n;
    l->next_addr = 0;
}
