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

#include "weir/base/assert.h"
#include "weir/http/head.h"

/* --- what an older snapshot already has */

static const struct snapshot_pool *old_pool(const struct snapshot *old, const char *name)
{
    for (size_t i = 0; old != NULL && i < old->settings->n_pools; i++) {
        if (strcmp(old->pools[i].conf->name, name) == 0)
            return &old->pools[i];
    }
    return NULL;
}

/* An upstream is the same if it keeps pool, name and URL. */
static const struct snapshot_upstream *old_upstream(const struct snapshot_pool *p,
                                                    const struct upstream_conf *c)
{
    for (size_t i = 0; p != NULL && i < p->n_upstreams; i++) {
        const struct upstream_conf *o = p->upstreams[i].conf;
        if (strcmp(o->name, c->name) == 0 && strcmp(o->url, c->url) == 0)
            return &p->upstreams[i];
    }
    return NULL;
}

/* --- pools */

static bool same_upstreams(const struct snapshot_pool *p, const struct snapshot_pool *old)
{
    if (old == NULL || old->n_upstreams != p->n_upstreams)
        return false;
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (old->upstreams[i].slot != p->upstreams[i].slot)
            return false;
    }
    return true;
}

/* A new gate takes over what is known of the upstreams that stay. */
static void adopt(struct snapshot_pool *p, const struct snapshot_pool *old, uint64_t now_ns)
{
    struct pool *from = gate_lock(old->gate);

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct snapshot_upstream *u = old_upstream(old, p->upstreams[i].conf);
        if (u != NULL)
            pool_adopt(gate_pool(p->gate), i, from, (size_t)u->index, now_ns);
    }
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (old_upstream(old, p->upstreams[i].conf) == NULL)
            pool_join(gate_pool(p->gate), i, now_ns);
    }
    pool_adopt_people(gate_pool(p->gate), from);
    gate_unlock(old->gate);
}

static bool make_gate(struct snapshot_pool *p, const struct snapshot_pool *old, uint64_t now_ns)
{
    uint32_t max_streams[POOL_UPSTREAMS_MAX];

    for (size_t i = 0; i < p->n_upstreams; i++)
        max_streams[i] = p->conf->upstreams[i].max_streams;
    if (same_upstreams(p, old)) {
        p->gate = old->gate;
        gate_ref(p->gate);
        return true; /* its settings are put in force by snapshot_commit */
    }
    p->gate = gate_create(&p->conf->decide, max_streams, p->n_upstreams, now_ns);
    if (p->gate != NULL && old != NULL)
        adopt(p, old, now_ns);
    return p->gate != NULL;
}

void snapshot_commit(struct snapshot *s, uint64_t now_ns)
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        struct snapshot_pool *p = &s->pools[k];
        uint32_t max_streams[POOL_UPSTREAMS_MAX];

        for (size_t i = 0; i < p->n_upstreams; i++)
            max_streams[i] = p->conf->upstreams[i].max_streams;
        gate_set_conf(p->gate, &p->conf->decide, max_streams, now_ns);
    }
}

static bool make_upstreams(struct snapshot *s, struct snapshot_pool *p,
                           const struct snapshot_pool *old, char *why, size_t room)
{
    const struct pool_conf *c = p->conf;

    for (size_t i = 0; i < c->n_upstreams; i++) {
        const struct snapshot_upstream *known = old_upstream(old, &c->upstreams[i]);

        if (known != NULL)
            p->upstreams[i].slot = known->slot;
        else if (!snapshot_take_slot(&s->next_upstream, SNAPSHOT_UPSTREAMS_MAX,
                                     &p->upstreams[i].slot)) {
            (void)snprintf(why, room, "more than %d different upstreams since the start: restart",
                           SNAPSHOT_UPSTREAMS_MAX);
            return false;
        }
        if (!snapshot_upstream_make(&p->upstreams[i], &c->upstreams[i], (int)i, why, room))
            return false;
    }
    return true;
}

static bool make_pool(struct snapshot *s, struct snapshot_pool *p, size_t index,
                      const struct snapshot *from, char *why, size_t room, uint64_t now_ns)
{
    const struct pool_conf *c = &s->settings->pools[index];
    const struct snapshot_pool *old = old_pool(from, c->name);

    p->conf = c;
    p->index = (int)index;
    if (old != NULL)
        p->slot = old->slot;
    else if (!snapshot_take_slot(&s->next_pool, SNAPSHOT_POOLS_MAX + 1, &p->slot)) {
        (void)snprintf(why, room, "more than %d different pools since the start: restart",
                       SNAPSHOT_POOLS_MAX);
        return false;
    }
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
    if (!make_upstreams(s, p, old, why, room))
        return false;
    if (!make_gate(p, old, now_ns)) {
        (void)snprintf(why, room, "out of memory");
        return false;
    }
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

static bool fill(struct snapshot *s, const struct snapshot *old, char *why, size_t room,
                 uint64_t now_ns)
{
    const struct settings *st = s->settings;

    s->next_pool = old == NULL ? 1 : old->next_pool; /* 0 is for requests that reach no pool */
    s->next_upstream = old == NULL ? 0 : old->next_upstream;
    s->next_listener = old == NULL ? 0 : old->next_listener;
    s->user_key = old == NULL ? hash_key_random() : old->user_key;
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
        if (!snapshot_listener_make(s, &s->listeners[i], &st->listeners[i], old, why, room))
            return false;
    }
    for (size_t i = 0; i < st->n_pools; i++) {
        if (!make_pool(s, &s->pools[i], i, old, why, room, now_ns))
            return false;
    }
    if (!make_trusted(s, why, room))
        return false;
    set_limits(s);
    s->languages =
        language_set((const char *const *)st->pages_languages, st->n_pages_languages, NULL);
    return true;
}

static bool load_pages(struct snapshot *s, char *why, size_t room)
{
    if (s->settings->pages_directory[0] == '\0')
        return true;
    s->pages = snapshot_pages_make(s->settings, why, room);
    return s->pages != NULL;
}

static void destroy(struct snapshot *s)
{
    for (size_t i = 0; s->listeners != NULL && i < s->settings->n_listeners; i++)
        snapshot_listener_fini(&s->listeners[i]);
    for (size_t i = 0; s->pools != NULL && i < s->settings->n_pools; i++) {
        for (size_t k = 0; k < s->pools[i].n_upstreams; k++)
            tls_client_release(&s->pools[i].upstreams[k].tls);
        gate_unref(&s->pools[i].gate);
        free(s->pools[i].upstreams);
    }
    page_set_destroy(&s->pages);
    free(s->listeners);
    free(s->pools);
    free(s->trusted);
    free(s);
}

struct snapshot *snapshot_create(struct settings **settings, const struct snapshot *old, char *why,
                                 size_t room, uint64_t now_ns)
{
    struct snapshot *s = calloc(1, sizeof *s);

    (void)snprintf(why, room, "out of memory");
    if (s == NULL)
        return NULL;
    s->settings = *settings;
    s->refs = 1;
    if (!fill(s, old, why, room, now_ns) || !load_pages(s, why, room)) {
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
