/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_UPSTREAM_H1_PRIV_H
#define WEIR_FLOW_UPSTREAM_H1_PRIV_H

/* HTTP/1 towards upstreams; private to upstream/h1. */

#include "weir/http/chunked.h"

#include "upstream/upstream_priv.h"

enum { UPLINK_MAGIC = 0x00b11214 };

enum uplink_state {
    UPLINK_CONNECTING,
    UPLINK_IDLE,
    UPLINK_HEAD, /* a request was (or is being) sent; waits for the head */
    UPLINK_BODY,
    UPLINK_TUNNEL,
    UPLINK_DEAD,
};

/* What is being sent. */
struct h1_sending {
    struct buf out; /* head and framing that the kernel has not taken yet */
    enum body_kind body;
    uint64_t left; /* of a counted body; of the chunk that was begun */
    bool complete; /* all of it is on its way, or in out */
};

/* What is being received. */
struct h1_receiving {
    struct buf in; /* part of a head */
    struct head_wait head_wait;
    struct chunked chunked;
    enum body_kind body;
    uint64_t left; /* of a counted body */
    bool whole;    /* this answer was read to its end */
    uint8_t interims;
};

struct h1_uplink {
    struct uplink uplink; /* first, as in h2_uplink: see h2_become */
    uint32_t magic;
    enum uplink_state state;
    struct worker *w;
    struct snapshot_upstream *upstream;
    struct snapshot_use *use;        /* of when it was opened: its upstream lives by it */
    const struct snapshot *snapshot; /* of the request it works for */
    struct conn *conn;
    struct buf first; /* sent before anything else; kept until it is open, for the next address */
    struct spoken_for spoken_for;
    struct list node;
    struct loop_timer timer; /* closes an idle one */
    struct loop_deferred deferred;
    struct h1_sending sending;
    struct h1_receiving receiving;
    bool to_head, upgrade; /* the request */
    bool http1;            /* HTTP/2 would not do for it */
    bool keep;             /* the upstream would keep it */
    bool failed;           /* out of memory: its timer ends it */
    uint8_t addresses_tried;
    uint32_t keep_alive_s, keep_alive_max; /* what the upstream promised, 0 = nothing */
    uint32_t served;
    uint64_t written, written_before; /* bytes: in all, and before this request */
    uint64_t begun_ns, connect_ns;
};

/* uplink.c */
void uplink_enter(struct h1_uplink *u, enum uplink_state next);
void uplink_close(struct h1_uplink *u);
void uplink_fail(struct h1_uplink *u, enum upstream_end how, const char *why);
/* The same once the current callback is over, when there is no memory for what it has to keep. */
void uplink_fail_later(struct h1_uplink *u);
struct h1_uplink *h1_uplink_of(const struct uplink *u);

/* idle.c */
struct idle_pool *idle_pool_of(const struct h1_uplink *u);
bool idle_may_stay(const struct h1_uplink *u);
void idle_put(struct h1_uplink *u);
struct h1_uplink *idle_take(struct worker *w, struct idle_pool *l, const struct spoken_for *whose);

/* send.c */
size_t uplink_send(struct uplink *u, const struct upstream_request *r, struct slice body,
                   bool complete, struct slice trailers);
bool uplink_has_sent_all(const struct h1_uplink *u);

/* read.c */
void uplink_on_readable(struct conn *c, void *owner);

#endif
