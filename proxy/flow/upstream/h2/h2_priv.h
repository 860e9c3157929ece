/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_UPSTREAM_H2_PRIV_H
#define WEIR_FLOW_UPSTREAM_H2_PRIV_H

/*
 * HTTP/2 towards upstreams: a link is a connection, an uplink one of its streams; private to
 * upstream/h2.
 *
 * nghttp2 calls back while a link is fed (input.c) and while it is asked for bytes (link.c); from
 * inside, frames may be submitted, but it is neither fed nor asked.
 */

#include "weir/http/field_block.h"

#include "h2/frames.h"
#include "h2/memory.h"
#include "upstream/upstream_priv.h"

enum {
    H2_LINK_MAGIC = 0x48324c4b,
    H2_UPLINK_MAGIC = 0x48325550,
    H2_UPLINK_OUT = 64 * 1024, /* of a request, waiting for the upstream's window */
};

struct h2_uplinks {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct h2_reserve *reserve;
    struct http_field *trailers; /* LISTED_MAX, of the answer that ends */
    nghttp2_nv *fields;          /* LISTED_MAX + 8, of the head being written */
    char *out;                   /* SCRATCH_BYTES, being gathered */
};

struct h2_link {
    uint32_t magic;
    struct worker *w;
    struct snapshot_upstream *upstream;
    struct snapshot_use *use; /* its upstream lives by it */
    struct conn *conn;
    struct spoken_for spoken_for;
    nghttp2_session *ng;
    struct h2_memory memory;
    struct list node;    /* in idle_pool.links */
    struct list uplinks; /* attached, also those whose stream is over */
    uint32_t n_open;     /* streams, and uplinks that have none yet */
    uint32_t most;       /* streams at once: 1 until the upstream has said */
    uint32_t window;
    struct loop_timer timer; /* idle: its end; else: is it alive? */
    struct loop_deferred deferred, step;
    struct buf out;      /* frames the kernel did not take yet */
    uint64_t heard_ns;   /* anything */
    uint8_t quiet_pings; /* since an answer was heard of */
    bool pinged, said, leaving, dead;
    bool broken;  /* weir lacked memory, or nghttp2 cannot go on */
    bool flooded; /* by the upstream, with a head */
};

struct h2_uplink {
    struct uplink uplink; /* first, as in h1_uplink: see h2_become */
    uint32_t magic;
    struct worker *w;
    struct h2_link *link; /* NULL: it is gone */
    const struct snapshot *snapshot;
    struct list node;
    struct loop_deferred deferred;
    int32_t id; /* 0: not sent yet */
    struct buf out;
    struct buf out_trailers; /* behind it, kept */
    struct field_block head;
    struct buf trailers; /* kept */
    struct buf in;       /* while the exchange wants none */
    uint8_t interims;
    bool to_head, complete, resumable, wants_room, room_due;
    bool begun; /* its head has left: the upstream may work on it */
    bool paused, head_seen, ended, told, closed, refused;
};

static inline struct h2_uplinks *h2_of(const struct worker *w)
{
    return w->uplinks->h2;
}
static inline void h2_step_later(struct h2_link *k)
{
    if (k != NULL && !k->dead)
        loop_defer_free(k->w->loop, &k->step);
}

/* --- upstream/h2/link.c */
/* Silent for so long that it may be dead without being known to be: it takes nothing new. */
bool h2_link_is_quiet(const struct h2_link *k);
void h2_link_end(struct h2_link *k, enum upstream_end how, const char *why);
void h2_link_set_timer(struct h2_link *k);
struct h2_link *h2_link_create(const struct h2_becoming *b);

/* --- upstream/h2/input.c */
void h2_uplink_callbacks(nghttp2_session_callbacks *cb);
void h2_link_receive(struct h2_link *k);

/* --- upstream/h2/stream.c */
/* Goes on with what waits: kept body bytes, room for more of the request. */
void h2_uplink_step(struct h2_uplink *u);
void h2_uplink_data(struct h2_uplink *u, struct slice bytes);
/* Tells how the answer ended, once. */
void h2_uplink_tell_end(struct h2_uplink *u, enum upstream_end how, const char *why);
/* All of the answer has come: told, unless bytes of it still wait. */
void h2_uplink_ended(struct h2_uplink *u);
/* Its link is going: whatever it had, it ends now. */
void h2_uplink_link_gone(struct h2_uplink *u, enum upstream_end how, const char *why);

#endif
