/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_FLOW_PRIV_H
#define WEIR_FLOW_FLOW_PRIV_H

/*
 * The objects of the data path and who owns them.
 *
 *   worker    one per thread: loop, listeners, memory pools, idle upstream connections, counters
 *   session   one client connection with its HTTP/1.1 codec             (h1_*.c)
 *   exchange  one request and its answer                                (exchange_*.c)
 *   uplink    one upstream connection, idle or working for an exchange  (uplink_*.c)
 *
 * All of these live and die on their worker's thread.  What crosses threads is the gate, counters,
 * inboxes and the site (an immutable snapshot of settings and what was made from them).
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

#include "codec.h"
#include "gate.h"
#include "record.h"
#include "site.h"

enum {
    SESSION_MAGIC = 0x5e551074,
    EXCHANGE_MAGIC = 0x0e8c4a6e,
    UPLINK_MAGIC = 0x00b11214,
    SCRATCH_BYTES = 64 * 1024,
    LINES_BYTES = 288 * 1024, /* room for any head we may have to write anew */
    HELD_MAX = 64 * 1024,     /* of an event stream before the commit point */
};

/* Idle upstream connections of one upstream in one worker, and where to connect to. */
struct lane {
    struct list idle; /* newest first */
    uint32_t n_idle;
    struct net_addr addrs[8]; /* as resolved; n 0 = not known (yet) */
    uint8_t n_addrs, next_addr;
    char why[96]; /* why there is no address */
};

struct worker {
    struct loop *loop;
    struct control *control;
    int index;
    struct site *site; /* the running snapshot */
    struct rng rng;

    struct listener *listeners[SITE_LISTENERS_MAX];
    struct listener_slot {
        struct worker *w;
        int index;
    } slots[SITE_LISTENERS_MAX];
    bool paused;   /* at max_connections */
    bool draining; /* answers end their connections */
    bool quitting; /* no new request */

    struct slab sessions, exchanges, uplinks;
    struct list live_sessions, live_exchanges;
    uint32_t n_sessions, max_sessions;
    struct lane lanes[SITE_UPSTREAMS_MAX];
    struct record_writer records;

    struct worker_counters counters;
    struct pool_counters pools[SITE_POOLS_MAX + 1]; /* [0]: reached no pool */
    struct upstream_counters upstreams[SITE_UPSTREAMS_MAX];

    /* scratch: valid inside one callback only */
    char *in;                  /* SCRATCH_BYTES, received bytes */
    char *lines;               /* LINES_BYTES, a head being written */
    struct http_field *fields; /* SITE_FIELDS_MAX */
    struct session *corked;    /* whose output is in `out` */
    char *out;                 /* SCRATCH_BYTES + room for framing */
    size_t out_len;
};

enum session_state {
    SESSION_TLS,      /* handshake under way */
    SESSION_IDLE,     /* between requests, nothing received */
    SESSION_HEAD,     /* part of a head received */
    SESSION_EXCHANGE, /* a request is being handled */
    SESSION_DRAIN,    /* answered early; reads the rest of the body, bounded, to keep the connection */
    SESSION_FLUSH,    /* the last answer is on its way out */
    SESSION_LINGER,   /* shut down; reads what the client still sends, so that nothing is reset */
    SESSION_TUNNEL,   /* upgraded: bytes both ways */
    SESSION_DEAD,
};

struct session {
    uint32_t magic;
    enum session_state state;
    struct codec codec; /* first contact for the exchange */
    struct worker *w;
    struct conn *conn;
    struct exchange *x; /* NULL but in EXCHANGE and TUNNEL */
    struct list node;
    struct loop_timer timer;
    struct loop_grave grave;
    struct loop_grave step; /* goes on with s->in once the current callback is over */
    struct buf in;          /* received, not consumed yet */
    struct buf out;         /* written, not taken by the kernel yet */
    uint64_t state_until_ns, write_until_ns, body_until_ns; /* 0 = none */
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
    uint8_t listener;
    bool counted; /* in its listener's per-address table */
    uint32_t served;
    uint64_t lingered;
};

enum exchange_state {
    EXCHANGE_BODY,    /* reads (the beginning of) the body before it asks the gate */
    EXCHANGE_QUEUED,  /* waits in the gate */
    EXCHANGE_CONNECT, /* admitted; its upstream connection is being made */
    EXCHANGE_SENT,    /* request on its way, no answer's head yet */
    EXCHANGE_HELD,    /* head of a stream seen, before the commit point */
    EXCHANGE_RELAY,   /* committed */
    EXCHANGE_TUNNEL,
    EXCHANGE_ENDED,   /* over; waits for its reaper or a message under way */
};

struct exchange {
    uint32_t magic;
    enum exchange_state state;
    struct worker *w;
    struct site *site;
    struct site_pool *pool;         /* NULL: reached none */
    struct site_upstream *upstream; /* while admitted */
    struct codec *codec;            /* NULL once the client is gone */
    struct uplink *uplink;
    struct ticket ticket; /* holds the pool_request */
    struct list node;     /* in the worker's live_exchanges */
    struct loop_timer timer;
    struct loop_grave grave;
    struct answer_wish wish;
    struct body_scan scan;
    struct answer answer;
    const struct timeouts_conf *timeouts;

    struct buf request;     /* head for the upstream */
    struct buf body;        /* framed for the upstream, not sent yet or kept for a retry */
    struct buf held;        /* answer before the commit point: lines, then body bytes */
    uint32_t held_lines;    /* how many bytes of held are field lines */
    uint32_t request_sent;  /* bytes of request already written */
    uint32_t body_sent;     /* bytes of body already written (kept for a retry until dropped) */
    bool body_dropped;      /* the body's beginning is gone: no retry */
    bool body_complete, body_chunked, asked, committed, answered, expect;
    bool stream, streaming, form_set, first_seen, whole_counted, relay_encoded, can_frame;
    bool websocket, asks_websocket, local, heartbeat_on, reused_retry, ping_due, logged;
    bool paused_upstream; /* back-pressure from the client */
    enum answer_form form;
    int answer_status;
    enum body_kind answer_kind;
    uint64_t answer_length;
    char reason[48];

    /* times and record */
    uint64_t begun_ns, queued_ns, sent_ns, connected_ns, first_ns, progress_ns, last_event_ns;
    uint64_t last_byte_ns, total_until_ns, connect_begun_ns;
    uint64_t begun_wall_ns;
    uint64_t event_sum_ns;
    uint32_t relayed_events, content_seen;
    uint64_t bytes_in, bytes_out;
    enum decision decision;
    enum cause cause;
    enum outcome outcome;
    bool has_outcome, reported;
    uint32_t retry_after_ms;
    const char *proxy_error;
    int16_t route;
    uint32_t client_retry;
    char id[REQUEST_ID_MAX + 1];
    char client[48];
    char *path; /* method, NUL, target as logged, NUL: heap, bounded */
};

enum uplink_state {
    UPLINK_CONNECTING,
    UPLINK_IDLE,
    UPLINK_HEAD, /* a request was (or is being) sent; waits for the head */
    UPLINK_BODY,
    UPLINK_TUNNEL,
    UPLINK_DEAD,
};

struct uplink {
    uint32_t magic;
    enum uplink_state state;
    struct worker *w;
    struct site_upstream *upstream;
    struct conn *conn;
    struct exchange *x; /* NULL while idle */
    struct list node;
    struct loop_timer timer; /* closes an idle one */
    struct loop_grave grave;
    struct buf in; /* part of a head */
    struct chunked chunked;
    enum body_kind kind;
    uint64_t left;
    uint32_t keep_alive_s, keep_alive_max; /* what the upstream promised, 0 = nothing */
    uint32_t served;
    bool keep, reused, answered, writing;
    uint8_t addr;
};

/* --- worker.c */
struct worker *worker_create(struct control *c, struct loop *control_loop, int index,
                             struct site *site, void (*deliver_records)(struct loop_message *m));
void worker_destroy(struct worker **w);
void worker_listen(struct worker *w, int listener, int fd);
void worker_session_gone(struct worker *w, struct session *s);

/* --- h1_session.c, h1_answer.c */
struct session *session_open(struct worker *w, int fd, int listener);
void session_enter(struct session *s, enum session_state next);
void session_step(struct session *s);
void session_close(struct session *s);
void session_check_rate(struct session *s, uint64_t now_ns);
void session_set_timer(struct session *s);
void session_put(struct session *s, struct slice bytes);
void session_uncork(struct worker *w);
void session_flushed(struct session *s);
void session_flush_now(struct session *s);
void session_on_writable(struct conn *c, void *owner);
extern const struct codec_ops h1_codec;

/* --- exchange_*.c */
struct exchange *exchange_create(struct worker *w, struct codec *codec);
void exchange_enter(struct exchange *x, enum exchange_state next);
void exchange_set_timer(struct exchange *x);
void exchange_finish(struct exchange *x);
uint64_t exchange_now(const struct exchange *x);

bool exchange_write_request(struct exchange *x, const struct request_head *h,
                            const struct client_facts *cf);
void exchange_ask(struct exchange *x);
void exchange_connect(struct exchange *x);
void exchange_refuse(struct exchange *x, enum cause cause);
void exchange_answer_local(struct exchange *x, const struct refusal *r);
void exchange_describe(struct exchange *x, struct refusal *r);
void exchange_report(struct exchange *x, enum outcome o, int status, bool complete);
void exchange_count_decision(struct exchange *x, enum decision d);

/* from the uplink */
void exchange_on_connected(struct exchange *x);
void exchange_on_connect_failed(struct exchange *x, enum weir_status s, const char *why);
void exchange_on_head(struct exchange *x, const struct response_head *h);
void exchange_on_data(struct exchange *x, struct slice bytes);
enum upstream_end {
    END_CLEAN,
    END_RESET,    /* broken off */
    END_SHORT,    /* ended before its framing said so */
    END_BAD,      /* malformed */
    END_TOO_LATE, /* a timeout of ours */
};
void exchange_on_end(struct exchange *x, enum upstream_end how, const char *why);
void exchange_on_room(struct exchange *x); /* the uplink took what was waiting */

/* --- uplink.c */
bool uplink_take(struct exchange *x); /* idle or new; false: none can be had now */
void uplink_push(struct uplink *u);
void uplink_release(struct uplink *u, bool reusable);
void uplink_close(struct uplink *u);
void uplink_close_idle(struct worker *w);
void uplink_want_read(struct uplink *u, bool want);

#endif
