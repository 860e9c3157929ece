/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of Redis, or of the Sentinels that know it.  Control thread. */
#include "where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct where *w;
    struct resolver_watch *watch;
    struct net_addr addrs[RESOLVER_ADDRS_MAX];
    size_t n, next;
};

struct where {
    struct place places[FLEET_HOSTS_MAX];
    size_t n, next;
    char why[128]; /* none is known */
    void (*found)(void *arg);
    void *arg;
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
        w->found(w->arg);
    }
}

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

struct where *where_create(struct resolver *r, const struct fleet_means *means,
                           void (*found)(void *arg), void *arg)
{
    struct where *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->found = found;
    w->arg = arg;
    (void)snprintf(w->why, sizeof w->why, "its name is not resolved");
    if (!watch(w, r, means))
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
    free(w);
}

bool where_next(struct where *w, struct net_addr *out, const char **why)
{
    for (size_t i = 0; i < w->n; i++) {
        struct place *p = &w->places[w->next++ % w->n];

        if (p->n == 0)
            continue;
        *out = p->addrs[p->next++ % p->n];
        return true;
    }
    *why = w->why;
    return false;
}
