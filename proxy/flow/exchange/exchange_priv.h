/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_EXCHANGE_PRIV_H
#define WEIR_FLOW_EXCHANGE_PRIV_H

/* An exchange from inside; private to exchange/. */

#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/slab.h"
#include "weir/decide/kinds.h"
#include "weir/decide/pace.h"

#include "client/client.h"
#include "exchange/exchange.h"
#include "exchange/parts_priv.h"
#include "snapshot/gate.h"
#include "upstream/upstream.h"
#include "worker/shared.h"

enum {
    EXCHANGE_MAGIC = 0x0e8c4a6e,
    KEPT_HEAD_MAX = LINES_BYTES,
    PENDING_MAX = 64 * 1024, /* of an event stream before the commit point */
};

/* Those of a worker. */
struct exchanges {
    struct slab slab, limits;
    struct list live;
    uint64_t spooled; /* of limits.spool */
    uint64_t malformed_said_ns;
    uint32_t malformed_unsaid; /* since then */
};

enum exchange_state {
    EXCHANGE_BODY,         /* reads (the beginning of) the body before it asks the gate */
    EXCHANGE_QUEUED,       /* waits in the gate */
    EXCHANGE_CONNECT,      /* admitted; its upstream connection is being made */
    EXCHANGE_SENT,         /* request on its way, no answer's head yet */
    EXCHANGE_HEAD_PENDING, /* head of a stream seen, before the commit point */
    EXCHANGE_RELAY,        /* committed */
    EXCHANGE_TUNNEL,
    EXCHANGE_ENDED, /* over; waits to be freed or for a message under way */
};

struct exchange {
    uint32_t magic;
    enum exchange_state state;
    struct worker *w;
    struct snapshot *snapshot; /* kept alive by the worker's use of it */
    struct snapshot_use *use;
    struct snapshot_pool *pool; /* NULL: reached none */
    struct client *client;      /* NULL once the client is gone or has its whole answer */
    struct ticket ticket;       /* holds the pool_request */
    bool has_ticket;            /* an admission is to be given back */
    bool awaits_wake;           /* the client left the queue, but the gate's message is under way */
    struct list node;           /* among the worker's live ones */
    struct loop_timer timer;
    struct loop_deferred deferred;

    struct exchange_limits *limits; /* NULL: none hold for it, or it has not asked yet */
    struct request request;
    struct request_body body;
    struct attempt attempt;
    struct reply reply;
    struct record record;
};

/*
 * Who calls whom: a file calls those above it in this list, never one below.
 *
 *   deadlines  trace  request_head    what time it is due, the head for the upstream
 *   limits                            what it took, what is left
 *   body       exchange               the request's body; states, the record
 *   reply      own  report            what the client is sent; what the gate is told
 *   tunnel                            a WebSocket
 *   end                               refused, failed, whole
 *   attempt                           one try at one upstream, and the next
 *   ask        stream                 the gate is asked; events of an answer are understood
 *   grpc                              what a call's status says
 *   answer     answer_end  timer      what happens: the upstream speaks, ends, is late;
 *   request    from_client            the client asks, sends, leaves
 */

/* --- exchange/deadlines.c: absolute, 0 = none */
void exchange_set_timer(struct exchange *x);
uint64_t exchange_due_ns(const struct exchange *x);
uint64_t exchange_silence_due(const struct exchange *x);
/* A client does not wait for a head longer than that, whatever the stream has to say. */
uint64_t exchange_head_due(const struct exchange *x);
/* May comment lines fill a silence, and when is the next due? */
bool exchange_beats(const struct exchange *x);
uint64_t exchange_beat_due(const struct exchange *x);

/* --- exchange/trace.c */
/* Sampled or not, by its parent or by share; once, before exchange_keep_request. */
void exchange_set_trace(struct exchange *x, const struct request_head *h);
bool exchange_is_traced(const struct exchange *x); /* tracing is on, sampled or not */
/* Does this field of the request end here, because another takes its place? */
bool exchange_ends_trace_field(const struct exchange *x, const struct http_field *f);
/* traceparent, for the attempt that is under way; the list borrows mem. */
void exchange_add_trace(const struct exchange *x, struct field_list *l, char mem[TRACEPARENT_MAX]);
/* The attempt is over: what it was is kept. */
void exchange_note_attempt(struct exchange *x);
/* All that was kept, at the end; NULL: not sampled. */
const struct request_trace *exchange_trace(struct exchange *x);

/* --- exchange/request_head.c: the head for the upstream */
/* May this be shown and logged as a request's id? */
bool exchange_id_is_fit(struct slice id);
/* For Via: the version that a head was received in, and by whom (RFC 9110, 7.6.3). */
struct slice exchange_received_by(bool http2, int minor);
/* Keeps what is known of it in x->request; false: it does not fit. */
bool exchange_keep_request(struct exchange *x, const struct request_head *h,
                           const struct client_facts *cf);
/* Sends the head, if it was not sent, and body bytes; returns how many of these were taken. */
size_t exchange_send(struct exchange *x, struct slice body);

/* --- exchange/body.c: the request's body */
/* Keeps bytes that have come; false: no memory. */
bool exchange_keep_body(struct exchange *x, struct slice bytes);
/* Asks the client to wait where as much is kept as may be. */
void exchange_block_if_full(struct exchange *x);
/* Sends what can be sent of head and body. */
void exchange_push(struct exchange *x);
/* The body will not be needed again. */
void exchange_drop_body(struct exchange *x);
/* Bytes of the request that wait for the upstream. */
static inline size_t exchange_unsent(const struct exchange *x)
{
    return x->body.bytes.len - x->attempt.body_sent;
}

/* --- exchange/exchange.c: life, states */
void exchange_free(struct loop_deferred *d);
/* Gives back what the attempt holds; its connection is not wanted any more. */
void exchange_fini_attempt(struct exchange *x);
void exchange_enter(struct exchange *x, enum exchange_state next);
void exchange_finish(struct exchange *x);
void exchange_set_decision(struct exchange *x, enum decision d);
static inline uint64_t exchange_now(const struct exchange *x)
{
    return loop_now_ns(x->w->loop);
}

/* --- exchange/limits.c */
/* What it needs where its pool has limits; false: there is no room for it. */
bool exchange_take_limits(struct exchange *x);
void exchange_give_limits(struct exchange *x);
/* An answer begins whose usage is wanted, if the pool counts any. */
void exchange_count_usage(struct exchange *x, const struct response_head *h, bool events);
/* What the attempt took, as far as is known; where there are limits. */
struct quota_usage exchange_usage(struct exchange *x, enum outcome o);
/* Is the client told what is left?  Then an upstream's own fields about limits end here. */
bool exchange_tells_limits(const struct exchange *x);
bool exchange_is_limit_field(struct slice name);
void exchange_add_limits(const struct exchange *x, struct field_list *l);
/* Which limit refuses it, as half a sentence in mem; NULL: none does. */
const char *exchange_say_limit(const struct exchange *x, char *mem, size_t room);

/* --- exchange/reply.c: what the client is sent of an answer */
void exchange_add_date(struct field_list *l);
/* The head goes out; body bytes follow. */
void exchange_send_head(struct exchange *x, const struct field_list *fields);
void exchange_send_data(struct exchange *x, struct slice bytes);
/* The head and what is pending go out. */
void exchange_commit(struct exchange *x);

/* --- exchange/own.c: answers of weir's own */
void exchange_describe(const struct exchange *x, struct refusal *r, enum cause cause);
/* As a whole answer; inside a stream that has begun, or by a cut. */
void exchange_send_refusal(struct exchange *x, struct refusal *r);
void exchange_tell_failure(struct exchange *x, enum cause cause);
/* Begins the stream before anything is decided; what fails from now on fails inside it. */
void exchange_begin_early(struct exchange *x);
void exchange_keep_preflight(struct exchange *x, const struct request_head *h);
void exchange_answer_preflight(struct exchange *x);
void exchange_answer_status_page(struct exchange *x);

/* --- exchange/report.c: what the gate is told */
/* The mean time between the content events of its stream; 0 = there were not two. */
double exchange_pace_ns(const struct exchange *x);
/* Gives the admission back, if one is held. */
void exchange_report(struct exchange *x, enum outcome o, bool complete);
/* The same, or the gate gives another upstream's place for it: true. */
bool exchange_retry(struct exchange *x, enum outcome o);

/* --- exchange/tunnel.c: a WebSocket */
void exchange_begin_tunnel(struct exchange *x, const struct field_list *fields);
/* Bytes on their way to the client, to the upstream. */
void exchange_tunnel_down(struct exchange *x, struct slice bytes);
void exchange_tunnel_up(struct exchange *x, struct slice bytes);
/* Has one of the two said that it is over? */
bool exchange_tunnel_is_closing(const struct exchange *x);
/* Ends it for both, and says why where that is possible; the upstream may be gone already. */
void exchange_close_tunnel(struct exchange *x, enum cause cause);
/* Ends it for the upstream: the client has left. */
void exchange_leave_tunnel(struct exchange *x);

/* --- exchange/end.c: how it ends, and what that counts for */
void exchange_refuse(struct exchange *x, int status, enum cause cause, const char *what);
void exchange_fail(struct exchange *x, enum outcome o, int status, enum cause cause);
/* Ends it with what the upstream answered. */
void exchange_end_whole(struct exchange *x, enum outcome o);
/* Has a stream said itself that it is over, so that nothing behind it matters? */
bool exchange_is_whole(const struct exchange *x);
/* As exchange_is_whole; also where nothing but a clean end is missing. */
bool exchange_has_its_end(const struct exchange *x);
/* It has: reported as it stands; its end is waited for briefly, for the sake of the connections. */
void exchange_note_whole(struct exchange *x);
bool exchange_is_refusal(int status); /* 429, 503, 529 */
enum outcome exchange_outcome_of_status(int status);
enum outcome exchange_outcome_of_error(const struct answer *a); /* which has an error */

/* --- exchange/attempt.c: one try at one upstream, and the next */
/* Begins a fresh one at the upstream that the gate chose. */
void exchange_attempt(struct exchange *x);
/* False: reloads have added and taken out the upstream since the request came, while it waited. */
bool exchange_knows_its_upstream(const struct exchange *x);
/* A connection to that upstream, and the request on it. */
void exchange_connect(struct exchange *x);
void exchange_connected(struct exchange *x, uint64_t took_ns);
void exchange_connect_failed(struct exchange *x, enum weir_status s, const char *why);
/* Reports o, and a second try elsewhere if that is right: true, it is under way. */
bool exchange_try_elsewhere(struct exchange *x, enum outcome o);
/* Sends it again, on a new connection to the same upstream. */
void exchange_resend(struct exchange *x);

/* --- exchange/ask.c: asking the gate, waiting */
void exchange_ask(struct exchange *x);
/* Asks by the head alone, where nobody is let in anyway; true: it is refused. */
bool exchange_is_shut_out(struct exchange *x);
void exchange_on_wake(struct loop_message *m);

/* --- exchange/stream.c: what the events say */
/* Bytes before the commit point, after it. */
void exchange_read_pending(struct exchange *x, struct slice bytes);
void exchange_relay(struct exchange *x, struct slice bytes);
/* A stream that begins with an error, before the commit point. */
void exchange_early_error(struct exchange *x);

/* --- exchange/grpc.c: answers of gRPC */
void exchange_begin_grpc(struct exchange *x, const struct response_head *h,
                         const struct field_list *fields);
/* Bytes of messages go by. */
void exchange_note_messages(struct exchange *x, struct slice bytes);
/* It ended cleanly, with x->attempt.trailers or without. */
void exchange_end_grpc(struct exchange *x);

/* --- exchange/answer.c: what comes from the uplink */
extern const struct upstream_events exchange_upstream_events;

/* --- exchange/answer_end.c */
void exchange_ended(struct exchange *x, enum upstream_end how, const char *why);

/* --- exchange/timer.c */
void exchange_on_timer(void *arg);

#endif
