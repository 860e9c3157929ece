/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of Redis.  Control thread. */
#include "where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentinel.h"
#include "weir/base/text.h"

struct place {
    struct where *w;
    struct resolver_watch *watch;
    struct net_addr addrs[RESOLVER_ADDRS_MAX];
    size_t n, next;
};

struct where {
    struct place places[FLEET_HOSTS_MAX];
    size_t n, next;
    char why[128];               /* none is known */
    struct sentinels *sentinels; /* NULL: there are none */
    struct resolver *resolver;
    struct place moved; /* who has the slot, in a cluster; n 0 = not known */
    bool go;            /* there next */
    const struct where_events *ev;
    void *owner;
    bool told;
};

static void on_addresses(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    struct place *p = arg;
    struct where *w = p->w;

    if (n == 0) {
        (void)snprintf(w->why, sizeof w->why, "%s", why);
        return;
    }
    memcpy(p->addrs, addrs, n * sizeof *addrs);
    p->n = n;
    if (!w->told) {
        w->told = true;
        w->ev->on_known(w->owner);
    }
}

/* --- a cluster's MOVED */

static void go_there(struct where *w)
{
    w->go = true;
    w->ev->on_moved(w->owner);
}

static void on_moved_resolved(const struct net_addr *addrs, size_t n, const char *why, void *arg)
{
    struct place *p = arg;
    bool first = p->n == 0;

    if (n == 0) {
        (void)snprintf(p->w->why, sizeof p->w->why, "%s", why);
        return;
    }
    memcpy(p->addrs, addrs, n * sizeof *addrs);
    p->n = n;
    if (first)
        go_there(p->w);
}

static void set_port(struct net_addr *a, uint16_t port)
{
    if (a->u.sa.sa_family == AF_INET)
        a->u.in.sin_port = htons(port);
    else if (a->u.sa.sa_family == AF_INET6)
        a->u.in6.sin6_port = htons(port);
}

bool where_redirect(struct where *w, struct slice says, const struct net_addr *from)
{
    const char *blank = says.len == 0 ? NULL : memrchr(says.p, ' ', says.len);
    struct slice at = blank == NULL ? SLICE_NONE : slice_from(says, (size_t)(blank - says.p) + 1);
    const char *colon = at.len == 0 ? NULL : memrchr(at.p, ':', at.len);
    struct slice host = colon == NULL ? SLICE_NONE : slice_of(at.p, (size_t)(colon - at.p));
    char name[256];
    uint64_t port;

    if (colon == NULL || host.len >= sizeof name ||
        parse_u64(slice_from(at, host.len + 1), UINT16_MAX, &port) != WEIR_OK || port == 0)
        return false;
    resolver_unwatch(&w->moved.watch);
    w->moved = (struct place){.w = w};
    w->go = false;
    if (host.len == 0 || slice_eq(host, SLICE_LIT("?"))) {
        w->moved.n = 1;
        w->moved.addrs[0] = *from;
        set_port(&w->moved.addrs[0], (uint16_t)port);
        go_there(w);
        return true;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)host.len, host.p);
    w->moved.watch =
        resolver_watch(w->resolver, name, (uint16_t)port, on_moved_resolved, &w->moved);
    return w->moved.watch != NULL;
}

/* --- what the URL names */

static bool watch(struct where *w, struct resolver *r, const struct fleet_means *m)
{
    char text[300];

    w->n = m->n_hosts;
    for (size_t i = 0; i < w->n; i++) {
        struct place *p = &w->places[i];

        p->w = w;
        if (m->unix_path) {
            (void)snprintf(text, sizeof text, "unix:%s", m->hosts[i].name);
            p->n = net_addr_parse(slice_str(text), &p->addrs[0]) == WEIR_OK ? 1 : 0;
            continue;
        }
        p->watch = resolver_watch(r, m->hosts[i].name, m->hosts[i].port, on_addresses, p);
        if (p->watch == NULL)
            return false;
    }
    return true;
}

static void on_elected(void *arg)
{
    struct where *w = arg;

    w->ev->on_moved(w->owner);
}

struct where *where_create(struct loop *l, struct resolver *r, const struct fleet_means *means,
                           uint64_t timeout_ns, uint64_t seed, const struct where_events *ev,
                           void *owner)
{
    struct where *w = calloc(1, sizeof *w);
    bool made;

    if (w == NULL)
        return NULL;
    w->ev = ev;
    w->owner = owner;
    w->resolver = r;
    (void)snprintf(w->why, sizeof w->why, "its name is not resolved");
    if (means->master[0] != '\0')
        w->sentinels = sentinels_create(l, r, means, timeout_ns, seed, on_elected, w);
    made = means->master[0] != '\0' ? w->sentinels != NULL : watch(w, r, means);
    if (!made)
        where_destroy(&w);
    return w;
}

void where_destroy(struct where **wp)
{
    struct where *w = *wp;

    *wp = NULL;
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n; i++)
        resolver_unwatch(&w->places[i].watch);
    resolver_unwatch(&w->moved.watch);
    sentinels_destroy(&w->sentinels);
    free(w);
}

bool where_next(struct where *w, struct net_addr *out, const char **why)
{
    if (w->sentinels != NULL)
        return sentinels_next(w->sentinels, out, why);
    for (size_t i = 0; i < w->n + 1; i++) {
        size_t turn = w->go ? w->n : w->next++ % (w->n + 1);
        struct place *p = turn == w->n ? &w->moved : &w->places[turn];

        w->go = false;
        if (p->n == 0)
            continue;
        *out = p->addrs[p->next++ % p->n];
        return true;
    }
    *why = w->why;
    return false;
}
