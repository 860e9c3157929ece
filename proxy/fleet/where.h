/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_WHERE_H
#define WEIR_FLEET_WHERE_H

#include "weir/fleet/means.h"
#include "weir/net/addr.h"
#include "weir/net/resolver.h"

/*
 * Where to connect to: the addresses of the hosts that the URL names, resolved again and again; or
 * the master that the Sentinels name.  On control's loop.
 */
struct where;

struct where_events {
    /* The first address of any host is there; once, from the loop. */
    void (*on_known)(void *owner);
    /* It is another Redis now, whatever there is a connection to; from the loop. */
    void (*on_moved)(void *owner);
};

/* NULL: no memory.  timeout_ns and seed as of link_create, for whoever has to be asked. */
struct where *where_create(struct loop *l, struct resolver *r, const struct fleet_means *means,
                           uint64_t timeout_ns, uint64_t seed, const struct where_events *ev,
                           void *owner);
void where_destroy(struct where **w);
/*
 * A node of a cluster has said who has the slot: `says`, "MOVED SLOT HOST:PORT" (HOST empty or "?":
 * the same as from, which said it).  on_moved follows, from here or later; false: it names nobody.
 */
bool where_redirect(struct where *w, struct slice says, const struct net_addr *from);
/* The one after the last one, host by host; false and why (alive until the next call): none is
 * known. */
bool where_next(struct where *w, struct net_addr *out, const char **why);

#endif
