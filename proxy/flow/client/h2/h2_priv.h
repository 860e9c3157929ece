/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_H2_PRIV_H
#define WEIR_FLOW_CLIENT_H2_PRIV_H

/*
 * A client connection that speaks HTTP/2 and its streams, from inside; private to client/h2.
 *
 * nghttp2 frames and compresses; what a frame means is decided here, what a request means by
 * http/field_block.c and the exchange.  nghttp2 calls back while it is fed (input.c) and while it
 * is asked for bytes (output.c); from inside, frames may be submitted, but it is neither fed nor
 * asked.
 */

#include "weir/base/clock.h"
#include "weir/http/field_block.h"

#include "client/client_priv.h"
#include "client/h2/budget.h"
#include "client/h2/debts.h"
#include "h2/frames.h"
#include "h2/memory.h"

enum {
    H2_MAGIC = 0x48325f43,
    H2_STREAM_MAGIC = 0x48325f53,
    H2_OVER_SETS = 64,         /* streams that are over and still remembered: 256, so that ... */
    H2_OVER_WAYS = 4,          /* ... an id is looked for in four places */
    H2_HELD_MAX = 1024 * 1024, /* answers of one connection that wait for its client */
};

/* Those of a worker. */
struct h2_clients {
    struct slab slab;    /* struct h2_conn */
    struct slab streams; /* struct h2_stream */
    struct list live;
    struct list dirty; /* have frames to send */
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct h2_reserve *reserve;
    nghttp2_nv *fields; /* LISTED_MAX + 2, of the head being written */
    uint64_t said_ns;   /* when somebody was last said to be cut off */
    struct h2_debts debts;
};

static inline struct h2_clients *h2_of(const struct worker *w)
{
    return w->clients->h2;
}

enum h2_state {
    H2_OPENING, /* its preface and SETTINGS are awaited */
    H2_IDLE,    /* no stream */
    H2_BUSY,    /* streams */
    H2_LINGER,  /* shut down; reads what the client still sends, so that nothing is reset */
    H2_DEAD,
};

/* How far a graceful end has come (RFC 9113, 6.8). */
enum h2_leaving {
    H2_STAYS,
    H2_LEAVE_TOLD,  /* GOAWAY with the highest id; what is under way may still arrive */
    H2_LEAVE_FINAL, /* GOAWAY with the last id taken */
};

struct h2_conn {
    uint32_t magic;
    enum h2_state state;
    enum h2_leaving leaving;
    struct worker *w;
    struct conn *conn;
    nghttp2_session *ng;
    struct h2_memory memory;
    struct addresses *addresses; /* counted in these; a reference, NULL = off */
    int listener;
    struct list node;
    struct list dirty_node;
    struct client_idle idle;
    struct list streams;
    struct list fresh; /* streams whose head is whole, to begin when this round is over */
    uint32_t n_streams;
    size_t fresh_bytes; /* of heads, of those in `fresh` and the one that is coming in */
    size_t held;        /* bytes of answers in the streams */
    struct loop_timer timer;
    struct loop_deferred deferred;
    struct loop_deferred step;
    struct buf out; /* frames the kernel did not take yet */
    uint64_t state_until_ns, block_until_ns, write_until_ns, leave_until_ns; /* 0 = none */
    size_t write_unsent;
    struct h2_budget budget;
    enum h2_abuse cut_off; /* NONE: it is not */
    uint32_t useful;       /* WINDOW_UPDATEs that its DATA may bring */
    uint32_t served;
    uint64_t lingered;
    int32_t last_id; /* highest id of a stream so far */
    /* ids of streams that are over, by id, newest first; < 0: by weir */
    int32_t over[H2_OVER_SETS][H2_OVER_WAYS];
    uint32_t announced_head, announced_window, announced_streams;
    bool broken; /* closed soon, but not under the feet of a callback */
};

/* What was said of an answer's end. */
enum h2_ending { H2_OPEN, H2_WHOLE, H2_CUT };

struct h2_stream {
    uint32_t magic;
    int32_t id;
    struct h2_conn *c;
    struct client client; /* what the exchange sees of it */
    struct exchange *x;   /* NULL before it begins, and when it is over */
    struct list node;
    struct list fresh_node;
    struct loop_timer timer;
    bool counted; /* in the addresses, besides its connection */

    /* the request */
    struct field_block head;
    struct buf in; /* body bytes while the exchange wants none */
    enum body_kind body;
    uint64_t body_left; /* of a counted one */
    uint64_t body_got, body_begun_ns, body_until_ns;
    char last;     /* the last octet of a counted body is kept until END_STREAM has come */
    bool begun;    /* its head was judged */
    bool no_body;  /* END_STREAM came with the head */
    bool is_call;  /* of gRPC: its body may rest, and last, as the call does */
    bool too_many; /* its address has as many requests as it may */
    bool has_last, body_ended, body_done, body_paused, continue_due;
    struct buf sent_trailers; /* kept, until the body has been handed on */

    /* the answer */
    struct buf out;      /* not framed yet */
    struct buf trailers; /* kept */
    enum h2_ending ending;
    bool is_head, head_sent, open_length, no_data, deferred, over, resume_due;
    uint64_t write_until_ns;
};

static inline uint64_t h2_now(const struct h2_conn *c)
{
    return loop_now_ns(c->w->loop);
}
static inline const struct limits_conf *h2_limits(const struct h2_conn *c)
{
    return &c->w->snapshot->settings->limits;
}
static inline void h2_mark_dirty(struct h2_conn *c)
{
    if (c->state != H2_DEAD && list_empty(&c->dirty_node))
        list_push_back(&h2_of(c->w)->dirty, &c->dirty_node);
}
static inline void h2_step_later(struct h2_conn *c)
{
    loop_defer_free(c->w->loop, &c->step);
}

/* --- client/h2/connection.c: life, states, deadlines, ends */
void h2_enter(struct h2_conn *c, enum h2_state next);
void h2_set_timer(struct h2_conn *c);
/* Ends the connection and tells its exchanges.  Safe to call again. */
void h2_conn_close(struct h2_conn *c);
/* Everything that was to be said has been sent. */
void h2_linger(struct h2_conn *c);
/* Begins the graceful end: GOAWAY in two steps. */
void h2_leave(struct h2_conn *c);
void h2_leave_finally(struct h2_conn *c);

/* --- client/h2/guard.c: what a client may do for nothing */
void h2_spend(struct h2_conn *c, enum h2_abuse what);
/* ENHANCE_YOUR_CALM at once. */
void h2_cut_off(struct h2_conn *c, enum h2_abuse what);
/* Resets a stream; frames of it that are under way are no fault of the client. */
void h2_reset(struct h2_conn *c, int32_t id, uint32_t code);
/* A stream is over; by_weir: its client may not know yet. */
void h2_note_over(struct h2_conn *c, int32_t id, bool by_weir);
enum h2_past { H2_UNKNOWN, H2_OVER, H2_OVER_BY_WEIR };
enum h2_past h2_past_of(const struct h2_conn *c, int32_t id);

/* --- client/h2/input.c: what comes */
void h2_set_callbacks(nghttp2_session_callbacks *cb);
void h2_feed(struct h2_conn *c, struct slice bytes);
void h2_receive(struct h2_conn *c);

/* --- client/h2/stream.c: a request, from its head to its body's end */
struct h2_stream *h2_stream_create(struct h2_conn *c, int32_t id);
void h2_stream_free(struct h2_stream *s);
/* Requests whose heads came in this round begin. */
void h2_begin_fresh(struct h2_conn *c);
void h2_stream_data(struct h2_stream *s, struct slice bytes, bool is_last);
void h2_stream_body_end(struct h2_stream *s);
/* Goes on with what waits: kept body bytes, an exchange that may send again. */
void h2_stream_step(struct h2_stream *s);
void h2_stream_check_rate(struct h2_stream *s);
void h2_stream_set_timer(struct h2_stream *s);

/* --- client/h2/answer.c: the exchange's side */
extern const struct client_ops h2_client;

/* --- client/h2/output.c */
void h2_send(struct h2_conn *c);
void h2_on_writable(struct conn *conn, void *owner);

#endif
