/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_FLOW_PRIV_H
#define WEIR_FLOW_FLOW_PRIV_H

/*
 * The objects of the data path and who owns them.
 *
 *   worker    one per thread: loop, listeners, memory pools, idle upstream connections, counters
 *   session   one client connection with its HTTP/1 framing             (client/h1/)
 *   exchange  one request and its answer                                (exchange/)
 *   uplink    one upstream connection, idle or working for an exchange  (upstream/h1/)
 *
 * All of these live and die on their worker's thread.  What crosses threads is the gate, counters,
 * inboxes and the snapshot (the settings in force and what was made from them, immutable).
 */

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/assert.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/hash.h"
#include "weir/base/list.h"
#include "weir/base/slab.h"
#include "weir/conf/settings.h"
#include "weir/flow/control.h"
#include "weir/flow/counters.h"
#include "weir/http/answer.h"
#include "weir/http/body_scan.h"
#include "weir/http/chunked.h"
#include "weir/http/head.h"
#include "weir/net/conn.h"
#include "weir/net/listener.h"
#include "weir/net/loop.h"
#include "weir/pages/refusal.h"

#include "client/client.h"
#include "record/record.h"
#include "snapshot/addresses.h"
#include "snapshot/gate.h"
#include "snapshot/snapshot.h"
#include "upstream/upstream.h"
#include "worker/worker.h"

enum {
    SESSION_MAGIC = 0x5e551074,
    EXCHANGE_MAGIC = 0x0e8c4a6e,
    SCRATCH_BYTES = 64 * 1024,
    LINES_BYTES = 288 * 1024, /* room for any head we may have to write anew */
    PATH_BYTES = 64 * 1024 + 1,
    LISTED_MAX = SNAPSHOT_FIELDS_MAX + 24,
    KEPT_HEAD_MAX = LINES_BYTES + 8 * LISTED_MAX,
    PENDING_MAX = 64 * 1024, /* of an event stream before the commit point */
};

/* A worker's use of a snapshot, freed when it is not in force and its last exchange is over. */
struct snapshot_use {
    struct snapshot *snapshot;
    uint32_t exchanges;
    bool retired;
};
void snapshot_use_unref(struct snapshot_use **u);

/* Idle upstream connections of one upstream in one worker, and where to connect to. */
struct idle_pool {
    struct list idle; /* newest first */
    uint32_t n_idle;
    struct net_addr addrs[8]; /* as resolved; n 0 = not known (yet) */
    uint8_t n_addrs, next_addr;
    char why[96]; /* why there is no address */
};

struct worker {
    struct loop *loop;
    int index, n_workers;
    struct snapshot *snapshot; /* the running snapshot */
    struct snapshot_use *use;
    char *incidents[SNAPSHOT_POOLS_MAX + 1]; /* the operator's texts, from control; owned */
    struct public_status *status;            /* the public status page, from control; a reference */
    struct rng rng;                          /* jitter */
    struct entropy entropy;                  /* ids */

    struct listener *listeners[SNAPSHOT_LISTENERS_MAX];
    struct listener_slot {
        struct worker *w;
        int index, fd;
    } slots[SNAPSHOT_LISTENERS_MAX];
    bool paused;   /* at max_connections */
    bool draining; /* answers end their connections */
    bool quitting; /* no new request */

    struct slab sessions, exchanges, uplinks;
    struct list live_sessions, live_exchanges;
    uint32_t n_sessions, max_sessions;
    struct loop_timer second;
    struct idle_pool idle_pools[SNAPSHOT_UPSTREAMS_MAX];
    struct record_writer records;

    struct worker_counters counters;
    struct pool_counters pools[SNAPSHOT_POOLS_MAX + 1]; /* [0]: reached no pool */
    struct upstream_counters upstreams[SNAPSHOT_UPSTREAMS_MAX];

    /* scratch: valid inside one callback only */
    char *in;                  /* SCRATCH_BYTES, received bytes */
    char *lines;               /* LINES_BYTES, a head being written */
    char *path;                /* PATH_BYTES, a path being matched */
    struct http_field *fields; /* SNAPSHOT_FIELDS_MAX, of the head being parsed */
    struct http_field *listed; /* LISTED_MAX, of the head being made */
    struct session *gathering; /* whose output is in `out` */
    char *out;                 /* SCRATCH_BYTES + room for framing */
    size_t out_len;
};

enum session_state {
    SESSION_TLS,      /* handshake under way */
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

struct session {
    uint32_t magic;
    enum session_state state;
    struct client client; /* what the exchange sees of it */
    struct worker *w;
    struct conn *conn;
    struct exchange *x; /* NULL but in EXCHANGE and TUNNEL */
    struct list node;
    struct loop_timer timer;
    struct loop_deferred deferred;
    struct loop_deferred step; /* goes on with s->in once the current callback is over */
    struct buf in;             /* received, not consumed yet */
    struct head_wait head_wait;
    struct buf out; /* written, not taken by the kernel yet */
    uint64_t state_until_ns, write_until_ns, body_until_ns; /* 0 = none */
    size_t write_unsent;                                    /* when write_until_ns was set */
    uint64_t body_begun_ns, body_got;

    /* the request's body */
    enum body_kind body;
    uint64_t body_left;
    struct chunked chunked;
    bool body_done, body_paused, body_broken, continue_due;

    /* the answer's framing */
    enum body_kind framing;
    uint64_t answer_left;
    bool answer_begun, answer_done, keep_alive, http10, is_head, eof_seen;
    bool cut, broken;
    struct addresses *addresses; /* counted in these; a reference, NULL = off */
    uint32_t served;
    uint64_t lingered;
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

/* Answers of weir's own that need no upstream. */
enum early_answer { EARLY_NONE, EARLY_STATUS_PAGE, EARLY_PREFLIGHT, EARLY_SHED };

struct exchange {
    uint32_t magic;
    enum exchange_state state;
    struct worker *w;
    struct snapshot *snapshot; /* kept alive by the worker's use of it */
    struct snapshot_use *use;
    struct snapshot_pool *pool;         /* NULL: reached none */
    struct snapshot_upstream *upstream; /* the last it was admitted to, or NULL */
    struct snapshot_use *upstream_use;  /* keeps it alive: of a later snapshot, maybe */
    struct client *client;              /* NULL once the client is gone or has its whole answer */
    struct uplink *uplink;
    struct ticket ticket; /* holds the pool_request */
    struct list node;     /* in the worker's live_exchanges */
    struct loop_timer timer;
    struct loop_deferred deferred;
    struct answer_wish wish;
    struct body_scan scan;
    struct answer answer;

    struct buf request;    /* what the head for the upstream is made of, kept (request_head.c) */
    struct buf body;       /* not framed; sent bytes stay for a retry while they fit */
    struct buf pending;    /* answer before the commit point: its fields, then body bytes */
    uint32_t pending_head; /* how many bytes of pending are fields */
    uint32_t body_sent;    /* bytes of body already written */

    /* the request */
    enum body_kind body_kind;
    uint64_t body_length; /* of a counted one */
    bool expect, body_complete, head_sent, body_dropped, body_blocked, idempotent, to_head;
    bool stream, accepts_events, asks_websocket;
    enum route_stream route_stream;
    enum dialect dialect;
    enum early_answer early;
    int early_status;
    enum cause early_cause;
    const char *early_what;
    bool wants_json;

    /* the answer */
    bool began_early;                  /* the 200 went out while it waited (early_stream) */
    const struct field_list *trailers; /* while its end is handled; NULL = none */
    bool to_close;                     /* only the end of its connection ends it */
    bool head_seen, committed, events_form, finished, paused_upstream, resent;
    enum answer_form form;
    int status; /* sent to the client, 0 = none yet */
    int upstream_status;
    enum body_kind kind; /* towards the client */
    uint64_t length;
    char reason[48];

    /* times, absolute; 0 = not (yet) */
    uint64_t begun_ns, begun_wall_ns, asked_ns, admitted_ns, sent_ns, first_ns;
    uint64_t progress_ns; /* last event or body bytes */
    uint64_t quiet_ns;    /* last byte sent to the client, for heartbeats */
    uint64_t last_event_ns;
    uint64_t connect_took_ns;

    /* the record */
    uint32_t seen_events, seen_content; /* of answer, already counted */
    uint64_t bytes_in, bytes_out;
    uint32_t retries;
    enum decision decision;
    enum cause cause;
    enum outcome outcome;
    bool has_decision, has_outcome;
    bool has_ticket;  /* an admission is to be given back */
    bool awaits_wake; /* the client left the queue, but the gate's message is under way */
    uint32_t retry_after_ms;
    const char *proxy_error;
    int16_t route;
    uint64_t trace[2];
    char id[REQUEST_ID_MAX + 1];
    char upstream_id[REQUEST_ID_MAX + 1]; /* what the backend calls it, "" = no name of its own */
    const char *found; /* what was wrong with its answer; static, NULL = nothing */
    char peer[48];     /* as logged */
    char method[24];
    char *path; /* as logged; heap, at most RECORD_PATH_MAX; NULL = none */
};

/* --- worker.c, worker/orders.c (the rest of them: worker.h) */
void worker_session_gone(struct worker *w, struct session *s);
void worker_unlisten(struct worker *w, int listener);
/* An empty list in the worker's scratch, for the rest of this callback. */
static inline void worker_field_list(struct worker *w, struct field_list *l)
{
    field_list_init(l, w->listed, LISTED_MAX, w->lines, LINES_BYTES);
}
struct slice worker_status_body(struct worker *w, bool json, uint8_t language);
struct snapshot_use *snapshot_use_create(struct snapshot *snapshot); /* NULL: out of memory */

/* --- client/h1/session.c, client/h1/input.c, client/h1/body.c, client/h1/answer.c */
static inline uint64_t session_now(const struct session *s)
{
    return loop_now_ns(s->w->loop);
}
static inline const struct client_timeouts_conf *session_timeouts(const struct session *s)
{
    return &s->w->snapshot->settings->client_timeouts;
}
struct session *session_open(struct worker *w, int fd, const struct net_addr *peer, int listener);
void session_enter(struct session *s, enum session_state next);
void session_step(struct session *s);
void session_close(struct session *s);
void session_idle_ends(struct session *s);
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
void session_put(struct session *s, struct slice bytes);
void output_flush(void *worker);
void session_flushed(struct session *s);
void session_flush_now(struct session *s);
void session_on_writable(struct conn *c, void *owner);
extern const struct client_ops h1_client;

/* --- exchange.c: life, states, deadlines */
struct exchange *exchange_create(struct worker *w, struct client *client);
void exchange_enter(struct exchange *x, enum exchange_state next);
void exchange_set_timer(struct exchange *x);
void exchange_finish(struct exchange *x);
uint64_t exchange_now(const struct exchange *x);
void exchange_set_decision(struct exchange *x, enum decision d);

/* --- exchange/request.c */
/* May this be shown and logged as a request's id? */
bool exchange_id_is_fit(struct slice id);

/* --- exchange/request_head.c: the head for the upstream */
/* Keeps what is known of it in x->request; false: it does not fit. */
bool exchange_keep_request(struct exchange *x, const struct request_head *h,
                           const struct client_facts *cf);
/* Sends the head, if it was not sent, and body bytes; returns how many of these were taken. */
size_t exchange_send(struct exchange *x, struct slice body);

/* --- exchange/ask.c: asking, waiting, retries, reports */
void exchange_ask(struct exchange *x);
/* Asks by the head alone, where nobody is let in anyway; true: it is refused. */
bool exchange_is_shut_out(struct exchange *x);
void exchange_connect(struct exchange *x);
/* A connection to x->upstream, an idle one unless fresh; upstream_take has the answers. */
enum weir_status exchange_take(struct exchange *x, bool fresh);
void exchange_on_wake(struct loop_message *m);
/* Gives the admission back, if one is held. */
void exchange_report(struct exchange *x, enum outcome o, bool complete);
/* The same, and a second try elsewhere if that is right: true, it is under way. */
bool exchange_try_elsewhere(struct exchange *x, enum outcome o);

/* --- exchange/own.c: answers of weir's own, and the request's body */
/* Sends what can be sent of head and body. */
void exchange_push(struct exchange *x);
void exchange_refuse(struct exchange *x, int status, enum cause cause, const char *what);
void exchange_answer_early(struct exchange *x);
/* Begins the stream before anything is decided; what fails from now on fails inside it. */
void exchange_begin_early(struct exchange *x);
void exchange_fail(struct exchange *x, enum outcome o, int status, enum cause cause);
/* The process ends: an honest error, or a visible cut. */
void exchange_abandon(struct exchange *x);
void preflight_keep(struct exchange *x, const struct request_head *h);
void exchange_describe(const struct exchange *x, struct refusal *r, enum cause cause);

/* --- exchange/answer.c: what comes from the uplink */
extern const struct upstream_events exchange_upstream_events;
void exchange_connected(struct exchange *x);
void exchange_connect_failed(struct exchange *x, enum weir_status s, const char *why);
/* The addresses of an upstream are known, or why there are none: who waits for them goes on. */
void exchange_addresses_known(struct worker *w, int slot);
void exchange_add_date(struct field_list *l);
/* Before the commit point: a stream that begins with an error; one that ends without content. */
void exchange_early_error(struct exchange *x);
void exchange_empty(struct exchange *x);

/* --- exchange/end.c: how it ends, and what that counts for */
void exchange_ended(struct exchange *x, enum upstream_end how, const char *why);
bool exchange_is_refusal(int status); /* 429, 503, 529 */
enum outcome exchange_outcome_of_status(int status);
enum outcome exchange_outcome_of_error(const struct answer *a); /* which has an error */

#endif
