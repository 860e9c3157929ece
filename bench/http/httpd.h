/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_HTTPD_H
#define BENCH_HTTP_HTTPD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/common/grow.h"
#include "bench/common/units.h"
#include "bench/http/head.h"
#include "weir/base/buf.h"
#include "weir/base/list.h"

/*
 * A small HTTP/1.1 server on a libevent loop: keep-alive, counted and chunked bodies, answers in
 * one piece or as a stream of chunks, thousands of connections.  One request at a time per
 * connection; what a client sends ahead waits.  One thread; objects belong to their port.
 */
struct httpd_conn;

/* A request, whole.  Valid during on_request only. */
struct httpd_request {
    const struct head *head;
    struct slice method, target, body;
};

struct httpd_handler {
    /* Must lead, now or later, to one of the httpd_answer / _end / _break calls. */
    void (*on_request)(void *ctx, struct httpd_conn *c, const struct httpd_request *r);
    /* The client is gone before its answer was complete, or the port closed: forget this request.
     */
    void (*on_gone)(void *ctx, struct httpd_conn *c);
    /* After httpd_upgrade: the client's bytes that were not taken yet.  Returns how many are taken
     * now; the rest comes again with what follows.  NULL where nothing upgrades. */
    size_t (*on_bytes)(void *ctx, struct httpd_conn *c, struct slice bytes);
};

/* A listening address and its connections. */
struct httpd {
    struct event_base *loop;
    const struct httpd_handler *handler;
    void *ctx;
    struct address address;
    int fd; /* listening, -1 while closed */
    struct event *on_accept;
    struct event *on_reap;
    struct list open, dead;
    bool refuse; /* take connections and reset them at once */
    uint64_t n_open, n_open_max, n_accepted, n_refused, n_overflowed;
};

/* Prepares; listens only by httpd_listen.  The loop must outlive it. */
enum weir_status httpd_init(struct httpd *h, struct event_base *loop, const struct address *a,
                            const struct httpd_handler *handler, void *ctx) WEIR_MUST_CHECK;
/* Begins to listen (again, on the same port if the first was 0). WEIR_SYS: errno tells. */
enum weir_status httpd_listen(struct httpd *h) WEIR_MUST_CHECK;
/* Stops listening and cuts every connection, as the end of a process would. */
void httpd_close(struct httpd *h);
void httpd_fini(struct httpd *h);
/* "127.0.0.1:8000" of the bound socket, static buffer of the caller's. */
const char *httpd_name(const struct httpd *h, char *out, size_t size);

/* The handler's own object for the request under way; NULL at its beginning. */
void *httpd_user(const struct httpd_conn *c);
void httpd_set_user(struct httpd_conn *c, void *user);

/* A whole answer.  extra is NULL or further field lines, each with its CRLF. */
void httpd_answer(struct httpd_conn *c, int status, const char *type, const char *extra,
                  struct slice body);

/* An answer of unknown length: head, pieces, end.  To HTTP/1.0 the end is the connection's. */
void httpd_begin(struct httpd_conn *c, int status, const char *type, const char *extra);
void httpd_piece(struct httpd_conn *c, struct slice bytes);
void httpd_end(struct httpd_conn *c);

/* Bytes as they are, outside any framing: for answers that are wrong on purpose. */
void httpd_raw(struct httpd_conn *c, struct slice bytes);

/* 101 with these field lines; from here on both sides send what they like, to the end of the
 * connection.  What the client sent already is handed over with what comes next. */
void httpd_upgrade(struct httpd_conn *c, const char *extra);

/* Breaks the connection: by reset, or by an end (what was sent before still arrives). */
void httpd_break(struct httpd_conn *c, bool reset);

const char *reason_phrase(int status);

#endif
