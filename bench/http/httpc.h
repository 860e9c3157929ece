/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_HTTPC_H
#define BENCH_HTTP_HTTPC_H

#include <event2/event.h>

#include "bench/http/head.h"
#include "bench/http/wire.h"
#include "weir/base/list.h"

/*
 * An HTTP/1.1 client on a libevent loop, for one target: as many connections as there are calls
 * under way, idle ones kept and reused newest first, answers handed over as they arrive.  One
 * thread.
 */
struct target {
    struct address address;
    bool https;
    char host[256]; /* as in the Host field */
    char name[256]; /* without the port, for TLS */
    char path[256]; /* of the URL, without the last '/'; may be empty */
};

/* "http://127.0.0.1:8080/base", "https://...", "unix:/path"; resolves, blocking. */
enum weir_status target_parse(const char *url, struct target *out) WEIR_MUST_CHECK;

/* How a call ended, once. */
enum call_end {
    CALL_DONE,       /* the answer is complete by its framing */
    CALL_NO_CONNECT, /* refused, unreachable, TLS failed */
    CALL_NO_ANSWER,  /* closed or reset before the head was complete */
    CALL_CUT,        /* closed or reset within the body */
    CALL_BAD,        /* not HTTP */
};

struct httpc;
struct httpc_conn;
struct httpc_call;

/* on_end is the last; it may send another call or free this one.  The others may cancel it. */
struct httpc_events {
    void (*on_head)(struct httpc_call *call, const struct head *h);
    void (*on_body)(struct httpc_call *call, struct slice piece);
    void (*on_end)(struct httpc_call *call, enum call_end how);
};

/* Embedded in the caller's object, zeroed by it. */
struct httpc_call {
    struct httpc_conn *conn; /* NULL when not under way */
    const struct httpc_events *events;
    struct slice request; /* head and body, the caller's until on_end */
    bool is_head;
    bool upgrade;     /* 101 is the answer; its body is what comes to the end of the connection */
    uint64_t over_ns; /* the request is sent evenly over so long, as a slow line does; 0: at once */
    bool resent;      /* the connection it first went to had been closed meanwhile */
};

struct httpc {
    struct event_base *loop;
    struct target target;
    SSL_CTX *tls;  /* NULL: plain.  The caller's */
    bool no_reuse; /* a connection per call */
    struct list idle, busy, dead;
    struct event *on_reap;
    uint64_t n_connects, n_connect_failures, n_stale;
    uint32_t n_idle;
};

void httpc_init(struct httpc *c, struct event_base *loop, const struct target *t, SSL_CTX *tls);
void httpc_fini(struct httpc *c); /* calls under way are forgotten without on_end */

/* Sends; everything else comes through events, never before this returns. */
void httpc_send(struct httpc *c, struct httpc_call *call);

/* After a 101: bytes of the caller's.  False: the connection does not take them. */
bool httpc_put(struct httpc_call *call, struct slice bytes);

/* Breaks off: closes the connection, no on_end.  Harmless when the call is not under way. */
void httpc_cancel(struct httpc_call *call);

#endif
