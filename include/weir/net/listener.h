/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_LISTENER_H
#define WEIR_NET_LISTENER_H

#include "weir/net/addr.h"
#include "weir/net/loop.h"

/*
 * A bound address.  listen_bind makes the descriptor on the main thread before privileges are
 * dropped; each worker opens its own listener on one (SO_REUSEPORT: one descriptor per worker for
 * TCP; unix sockets share one, see listen_bind).
 */

enum listen_how {
    LISTEN_SHARED = 1,    /* more descriptors will be bound to the same address (SO_REUSEPORT) */
    LISTEN_IPV6_ONLY = 2, /* [::] takes no IPv4; without it, it does */
};

/*
 * Binds and listens: non-blocking, close-on-exec.  `how` is a set of enum listen_how.  Unix paths:
 * a dead socket file left behind is removed, a live one is WEIR_REFUSED; mode is set to `mode`.
 * *why is a static sentence part on failure; errno tells more.
 */
enum weir_status listen_bind(const struct net_addr *a, int backlog, unsigned how, unsigned mode,
                             int *fd, const char **why) WEIR_MUST_CHECK;

/*
 * Is the address free?  Before the first listen_bind with LISTEN_SHARED, because SO_REUSEPORT lets
 * two programs of one user listen on the same address without an error.
 */
enum weir_status listen_probe(const struct net_addr *a, unsigned how,
                              const char **why) WEIR_MUST_CHECK;

struct listener;
/* A new client: `fd` is the callee's, non-blocking, without Nagle's delay.  An IPv4 client of an
 * IPv6 socket has its IPv4 address. */
typedef void listener_fn(int fd, const struct net_addr *peer, void *arg);

/* Accepts from fd (borrowed; the caller closes it after listener_close). */
struct listener *listener_open(struct loop *l, int fd, listener_fn *fn, void *arg);
void listener_close(struct listener **s);
/*
 * Stops and goes on accepting; also done by itself for 100 ms when the process is out of
 * descriptors (logged once a second at most), so that it never spins.
 */
void listener_pause(struct listener *s, bool pause);

#endif
