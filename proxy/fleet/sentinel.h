/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_SENTINEL_H
#define WEIR_FLEET_SENTINEL_H

#include "weir/fleet/means.h"
#include "weir/net/addr.h"
#include "weir/net/resolver.h"

/*
 * Which Redis is the master, by the word of the Sentinels: all of them are asked each second, each
 * over a connection of its own that is kept.  The master is whom most of them name; where as many
 * name another, whom one of them has begun to name that named the one before.  So one that is dead,
 * silent, out of date or lying is outvoted where there are three.  On control's loop.
 */
struct sentinels;
/*
 * m names the Sentinels and the master; borrowed.  changed: they agree on another one than before
 * (the first one included); from the loop.  NULL: no memory.
 */
struct sentinels *sentinels_create(struct loop *l, struct resolver *r, const struct fleet_means *m,
                                   uint64_t timeout_ns, uint64_t seed, void (*changed)(void *arg),
                                   void *arg);
void sentinels_destroy(struct sentinels **s);
/*
 * Where to connect to.  Asked again and again: one after the other of those that as many name.
 * False and why (alive until the next call): none has named any.
 */
bool sentinels_next(struct sentinels *s, struct net_addr *out, const char **why);

#endif
