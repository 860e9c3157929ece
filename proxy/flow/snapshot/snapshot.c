/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a snapshot of settings: pools with their gates and slots, what a reload takes over, routes.
 * Its listeners and upstreams are made in snapshot_ends.c.  On the control thread; released by
 * whoever lets go last.
 */
#include "snapshot/ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/limits.h"
#include "weir/http/head.h"

/* Why there is no slot for one more of these. */
static bool no_slot(int slot, int most, const char *what, char *why, size_t room)
{
    if (slot == SLOT_NO_MEMORY)
        (void)snprintf(why, room, "out of memory");
    else
        (void)snprintf(why, room, "more than %d different %s since the start: restart", most, what);
    return false;
}

/* --- pools */

/* An upstream is the same if it keeps pool, name and URL. */
static int upstream_slot(struct slot_book *book, const struct pool_conf *p,
                         const struct upstream_conf *u)
{
    char key[1024];

    (void)snprintf(key, sizeof key, "%s\n%s\n%s", p->name, u->name, u->url);
    return slot_take(book->upstreams, 0, SNAPSHOT_UPSTREAMS_MAX, key);
}

static bool make_upstreams(struct snapshot_pool *p, struct slot_book *book, char *why, size_t room)
{
    const struct pool_conf *c = p->conf;

    for (size_t i = 0; i < c->n_upstreams; i++) {
        p->upstreams[i].slot = upstream_slot(book, c, &c->upstreams[i]);
        if (p->upstreams[i].slot < 0)
            return no_slot(p->upstreams[i].slot, SNAPSHOT_UPSTREAMS_MAX, "upstreams", why, room);
        if (!snapshot_upstream_make(&p->upstreams[i], &c->upstreams[i], why, room))
            return false;
    }
    return true;
}

static bool new_gate(struct snapshot_pool *p, uint64_t now_ns)
{
    uint32_t ids[POOL_UPSTREAMS_MAX], max_streams[POOL_UPSTREAMS_MAX];
    struct gate_rules rules;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        ids[i] = (uint32_t)p->upstreams[i].slot;
        max_streams[i] = p->conf->upstreams[i].max_streams;
        p->upstreams[i].place = (int)i;
    }
    rules = snapshot_gate_rules(p);
    p->gate = gate_create(&rules, ids, max_streams, p->n_upstreams, now_ns);
    return p->gate != NULL;
}

/* The place it has, or one that is reserved for it until the snapshot is in force everywhere. */
static bool find_place(struct snapshot_upstream *u, const struct snapshot_pool *old,
                       struct pool *pool, uint64_t now_ns)
{
    uint32_t id = (uint32_t)u->slot;

    u->place = pool_place_of(pool, id);
    if (u->place < 0) {
        u->place = pool_reserve(pool, id, POOL_UPSTREAMS_MAX, u->conf->max_streams, &u->reservation,
                                now_ns);
        u->joins = u->place >= 0;
        return u->joins;
    }
    for (size_t i = 0; i < old->n_upstreams; i++) {
        if (old->upstreams[i].slot == u->slot)
            u->reservation = old->upstreams[i].reservation;
    }
    return true;
}

static bool find_places(struct snapshot_pool *p, const struct snapshot_pool *old, uint64_t now_ns)
{
    struct pool *pool = gate_lock(old->gate);
    bool ok = true;

    for (size_t i = 0; i < p->n_upstreams && ok; i++)
        ok = find_place(&p->upstreams[i], old, pool, now_ns);
    gate_unlock(old->gate);
    return ok;
}

/* A pool that keeps its name keeps its gate, whatever becomes of its upstreams. */
static bool make_gate(struct snapshot_pool *p, const struct snapshot_pool *old, char *why,
                      size_t room, uint64_t now_ns)
{
    struct gate_rules rules = snapshot_gate_rules(p);

    (void)snprintf(why, room, "out of memory");
    if (old == NULL)
        return new_gate(p, now_ns);
    p->gate = old->gate;
    gate_ref(p->gate);
    if (!gate_reserve(p->gate, &rules))
        return false;
    if (find_places(p, old, now_ns))
        return true;
    (void)snprintf(why, room,
                   "pool \"%s\" has no place for so many new upstreams while requests still run at "
                   "those that were taken out",
                   p->conf->name);
    return false;
}

static void index_places(struct snapshot_pool *p)
{
    memset(p->by_place, -1, sizeof p->by_place);
    for (size_t i = 0; i < p->n_upstreams; i++)
        p->by_place[p->upstreams[i].place] = (int8_t)i;
}

void snapshot_commit(struct snapshot *s, uint64_t now_ns)
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        struct snapshot_pool *p = &s->pools[k];
        struct gate_rules rules = snapshot_gate_rules(p);
        struct pool_member m[POOL_UPSTREAMS_MAX];

        for (size_t i = 0; i < p->n_upstreams; i++)
            m[i] = (struct pool_member){p->upstreams[i].place, p->conf->upstreams[i].max_streams};
        gate_set_members(p->gate, &rules, m, p->n_upstreams, now_ns);
    }
}

/* Calls fn for each place that was reserved for this snapshot, under the lock of its gate. */
static void each_reserved(struct snapshot *s, uint64_t now_ns,
                          void (*fn)(struct pool *pool, const struct snapshot_upstream *u,
                                     uint64_t now_ns))
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        struct snapshot_pool *p = &s->pools[k];
        struct pool *pool;

        if (p->gate == NULL)
            continue;
        pool = gate_lock(p->gate);
        for (size_t i = 0; i < p->n_upstreams; i++) {
            if (p->upstreams[i].joins)
                fn(pool, &p->upstreams[i], now_ns);
        }
        gate_unlock(p->gate);
    }
}

static void join(struct pool *pool, const struct snapshot_upstream *u, uint64_t now_ns)
{
    pool_join(pool, (size_t)u->place, u->reservation, now_ns);
}

void snapshot_join(struct snapshot *s, uint64_t now_ns)
{
    each_reserved(s, now_ns, join);
}

static void give_back(struct pool *pool, const struct snapshot_upstream *u, uint64_t now_ns)
{
    pool_take_out(pool, (size_t)u->place, now_ns);
}

void snapshot_abandon(struct snapshot *s, uint64_t now_ns)
{
    each_reserved(s, now_ns, give_back);
}

static bool make_pool(struct snapshot *s, struct snapshot_pool *p, size_t index,
                      const struct snapshot *from, struct slot_book *book, char *why, size_t room,
                      uint64_t now_ns)
{
    const struct pool_conf *c = &s->settings->pools[index];
    const struct snapshot_pool *old =
        from == NULL ? NULL : snapshot_pool_named(from, slice_str(c->name));

    p->conf = c;
    p->index = (int)index;
    p->slot = slot_take(book->pools, 1, SNAPSHOT_POOLS_MAX + 1, c->name);
    if (p->slot < 0)
        return no_slot(p->slot, SNAPSHOT_POOLS_MAX, "pools", why, room);
    if (c->n_upstreams > POOL_UPSTREAMS_MAX) {
        (void)snprintf(why, room, "pool \"%s\" has %zu upstreams, at most %d are possible", c->name,
                       c->n_upstreams, POOL_UPSTREAMS_MAX);
        return false;
    }
    p->upstreams = calloc(c->n_upstreams, sizeof *p->upstreams);
    if (p->upstreams == NULL) {
        (void)snprintf(why, room, "out of memory");
        return false;
    }
    p->n_upstreams = c->n_upstreams;
    if (!snapshot_limits_make(s, p) || !make_upstreams(p, book, why, room) ||
        !make_gate(p, old, why, room, now_ns))
        return false;
    index_places(p);
    return true;
}

static bool make_trusted(struct snapshot *s, char *why, size_t room)
{
    const struct settings *st = s->settings;

    s->trusted = calloc(st->n_trusted + 1, sizeof *s->trusted);
    if (s->trusted == NULL)
        return false;
    for (size_t i = 0; i < st->n_trusted; i++) {
        if (net_block_parse(slice_str(st->trusted[i]), &s->trusted[i]) != WEIR_OK) {
            (void)snprintf(why, room, "trusted: \"%s\" is not an address block", st->trusted[i]);
            return false;
        }
    }
    return true;
}

static void set_limits(struct snapshot *s)
{
    static const enum underscores underscores[] = {
        [UNDERSCORE_NAMES_REFUSE] = UNDERSCORES_REFUSED,
        [UNDERSCORE_NAMES_DROP] = UNDERSCORES_DROPPED,
        [UNDERSCORE_NAMES_PASS] = UNDERSCORES_KEPT,
    };
    const struct limits_conf *l = &s->settings->limits;

    s->request_limits = (struct head_limits){
        .line = l->request_line,
        .head = l->head,
        .fields = l->fields,
        .body = l->body,
        .underscores = underscores[l->underscore_names],
    };
    s->response_limits = (struct head_limits){
        .line = l->response_head,
        .head = l->response_head,
        .fields = SNAPSHOT_FIELDS_MAX,
        .body = UINT64_MAX,
        .underscores = UNDERSCORES_KEPT,
    };
}

static bool make_listener(struct snapshot *s, size_t i, const struct snapshot *old,
                          struct slot_book *book, char *why, size_t room)
{
    const struct listener_conf *c = &s->settings->listeners[i];
    struct snapshot_listener *l = &s->listeners[i];

    l->slot = slot_take(book->listeners, 0, SNAPSHOT_LISTENERS_MAX, c->address);
    if (l->slot < 0)
        return no_slot(l->slot, SNAPSHOT_LISTENERS_MAX, "listeners", why, room);
    return snapshot_listener_make(s, l, c, old, why, room);
}

/* A user has the same name on all nodes of a fleet, if they share a secret. */
static struct hash_key user_key_of(const struct snapshot *s, const struct snapshot *old)
{
    if (s->fleet != NULL && s->fleet->has_secret)
        return fleet_means_key(s->fleet, "users");
    return old == NULL ? hash_key_random() : old->user_key;
}

static bool fill(struct snapshot *s, const struct snapshot *old, struct slot_book *book, char *why,
                 size_t room, uint64_t now_ns)
{
    const struct settings *st = s->settings;

    s->user_key = user_key_of(s, old);
    if (st->n_listeners > SNAPSHOT_LISTENERS_MAX || st->n_pools > SNAPSHOT_POOLS_MAX) {
        (void)snprintf(why, room, "more than %d listeners or %d pools", SNAPSHOT_LISTENERS_MAX,
                       SNAPSHOT_POOLS_MAX);
        return false;
    }
    s->listeners = calloc(st->n_listeners, sizeof *s->listeners);
    s->pools = calloc(st->n_pools, sizeof *s->pools);
    if (s->listeners == NULL || s->pools == NULL)
        return false;
    for (size_t i = 0; i < st->n_listeners; i++) {
        if (!make_listener(s, i, old, book, why, room))
            return false;
    }
    for (size_t i = 0; i < st->n_pools; i++) {
        if (!make_pool(s, &s->pools[i], i, old, book, why, room, now_ns))
            return false;
    }
    if (!make_trusted(s, why, room))
        return false;
    set_limits(s);
    s->languages =
        language_set((const char *const *)st->pages.languages, st->pages.n_languages, NULL);
    return true;
}

static bool load_pages(struct snapshot *s, char *why, size_t room)
{
    if (s->settings->pages.directory[0] == '\0')
        return true;
    s->pages = snapshot_pages_make(s->settings, why, room);
    return s->pages != NULL;
}

static void destroy(struct snapshot *s)
{
    for (size_t i = 0; s->listeners != NULL && i < s->settings->n_listeners; i++)
        snapshot_listener_fini(&s->listeners[i]);
    for (size_t i = 0; s->pools != NULL && i < s->settings->n_pools; i++) {
        for (size_t k = 0; k < s->pools[i].n_upstreams; k++) {
            tls_client_release(&s->pools[i].upstreams[k].tls);
            tls_client_release(&s->pools[i].upstreams[k].tls_http2);
        }
        gate_unref(&s->pools[i].gate);
        free(s->pools[i].limits);
        free(s->pools[i].upstreams);
    }
    page_set_destroy(&s->pages);
    tls_client_release(&s->collector.tls);
    fleet_means_destroy(&s->fleet);
    free(s->listeners);
    free(s->pools);
    free(s->trusted);
    free(s);
}

static bool make_fleet(struct snapshot *s, char *why, size_t room)
{
    if (s->settings->fleet.redis[0] == '\0')
        return true;
    s->fleet = fleet_means_create(&s->settings->fleet, why, room);
    return s->fleet != NULL;
}

struct snapshot *snapshot_create(struct settings **settings, const struct snapshot *old,
                                 struct slot_book *book, char *why, size_t room, uint64_t now_ns)
{
    struct snapshot *s = calloc(1, sizeof *s);

    (void)snprintf(why, room, "out of memory");
    if (s == NULL)
        return NULL;
    s->settings = *settings;
    s->refs = 1;
    if (!make_fleet(s, why, room) || !fill(s, old, book, why, room, now_ns) ||
        !load_pages(s, why, room) ||
        !snapshot_collector_make(&s->collector, &s->settings->tracing, why, room)) {
        if (why[0] == '\0') /* whoever fails for another reason says which */
            (void)snprintf(why, room, "out of memory");
        if (s->pools != NULL)
            snapshot_abandon(s, now_ns);
        destroy(s);
        return NULL;
    }
    *settings = NULL; /* the snapshot owns them now */
    return s;
}

void snapshot_ref(struct snapshot *s)
{
    (void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

void snapshot_unref(struct snapshot *s)
{
    struct settings *settings;

    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    settings = s->settings;
    destroy(s);
    settings_destroy(&settings);
}

bool snapshot_trusts(const struct snapshot *s, const struct net_addr *peer)
{
    for (size_t i = 0; i < s->settings->n_trusted; i++) {
        if (net_block_holds(&s->trusted[i], peer))
            return true;
    }
    return false;
}

/* "/v1" is that and below, never "/v1x"; the path has no slash at its end (target_path). */
static bool path_matches(struct slice route, struct slice path)
{
    while (route.len > 0 && route.p[route.len - 1] == '/')
        route.len--;
    return slice_starts(path, route) && (path.len == route.len || path.p[route.len] == '/');
}

static struct slice without_port(struct slice host)
{
    const char *colon =
        host.len > 0 && host.p[host.len - 1] != ']' ? memrchr(host.p, ':', host.len) : NULL;

    return colon == NULL ? host : slice_of(host.p, (size_t)(colon - host.p));
}

static bool route_matches(const struct route_conf *r, struct slice method, struct slice host,
                          struct slice path)
{
    if (r->method[0] != '\0' && !slice_eq(slice_str(r->method), method))
        return false;
    if (r->host[0] != '\0' && !slice_eq_nocase(slice_str(r->host), host) &&
        !slice_eq_nocase(slice_str(r->host), without_port(host)))
        return false;
    return path_matches(slice_str(r->path), path);
}

int snapshot_route(const struct snapshot *s, struct slice method, struct slice host,
                   struct slice path, struct snapshot_pool **pool)
{
    const struct settings *st = s->settings;

    for (size_t i = 0; i < st->n_routes; i++) {
        if (route_matches(&st->routes[i], method, host, path)) {
            *pool = &s->pools[st->routes[i].pool];
            return (int)i;
        }
    }
    *pool = st->n_routes == 0 ? &s->pools[0] : NULL;
    return -1;
}
