/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_RESOLVER_H
#define WEIR_NET_RESOLVER_H

#include "weir/net/addr.h"
#include "weir/net/loop.h"

/*
 * Names to addresses without blocking, and again when their time (TTL, clamped to 1 s .. 1 h; 5 s
 * after a failure) is up.  Numeric hosts and the hosts file need no server.  Belongs to one loop.
 */
enum { RESOLVER_ADDRS_MAX = 16 };
struct resolver;
struct resolver_watch;

/* n >= 1 addresses in the order to try; or n == 0 and why. The last good ones stay valid then. */
typedef void resolver_fn(const struct net_addr *addrs, size_t n, const char *why, void *arg);

struct resolver *resolver_create(struct loop *l); /* NULL when memory is short */
void resolver_destroy(struct resolver **r);       /* ends all watches; not from a resolver_fn */
/* Asks this server (address and port) instead of those in resolv.conf.  Before the first watch. */
enum weir_status resolver_use_server(struct resolver *r,
                                     const struct net_addr *server) WEIR_MUST_CHECK;

/*
 * fn is called from the loop, soon after the start and whenever the answer has changed (as a set:
 * another order is no news).  It may unwatch.  NULL when memory is short or the host is too long.
 */
struct resolver_watch *resolver_watch(struct resolver *r, const char *host, uint16_t port,
                                      resolver_fn *fn, void *arg);
void resolver_unwatch(struct resolver_watch **w);

#endif
