/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CLIENT_H1_PRIV_H
#define WEIR_FLOW_CLIENT_H1_PRIV_H

/* A client connection that speaks HTTP/1, from inside; private to client/h1. */

#include "weir/base/clock.h"
#include "weir/http/chunked.h"

#include "client/client_priv.h"

enum { SESSION_MAGIC = 0x5e551074 };

/* Those of a worker. */
struct h1_clients {
    struct slab slab;
    struct list live;
    uint32_t max;
    uint32_t n_discarding;     /* whose refused body is read away */
    struct session *gathering; /* whose output is in clients.out */
    size_t out_len;
};

static inline struct h1_clients *h1_of(const struct worker *w)
{
    return w->clients->h1;
}

enum session_state {
    SESSION_IDLE,     /* between requests, nothing received */
    SESSION_HEAD,     /* part of a head received */
    SESSION_EXCHANGE, /* a request is being handled */
    SESSION_DISCARD,  /* answered early; reads the rest of the body, bounded, to keep the connection
                       */
    SESSION_FLUSH,    /* the last answer is on its way out */
    SESSION_LINGER,   /* shut down; reads what the client still sends, so that nothing is reset */
    SESSION_TUNNEL,   /* upgraded: bytes both ways */
    SESSION_DEAD,
};

/* The body of the request under way. */
struct session_body {
    enum body_kind kind;
    uint64_t left;
    struct chunked chunked;
    bool done, paused, broken, continue_due;
    uint64_t begun_ns, got;
    uint64_t until_ns; /* 0 = none */
};

/* The answer under way, and how it is framed. */
struct session_answer {
    enum body_kind framing;
    uint64_t left;
    bool begun, cut, tunnel;
    bool http10, to_head; /* what it answers */
};

struct session {
    uint32_t magic;
    enum session_state state;
    struct client client; /* what the exchange sees of it */
    struct worker *w;
    struct conn *conn;
    struct exchange *x; /* NULL but in EXCHANGE and TUNNEL */
    struct list node;
    struct client_idle idle; /* while IDLE */
    struct loop_timer timer;
    struct loop_deferred deferred;
    struct loop_deferred step; /* goes on with s->in once the current callback is over */
    struct buf in;             /* received, not consumed yet */
    struct head_wait head_wait;
    struct buf out;                          /* written, not taken by the kernel yet */
    uint64_t state_until_ns, write_until_ns; /* 0 = none */
    size_t write_unsent;                     /* when write_until_ns was set */
    struct session_body body;
    struct session_answer answer;
    bool keep_alive, eof_seen, broken;
    struct addresses *addresses; /* counted in these; a reference, NULL = off */
    uint32_t served;
    uint64_t lingered;
};

/* --- client/h1/session.c, client/h1/input.c, client/h1/body.c, client/h1/answer.c */
static inline uint64_t session_now(const struct session *s)
{
    return loop_now_ns(s->w->loop);
}
static inline const struct client_timeouts_conf *session_timeouts(const struct session *s)
{
    return &s->w->snapshot->settings->client_timeouts;
}
void session_enter(struct session *s, enum session_state next);
void session_step(struct session *s);
void session_close(struct session *s);
/* Receives once and uses what came; true: it may be asked again. */
bool session_receive(struct session *s);
/* Answers a head that cannot be taken; h is what was understood of it, or NULL. */
void session_refuse_head(struct session *s, const struct head_error *err,
                         const struct request_head *h);
/* The body's part: how many bytes of `in` were used; its idle deadline; its end by a fault. */
size_t session_body_consume(struct session *s, struct slice in);
void session_body_deadline(struct session *s);
void session_body_bad(struct session *s, int status, enum cause cause, const char *what);
void session_check_rate(struct session *s, uint64_t now_ns);
void session_set_timer(struct session *s);
void output_flush(struct worker *w);
void session_flushed(struct session *s);
void session_flush_now(struct session *s);
/* May one more connection have its refused body read away? */
bool session_may_discard(const struct session *s);
void session_discarded(struct session *s);
void session_linger(struct session *s);
void session_on_writable(struct conn *c, void *owner);
extern const struct client_ops h1_client;

#endif
