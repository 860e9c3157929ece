/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: connections, sending, reading.  A connection is freed by the reaper only, never
 * where it runs, so that callbacks may cancel and send as they like.
 */
#include "bench/http/httpc.h"

#include <stdio.h>
#include <stdlib.h>

#include "weir/base/assert.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"

enum { CONN_MAGIC = 0x48435443, READ_SIZE = 32 * 1024, PACE_US = 20000 };

struct httpc_conn {
    uint32_t magic;
    bool dead, used, head_seen;
    struct httpc *client;
    struct httpc_call *call; /* NULL while idle */
    struct wire wire;
    struct list node;
    struct event *on_read, *on_write;
    struct event *pace; /* of a slow line; NULL until one is needed */
    uint64_t began_ns;  /* of sending */
    size_t sent;
    struct buf in; /* an incomplete head only */
    struct body body;
    bool keep;
};

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
    struct httpc *h = arg;

    (void)fd, (void)what;
    LIST_EACH_SAFE(n, next, &h->dead)
    {
        struct httpc_conn *c = LIST_OBJECT(n, struct httpc_conn, node);
        list_remove(n);
        c->magic = 0;
        free(c);
    }
}

static void drop(struct httpc_conn *c)
{
    struct httpc *h = c->client;

    if (c->dead)
        return;
    c->dead = true;
    if (c->call != NULL) {
        c->call->conn = NULL;
        c->call = NULL;
    } else {
        h->n_idle--;
    }
    if (c->on_read != NULL)
        event_free(c->on_read);
    if (c->on_write != NULL)
        event_free(c->on_write);
    if (c->pace != NULL)
        event_free(c->pace);
    wire_close(&c->wire);
    buf_free(&c->in);
    list_remove(&c->node);
    list_push_back(&h->dead, &c->node);
    event_active(h->on_reap, EV_TIMEOUT, 0);
}

/* The call is over; the connection is dropped, or idle when the answer allows. */
static void end_call(struct httpc_conn *c, enum call_end how)
{
    struct httpc *h = c->client;
    struct httpc_call *call = c->call;
    bool reuse = how == CALL_DONE && c->keep && !h->no_reuse && buf_empty(&c->in) &&
                 c->sent == call->request.len;

    if (!reuse) {
        drop(c);
    } else {
        c->call = NULL;
        call->conn = NULL;
        c->used = true;
        h->n_idle++;
        list_remove(&c->node);
        list_push_front(&h->idle, &c->node);
    }
    call->events->on_end(call, how);
}

static struct httpc_conn *new_conn(struct httpc *h);
static void start(struct httpc_conn *c, struct httpc_call *call);

/* The connection ended.  A reused one that closed before answering says nothing about the target:
 * the request goes out once more, on a fresh one. */
static void lost(struct httpc_conn *c)
{
    struct httpc_call *call = c->call;
    struct httpc *h = c->client;

    if (call == NULL) {
        drop(c);
        return;
    }
    if (!c->wire.ready) {
        h->n_connect_failures++;
        end_call(c, CALL_NO_CONNECT);
        return;
    }
    if (c->head_seen) {
        end_call(c, c->body.kind == BODY_UNTIL_CLOSE ? CALL_DONE : CALL_CUT);
        return;
    }
    if (c->used && !call->resent && buf_empty(&c->in)) {
        call->resent = true;
        h->n_stale++;
        drop(c);
        start(new_conn(h), call);
        return;
    }
    end_call(c, CALL_NO_ANSWER);
}

static bool still_mine(const struct httpc_conn *c, const struct httpc_call *call)
{
    return !c->dead && c->call == call;
}

static void feed_body(struct httpc_conn *c, struct slice in)
{
    struct httpc_call *call = c->call;
    struct slice piece;

    while (in.len > 0 && !c->body.done) {
        if (body_next(&c->body, &in, &piece) != WEIR_OK) {
            end_call(c, CALL_BAD);
            return;
        }
        if (piece.len > 0)
            call->events->on_body(call, piece);
        if (!still_mine(c, call))
            return;
    }
    if (in.len > 0)
        c->keep = false; /* more than the answer: not to be trusted with another */
    if (c->body.done)
        end_call(c, CALL_DONE);
}

static void feed_head(struct httpc_conn *c, struct slice in)
{
    struct httpc_call *call = c->call;
    struct head h;
    enum weir_status rc = head_parse(in, &h);

    /* informational answers are passed over */
    while (rc == WEIR_OK && h.status >= 100 && h.status < 200 &&
           !(call->upgrade && h.status == 101)) {
        in = slice_from(in, h.size);
        rc = head_parse(in, &h);
    }
    if (rc == WEIR_AGAIN) {
        struct buf rest = BUF_INIT;
        rc = buf_append(&rest, in, HEAD_MAX);
        buf_free(&c->in);
        c->in = rest;
        if (rc != WEIR_OK)
            end_call(c, CALL_BAD);
        return;
    }
    if (rc != WEIR_OK || h.status == 0 || body_of_answer(&h, call->is_head, &c->body) != WEIR_OK) {
        end_call(c, CALL_BAD);
        return;
    }
    if (h.status == 101)
        c->body = (struct body){.kind = BODY_UNTIL_CLOSE};
    c->head_seen = true;
    c->keep = head_keeps_alive(&h) && c->body.kind != BODY_UNTIL_CLOSE;
    call->events->on_head(call, &h);
    if (!still_mine(c, call))
        return;
    in = slice_from(in, h.size);
    if (c->body.done && in.len > 0)
        c->keep = false;
    if (c->body.done)
        end_call(c, CALL_DONE);
    else
        feed_body(c, in);
}

static void feed(struct httpc_conn *c, struct slice in)
{
    if (c->call == NULL) {
        drop(c); /* bytes nobody asked for */
        return;
    }
    if (c->head_seen) {
        feed_body(c, in);
        return;
    }
    if (buf_empty(&c->in)) {
        feed_head(c, in);
        return;
    }
    struct buf whole = c->in;
    c->in = BUF_INIT;
    if (buf_append(&whole, in, HEAD_MAX + READ_SIZE) != WEIR_OK)
        end_call(c, CALL_BAD);
    else
        feed_head(c, buf_slice(&whole));
    buf_free(&whole);
}

static void on_pace(evutil_socket_t fd, short what, void *arg);

/* How much of the request may be out by now.  On a slow line the timer asks again. */
static size_t allowed(struct httpc_conn *c)
{
    const struct httpc_call *call = c->call;
    uint64_t gone_ns = mono_now_ns() - c->began_ns;
    struct timeval again = {0, PACE_US};

    if (call->over_ns == 0 || gone_ns >= call->over_ns)
        return call->request.len;
    if (c->pace == NULL)
        c->pace = event_new(c->client->loop, -1, 0, on_pace, c);
    WEIR_ASSERT(c->pace != NULL && event_add(c->pace, &again) == 0);
    return (size_t)((double)call->request.len * ((double)gone_ns / (double)call->over_ns));
}

static void send_rest(struct httpc_conn *c)
{
    size_t most = allowed(c), n;
    struct slice rest = slice_of(c->call->request.p + c->sent, most > c->sent ? most - c->sent : 0);

    while (rest.len > 0) {
        enum weir_status rc = wire_write(&c->wire, rest.p, rest.len, &n);
        if (rc == WEIR_AGAIN) {
            (void)event_add(c->on_write, NULL);
            return;
        }
        if (rc != WEIR_OK) {
            /* the answer may have come before the end of the request: read it first */
            return;
        }
        c->sent += n;
        rest = slice_from(rest, n);
    }
}

static void on_pace(evutil_socket_t fd, short what, void *arg)
{
    struct httpc_conn *c = arg;

    (void)fd, (void)what;
    WEIR_CHECK(c, CONN_MAGIC);
    if (c->call != NULL && c->wire.ready)
        send_rest(c);
}

bool httpc_put(struct httpc_call *call, struct slice bytes)
{
    size_t n;

    while (call->conn != NULL && bytes.len > 0) {
        if (wire_write(&call->conn->wire, bytes.p, bytes.len, &n) != WEIR_OK)
            return false;
        bytes = slice_from(bytes, n);
    }
    return call->conn != NULL;
}

static void go_on_connecting(struct httpc_conn *c)
{
    bool want_write = false;
    enum weir_status rc = wire_go_on(&c->wire, &want_write);

    if (rc == WEIR_OK) {
        c->began_ns = mono_now_ns();
        send_rest(c);
        return;
    }
    if (rc != WEIR_AGAIN) {
        lost(c);
        return;
    }
    if (want_write)
        (void)event_add(c->on_write, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct httpc_conn *c = arg;
    char bytes[READ_SIZE];
    size_t n = 0;

    (void)fd, (void)what;
    WEIR_CHECK(c, CONN_MAGIC);
    if (!c->wire.ready) {
        go_on_connecting(c);
        return;
    }
    do {
        enum weir_status rc = wire_read(&c->wire, bytes, sizeof bytes, &n);
        if (rc == WEIR_AGAIN)
            return;
        if (rc != WEIR_OK) {
            lost(c);
            return;
        }
        feed(c, slice_of(bytes, n));
    } while (!c->dead && wire_has_more(&c->wire));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct httpc_conn *c = arg;

    (void)fd, (void)what;
    WEIR_CHECK(c, CONN_MAGIC);
    if (!c->wire.ready)
        go_on_connecting(c);
    else if (c->call != NULL)
        send_rest(c);
}

static void on_failed_at_once(evutil_socket_t fd, short what, void *arg)
{
    struct httpc_conn *c = arg;

    (void)fd, (void)what;
    WEIR_CHECK(c, CONN_MAGIC);
    lost(c);
}

static struct httpc_conn *new_conn(struct httpc *h)
{
    struct httpc_conn *c = calloc(1, sizeof *c);

    WEIR_ASSERT(c != NULL);
    c->magic = CONN_MAGIC;
    c->client = h;
    list_init(&c->node);
    h->n_connects++;
    h->n_idle++;
    if (wire_connect(&c->wire, &h->target.address, h->tls, h->target.name) != WEIR_OK) {
        /* told from the loop, as every end is */
        c->on_write = event_new(h->loop, -1, 0, on_failed_at_once, c);
        WEIR_ASSERT(c->on_write != NULL);
        event_active(c->on_write, EV_TIMEOUT, 0);
        return c;
    }
    c->on_read = event_new(h->loop, c->wire.fd, EV_READ | EV_PERSIST, on_readable, c);
    c->on_write = event_new(h->loop, c->wire.fd, EV_WRITE, on_writable, c);
    WEIR_ASSERT(c->on_read != NULL && c->on_write != NULL && event_add(c->on_read, NULL) == 0 &&
                event_add(c->on_write, NULL) == 0);
    return c;
}

static void start(struct httpc_conn *c, struct httpc_call *call)
{
    struct httpc *h = c->client;

    c->call = call;
    call->conn = c;
    c->sent = 0;
    c->began_ns = mono_now_ns();
    c->head_seen = false;
    h->n_idle--;
    list_remove(&c->node);
    list_push_back(&h->busy, &c->node);
    if (c->wire.ready)
        send_rest(c);
}

void httpc_send(struct httpc *c, struct httpc_call *call)
{
    WEIR_ASSERT(call->conn == NULL);
    call->resent = false;
    if (list_empty(&c->idle))
        start(new_conn(c), call);
    else
        start(LIST_OBJECT(c->idle.next, struct httpc_conn, node), call);
}

void httpc_cancel(struct httpc_call *call)
{
    if (call->conn != NULL)
        drop(call->conn);
}

void httpc_init(struct httpc *c, struct event_base *loop, const struct target *t, SSL_CTX *tls)
{
    *c = (struct httpc){.loop = loop, .target = *t, .tls = tls};
    list_init(&c->idle);
    list_init(&c->busy);
    list_init(&c->dead);
    c->on_reap = event_new(loop, -1, 0, on_reap, c);
    WEIR_ASSERT(c->on_reap != NULL);
}

void httpc_fini(struct httpc *c)
{
    LIST_EACH_SAFE(n, next, &c->idle)
    drop(LIST_OBJECT(n, struct httpc_conn, node));
    LIST_EACH_SAFE(n, next, &c->busy)
    drop(LIST_OBJECT(n, struct httpc_conn, node));
    on_reap(-1, 0, c);
    event_free(c->on_reap);
    c->on_reap = NULL;
}
