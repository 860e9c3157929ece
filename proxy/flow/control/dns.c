/* SPDX-License-Identifier: Apache-2.0 */
/* Names of upstreams: resolved on control's loop, told to the workers; health checks begin here. */
#include <stdio.h>

#include "control/control_priv.h"
#include "upstream/health.h"

static void set_text(struct upstream_watch *u, const char *why)
{
    size_t used = 0;

    u->text[0] = '\0';
    for (size_t i = 0; i < u->n_addrs && used < sizeof u->text; i++) {
        char one[NET_ADDR_TEXT_MAX];
        int n;

        net_addr_format(&u->addrs[i], one);
        n = snprintf(u->text + used, sizeof u->text - used, "%s%s", i == 0 ? "" : ", ", one);
        used += n > 0 ? (size_t)n : 0;
    }
    if (u->n_addrs == 0)
        (void)snprintf(u->text, sizeof u->text, "%s", why == NULL ? "" : why);
}

static bool tell(const struct upstream_watch *u, size_t n, const char *why)
{
    bool told = true;

    for (int i = 0; i < u->c->workers.n; i++)
        told = worker_set_addresses(u->c->workers.list[i], u->slot, u->addrs, n, why) && told;
    return told;
}

static void on_addresses(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    struct upstream_watch *u = arg;

    if (n > 0) {
        u->n_addrs = n < 8 ? n : 8;
        memcpy(u->addrs, addrs, u->n_addrs * sizeof *addrs);
        health_set_address(u->health, &u->addrs[0]);
    } else {
        log_warn("an upstream's name cannot be resolved: %s%s", why,
                 u->n_addrs > 0 ? "; its last addresses are used on" : "");
    }
    set_text(u, why);
    u->untold = !tell(u, n == 0 ? 0 : u->n_addrs, why);
}

/* A unix socket needs no resolving. */
static bool watch_unix(struct upstream_watch *u, const char *path)
{
    char text[300];
    struct net_addr a;

    (void)snprintf(text, sizeof text, "unix:%s", path);
    if (net_addr_parse(slice_str(text), &a) != WEIR_OK)
        return false;
    on_addresses(&a, 1, NULL, u);
    return true;
}

static bool is_named(const struct upstream_watch *u, const struct snapshot_upstream *su)
{
    return u->watch != NULL || (su->url.unix_path && u->n_addrs > 0);
}

/* Of its checks and its name, what is not under way. */
static bool watch_rest(struct control *c, struct snapshot_pool *p, size_t i)
{
    struct snapshot_upstream *su = &p->upstreams[i];
    struct upstream_watch *u = &c->upstreams[su->slot];

    if (p->conf->health.path[0] != '\0' && u->health == NULL) {
        u->health = health_create(c->loop, p, su);
        if (u->health == NULL)
            return false;
        if (u->n_addrs > 0)
            health_set_address(u->health, &u->addrs[0]);
    }
    if (is_named(u, su))
        return true;
    if (su->url.unix_path)
        return watch_unix(u, su->url.host);
    u->watch = resolver_watch(c->resolver, su->url.host, su->url.port, on_addresses, u);
    return u->watch != NULL;
}

bool control_watch_upstream(struct control *c, struct snapshot_pool *p, size_t i)
{
    struct upstream_watch *u = &c->upstreams[p->upstreams[i].slot];

    u->c = c;
    u->slot = p->upstreams[i].slot;
    return watch_rest(c, p, i);
}

/* Its name and addresses are the same; its checks go on by the settings of p, or end. */
bool control_rewatch_upstream(struct control *c, struct snapshot_pool *p, size_t i)
{
    struct snapshot_upstream *su = &p->upstreams[i];
    struct upstream_watch *u = &c->upstreams[su->slot];

    if (p->conf->health.path[0] == '\0' && u->health != NULL) {
        health_destroy(&u->health);
        pool_health_off(gate_lock(p->gate), (size_t)su->place, loop_now_ns(c->loop));
        gate_unlock(p->gate);
    }
    if (p->conf->health.path[0] == '\0')
        return true;
    if (u->health != NULL) {
        health_set(u->health, p, su);
        return true;
    }
    return watch_rest(c, p, i);
}

void control_unwatch_upstream(struct control *c, int slot)
{
    struct upstream_watch *u = &c->upstreams[slot];

    resolver_unwatch(&u->watch);
    health_destroy(&u->health);
}

void control_upstreams_second(struct control *c)
{
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        struct snapshot_pool *p = &c->snapshot->pools[k];

        for (size_t i = 0; i < p->n_upstreams; i++) {
            struct upstream_watch *u = &c->upstreams[p->upstreams[i].slot];

            (void)watch_rest(c, p, i); /* or in a second */
            if (u->untold)
                u->untold = !tell(u, u->n_addrs, u->text);
        }
    }
}

bool control_watch_upstreams(struct control *c)
{
    c->resolver = resolver_create(c->loop);
    if (c->resolver == NULL)
        return false;
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        for (size_t i = 0; i < c->snapshot->pools[k].n_upstreams; i++) {
            if (!control_watch_upstream(c, &c->snapshot->pools[k], i))
                return false;
        }
    }
    return true;
}

void control_unwatch_upstreams(struct control *c)
{
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        control_unwatch_upstream(c, i);
    resolver_destroy(&c->resolver);
}
