/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_WHERE_H
#define WEIR_FLEET_WHERE_H

#include "weir/fleet/means.h"
#include "weir/net/addr.h"
#include "weir/net/resolver.h"

/*
 * Where to connect to: the addresses of the hosts that the URL names, resolved again and again.  On
 * control's loop.
 */
struct where;
/* found: the first address of any host is there; called once, from the loop.  NULL: no memory. */
struct where *where_create(struct resolver *r, const struct fleet_means *means,
                           void (*found)(void *arg), void *arg);
void where_destroy(struct where **w);
/* The one after the last one, host by host; false and why (alive until the next call): none is
 * known. */
bool where_next(struct where *w, struct net_addr *out, const char **why);

#endif
