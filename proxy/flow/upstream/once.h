/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_ONCE_H
#define WEIR_FLOW_ONCE_H

#include "weir/http/head.h"
#include "weir/net/addr.h"
#include "weir/net/loop.h"
#include "weir/net/tls.h"

/*
 * One request on a connection of its own, for the head of its answer alone: health checks, spans.
 * Owner and thread: whoever began it, on that loop's thread.
 */
struct once;

/*
 * The end, once, after which *o of once_begin is to be forgotten: `h` is the answer's head, or NULL
 * and why there is none (`s`; `why` is a sentence part, alive during the call).  WEIR_NO_MEMORY:
 * short on this side, which says nothing of the peer.
 */
typedef void once_fn(void *arg, const struct response_head *h, enum weir_status s, const char *why);

/* Whom to ask, and how. */
struct once_to {
    const struct net_addr *addr;
    struct tls_client *tls; /* NULL: plain */
    struct slice first;     /* as of conn_connect */
    bool http2;             /* by prior knowledge, of a request without a body */
};
/*
 * `request` is copied: a head of HTTP/1.1 that says "Connection: close", and its body.  Over after
 * timeout_ns at the latest.  NULL: no descriptor or memory, and fn is not called.
 */
struct once *once_begin(struct loop *l, const struct once_to *to, uint64_t timeout_ns,
                        struct slice request, once_fn *fn, void *arg);
/* Without a word to fn.  Sets *o to NULL; NULL is fine. */
void once_cancel(struct once **o);

#endif
