/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_EXCHANGE_PARTS_PRIV_H
#define WEIR_FLOW_EXCHANGE_PARTS_PRIV_H

/*
 * The parts of an exchange; private to exchange/.
 *
 *   request   what the client asked for; does not change once it is understood
 *   body      the request's body, as far as it has come
 *   attempt   all of one try at one upstream; a second try begins with a fresh one
 *   reply     what the client has been told
 *   record    what is logged and counted
 */

#include "weir/base/buf.h"
#include "weir/conf/settings.h"
#include "weir/http/answer.h"
#include "weir/http/body_scan.h"
#include "weir/http/grpc.h"
#include "weir/http/ws_frames.h"
#include "weir/pages/refusal.h"

#include "upstream/upstream.h"

/* Answers of weir's own that need no upstream. */
enum early_answer { EARLY_NONE, EARLY_STATUS_PAGE, EARLY_PREFLIGHT, EARLY_SHED };

struct early {
    enum early_answer answer;
    bool wants_json;  /* of the status page */
    enum cause cause; /* it goes nowhere, with this status and for this reason */
    int status;
    const char *what;
};

struct request {
    struct answer_wish wish;
    struct net_addr client; /* the peer, or whom a trusted peer speaks for */
    struct buf head;        /* what the head for the upstream is made of (request_head.c) */
    int16_t route;          /* -1: none */
    uint8_t kind;           /* of evidence, decide/kinds.h */
    bool expect;            /* a 100 */
    bool idempotent;
    bool to_head;
    bool accepts_events;
    bool asks_websocket;
    bool is_stream; /* its answer is expected to be a stream */
    bool is_grpc;   /* a call: it is sent on as it comes, and what it says stands in trailers */
    uint64_t deadline_ns; /* the client's, which ends it (grpc-timeout); absolute, 0 = none */
    /*
     * Is its answer, if it is a stream, judged by what it says and when?  On the paths of the
     * dialects, and where a route says so.  Of all others nothing is known: silence is no fault.
     */
    bool is_judged;
    enum route_stream route_stream;
    enum dialect dialect; /* of the path, and of requests that generate something; else UNKNOWN */
    enum path_streams path_streams;
    struct early early;
};

struct request_body {
    enum body_kind kind;
    uint64_t length;     /* of a counted one */
    struct buf trailers; /* behind it, kept */
    struct buf bytes;    /* not framed; sent ones stay for a second attempt while they fit */
    struct body_scan scan;
    uint32_t spooled; /* bytes beyond limits.buffer, taken from the worker's spool */
    bool unframed;    /* CHUNKED, but its length may be said where it is known */
    bool complete;    /* all of it has come */
    bool dropped;     /* some of what was sent is gone: no second attempt */
    bool blocked;     /* the client was asked to wait */
};

/* What an upstream's answer says as a stream. */
struct attempt_stream {
    struct answer answer;
    enum answer_form form;
    bool is_events;        /* it is one, of whatever form */
    bool is_judged;        /* as the request's, but that events in a binary form are not read */
    struct buf pending;    /* before the commit point: the answer's fields, then body bytes */
    uint32_t pending_head; /* how many bytes of pending are fields */
    uint32_t seen_events, seen_content; /* of answer, already counted */
    uint64_t head_ns;                   /* its head came */
    uint64_t first_ns;                  /* its first content came, or the tunnel opened */
    uint64_t last_event_ns;
    bool paused;       /* its last event came after a pause, see pace_gap_ns */
    uint64_t whole_ns; /* its end marker came: what follows is waited for briefly */
};

/* A WebSocket: where its frames end, towards the client and towards the upstream. */
struct attempt_tunnel {
    struct ws_frames down, up;
};

/* What the head of an upstream's answer says, and how it is passed on. */
struct attempt_head {
    int status; /* 0 = none yet */
    char reason[48];
    enum body_kind kind; /* towards the client */
    uint64_t length;
    bool http2;
    bool to_close;               /* only the end of its connection ends the answer */
    bool is_grpc;                /* an answer of gRPC */
    int grpc_status;             /* of its head or trailers; -1 = none yet */
    uint32_t retry_after_ms;     /* of a refusal, 0 = none */
    char id[REQUEST_ID_MAX + 1]; /* what the backend calls the request, "" = no name of its own */
};

/* Times are absolute; 0 = not (yet). */
struct attempt {
    struct snapshot_upstream *upstream; /* NULL: admitted to none */
    struct snapshot_use *use;           /* keeps it alive: of a later snapshot, maybe */
    struct uplink *uplink;
    uint64_t begun_ns;
    uint64_t connect_ns;   /* how long its connection took; 0 = it was there */
    uint64_t connected_ns; /* for the trace */
    uint64_t sent_ns;      /* connected; then: the last byte of the request was taken */
    uint64_t progress_ns;  /* last sign of life: an event, a comment, body bytes */
    uint32_t body_sent;    /* bytes of body already written */
    bool head_sent;
    bool sent_whole;  /* the upstream has taken the last byte of the request */
    bool resent;      /* it repeats one whose connection was stale */
    bool is_stream;   /* the answer is expected to be a stream, or is one */
    bool paused;      /* the upstream was asked to wait */
    bool overran;     /* the client's deadline */
    bool reads_usage; /* of an answer that is no stream */
    bool has_outcome;
    enum outcome outcome;
    const char *proxy_error;
    const char *found;                 /* what was wrong with the answer; static, NULL = nothing */
    const struct field_list *trailers; /* while its end is handled; NULL = none */
    const char *what;                  /* further words for the client; static, NULL = none */
    struct attempt_head head;
    struct grpc_messages messages; /* of an answer of gRPC, as far as it was passed on */
    struct attempt_stream stream;
    struct attempt_tunnel tunnel;
};

/* Where the pool has limits. */
struct exchange_limits {
    struct quota_request q;
    struct usage_scan said; /* by the answer; its scan: of one that is no stream */
    struct quota_usage took;
};

struct reply {
    bool began_early;  /* the 200 went out while the request waited (early_stream) */
    bool committed;    /* the client has the head of an answer */
    int status;        /* 0 = none yet */
    uint64_t quiet_ns; /* last byte sent to the client, for heartbeats */
};

/* Times are absolute; 0 = not (yet). */
struct record {
    uint64_t begun_ns, begun_wall_ns, asked_ns, admitted_ns;
    uint64_t bytes_in, bytes_out;
    uint32_t retries;
    enum decision decision;
    bool has_decision;
    enum cause cause;
    uint64_t trace[2];           /* an id of its own, random */
    struct trace_context self;   /* the span of the request; span 0 = tracing is off */
    struct request_trace *spans; /* heap; NULL = not sampled */
    bool has_parent;             /* of a span somewhere else */
    char id[REQUEST_ID_MAX + 1];
    char peer[48]; /* as logged */
    char method[24];
    char *path; /* as logged; heap, at most RECORD_PATH_MAX; NULL = none */
};

#endif
