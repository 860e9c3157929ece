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

static void on_addresses(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    struct upstream_watch *u = arg;
    struct control *c = u->c;

    if (n > 0) {
        u->n_addrs = n < 8 ? n : 8;
        memcpy(u->addrs, addrs, u->n_addrs * sizeof *addrs);
        health_set_address(u->health, &u->addrs[0]);
    } else {
        log_warn("an upstream's name cannot be resolved: %s%s", why,
                 u->n_addrs > 0 ? "; its last addresses are used on" : "");
    }
    set_text(u, why);
    for (int i = 0; i < c->workers.n; i++)
        worker_set_addresses(c->workers.list[i], u->slot, addrs, n, why);
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

bool control_watch_upstream(struct control *c, struct snapshot_pool *p, size_t i)
{
    struct snapshot_upstream *su = &p->upstreams[i];
    struct upstream_watch *u = &c->upstreams[su->slot];

    u->c = c;
    u->slot = su->slot;
    if (p->conf->health.path[0] != '\0') {
        u->health = health_create(c->loop, p, su);
        if (u->health == NULL)
            return false;
    }
    if (su->url.unix_path)
        return watch_unix(u, su->url.host);
    u->watch = resolver_watch(c->resolver, su->url.host, su->url.port, on_addresses, u);
    return u->watch != NULL;
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
    u->health = health_create(c->loop, p, su);
    if (u->health != NULL && u->n_addrs > 0)
        health_set_address(u->health, &u->addrs[0]);
    return u->health != NULL;
}

void control_unwatch_upstream(struct control *c, int slot)
{
    struct upstream_watch *u = &c->upstreams[slot];

    resolver_unwatch(&u->watch);
    health_destroy(&u->health);
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
