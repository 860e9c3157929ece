/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_UPSTREAM_H
#define WEIR_FLOW_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/http/field_list.h"
#include "weir/http/head.h"
#include "weir/net/addr.h"

#include "snapshot/snapshot.h"

/*
 * The upstream's side of an exchange, whatever protocol it speaks: a connection of HTTP/1 that is
 * lent to one exchange at a time, or a stream of HTTP/2.  It owns framing, connections and where
 * they go to; the exchange owns what is asked and what the answer means.
 *
 *   exchange → upstream:  upstream_take, and the operations below until release or cancel
 *   upstream → exchange:  the events below, from the loop only, until release, cancel or `end`
 *
 * All on the worker's thread.
 */
struct uplink;
struct worker;
struct snapshot_use;
struct client;

/* How an answer ends. */
enum upstream_end {
    END_CLEAN,
    END_RESET,   /* broken off */
    END_SHORT,   /* ended before its framing said so */
    END_BAD,     /* malformed */
    END_LACKING, /* weir lacked memory for it: no evidence about the upstream */
    END_REFUSED, /* given back before anything was done (REFUSED_STREAM, GOAWAY) */
};

/* Borrowed for the call.  Fields are without Host, Connection and framing. */
struct upstream_request {
    struct slice method, target, host;
    const struct field_list *fields; /* its lines, at least (field_list_read) */
    enum body_kind body; /* NONE, COUNTED with its length, or CHUNKED for "length not known" */
    uint64_t length;
    bool to_head, upgrade; /* HEAD; asks for a WebSocket */
};

struct upstream_ops {
    /*
     * Sends the head (r, on the first call; NULL afterwards) and of the body what can be sent now;
     * `complete`: nothing follows these bytes.  Returns how many body bytes were taken; for the
     * rest the event `room` follows.  A broken connection takes nothing and is told by `end`.
     * trailers: behind a complete body; kept ones (field_list_keep), NONE for none.  A protocol
     * without them leaves them out.
     */
    size_t (*send)(struct uplink *u, const struct upstream_request *r, struct slice body,
                   bool complete, struct slice trailers);
    /* May more of the answer come?  Back-pressure. */
    void (*want_data)(struct uplink *u, bool want);
    /*
     * The exchange is done with a whole answer: kept for the next request if that is possible.  Of
     * a tunnel: nothing more is to be sent or read, what was sent arrives.
     */
    void (*release)(struct uplink *u);
    /* The answer is not wanted any more: the other side can see it. */
    void (*cancel)(struct uplink *u);
    /* Can the other side have begun to work on the request?  For sending it again. */
    bool (*may_have_begun)(const struct uplink *u);
};

struct upstream_events {
    void (*connected)(void *owner, uint64_t took_ns);
    /* why: alive during the call. */
    void (*connect_failed)(void *owner, enum weir_status s, const char *why);
    void (*head)(void *owner, const struct response_head *h);
    void (*data)(void *owner, struct slice bytes);
    /* There is room for more of the request. */
    void (*room)(void *owner);
    /* The answer is over.  trailers: NULL for none. */
    void (*end)(void *owner, enum upstream_end how, const char *why,
                const struct field_list *trailers);
};

struct uplink {
    const struct upstream_ops *ops;
    const struct upstream_events *events;
    void *owner;   /* NULL while idle */
    bool open;     /* connected: `send` may be called */
    bool http2;    /* known once it is open: the upstream speaks HTTP/2 */
    bool reused;   /* it has served an earlier request */
    bool any_byte; /* of this answer */
};

/* Where a request goes, and by which settings. */
struct upstream_target {
    struct snapshot_upstream *upstream;
    struct snapshot_use *use;
    uint64_t connect_ns;
    /* Whom the request is from, and its side of the exchange: for the PROXY protocol. */
    const struct net_addr *client;
    const struct client *reached;
    bool http1; /* the request is an upgrade, which HTTP/2 has none of */
};

/*
 * An idle connection, or (fresh, or none idle) a new one, for `owner`: *out is set, and open or
 * `connected` or `connect_failed` will follow.  WEIR_AGAIN: no address is known yet; WEIR_DNS:
 * there is none to be had (upstream_why); WEIR_NO_MEMORY: no memory or descriptors.
 */
enum weir_status upstream_take(struct worker *w, const struct upstream_target *t, bool fresh,
                               const struct upstream_events *events, void *owner,
                               struct uplink **out);
/* Those of a worker. */
struct uplinks *uplinks_create(uint32_t max); /* NULL: no memory */
void uplinks_destroy(struct uplinks **u);
/* Where to connect to; n 0: nowhere, for this reason, and what was known stays. */
void upstream_set_addresses(struct worker *w, int slot, const struct net_addr *addrs, size_t n,
                            const char *why);
/* What one takes in memory, without its connection. */
size_t upstream_bytes(void);
const char *upstream_why(const struct worker *w, int slot);
/* Closes the idle connections of an upstream. */
void upstream_close_idle(struct worker *w, int slot);

/* Ends it and forgets it, so that nothing is called after it.  *u NULL is fine. */
static inline void upstream_release(struct uplink **u)
{
    struct uplink *gone = *u;

    *u = NULL;
    if (gone != NULL)
        gone->ops->release(gone);
}
static inline void upstream_cancel(struct uplink **u)
{
    struct uplink *gone = *u;

    *u = NULL;
    if (gone != NULL)
        gone->ops->cancel(gone);
}
static inline void upstream_want_data(struct uplink *u, bool want)
{
    if (u != NULL)
        u->ops->want_data(u, want);
}

#endif
