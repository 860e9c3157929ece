/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of the endpoint: reads request heads, sends answers, one after the other.  Control
 * thread; freed deferred by the loop.  What is answered is answer.c's.
 */
#include "web/web_priv.h"

#include <stdlib.h>
#include <unistd.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define WEB_CLIENT_MAGIC UINT32_C(0x57454243)

enum {
    HEAD_MAX = 16 * 1024, /* browsers send their cookies of the same host along */
    LINE_MAX_BYTES = 4096,
    FIELDS_MAX = 100,
    STREAM_BACKLOG_MAX = 8 * 1024 * 1024, /* the history, once, and what is not read yet */
};
static const uint64_t head_ns = 10 * NS_PER_S; /* a head, from its first byte */
static const uint64_t idle_ns = 60 * NS_PER_S; /* between requests: more than a scrape's interval */
static const uint64_t read_ns = 10 * NS_PER_S; /* without taking a byte of an answer */

static void client_free(struct loop_deferred *d)
{
    struct web_client *c = LIST_OBJECT(d, struct web_client, deferred);

    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    c->magic = 0;
    free(c);
}

void web_client_end(struct web_client *c)
{
    if (c->conn == NULL)
        return;
    c->web->n--;
    c->web->n_streams -= c->stream;
    list_remove(&c->node);
    loop_timer_stop(&c->deadline);
    conn_close(&c->conn);
    buf_free(&c->in);
    buf_free(&c->out);
    loop_defer_free(control_loop(c->web->a->control), &c->deferred);
}

static uint64_t now_ns(const struct web_client *c)
{
    return loop_now_ns(control_loop(c->web->a->control));
}

static void client_arm(struct web_client *c)
{
    uint64_t patience = idle_ns;

    if (!buf_empty(&c->out))
        patience = read_ns;
    else if (c->stream)
        patience = 0;
    else if (!buf_empty(&c->in))
        patience = head_ns;
    if (patience == 0)
        loop_timer_stop(&c->deadline);
    else
        loop_timer_at(&c->deadline, c->moved_ns + patience);
}

static void on_deadline(void *arg)
{
    struct web_client *c = arg;

    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    web_client_end(c);
}

/* Sends what there is; false if the client ended by it. */
static bool client_flush(struct web_client *c)
{
    while (!buf_empty(&c->out)) {
        struct slice s = buf_slice(&c->out);
        struct iovec iov = {(void *)(uintptr_t)s.p, s.len};
        size_t wrote;
        enum weir_status rc = conn_write(c->conn, &iov, 1, &wrote);

        if (rc == WEIR_AGAIN) {
            conn_want_write(c->conn);
            return true;
        }
        if (rc != WEIR_OK) {
            web_client_end(c);
            return false;
        }
        buf_consume(&c->out, wrote);
        c->moved_ns = now_ns(c);
    }
    return true;
}

static struct slice path_of(struct slice target)
{
    const char *query = target.len == 0 ? NULL : memchr(target.p, '?', target.len);

    return query == NULL ? target : slice_of(target.p, (size_t)(query - target.p));
}

static void take_request(struct web_client *c, const struct request_head *h)
{
    struct web_request r = {path_of(h->target), h->is_head, h->keep_alive};
    const struct settings *s = control_settings(c->web->a->control);

    if (h->body == BODY_CHUNKED || h->length > 0)
        web_refuse(c, 413, "a request here has no body");
    else if (!h->is_head && !slice_eq(h->method, SLICE_LIT("GET")))
        web_refuse(c, 405, "only GET and HEAD: nothing can be changed here");
    else if (h->host.len > 0 &&
             !web_host_is_ours(h->host, c->web->host, s->admin_hosts, s->n_admin_hosts))
        web_refuse(c, 421,
                   "ask by address, localhost, the machine's own name or one of admin.hosts");
    else
        web_answer(c, &r);
}

/* Answers one request; false if there is none whole yet. */
static bool client_next(struct web_client *c)
{
    static const struct head_limits limits = {
        .line = LINE_MAX_BYTES, .head = HEAD_MAX, .fields = FIELDS_MAX, .body = 0};
    struct http_field fields[FIELDS_MAX];
    struct request_head h;
    struct head_error err;
    size_t used;

    switch (request_parse(buf_slice(&c->in), &limits, fields, &h, &used, &err)) {
    case PARSE_MORE:
        return false;
    case PARSE_BAD:
        web_refuse(c, err.status, err.what);
        return true;
    case PARSE_DONE:
        break;
    }
    take_request(c, &h);
    buf_consume(&c->in, used);
    return true;
}

static void client_step(struct web_client *c)
{
    while (client_flush(c) && buf_empty(&c->out) && !c->stream && !c->ending &&
           !buf_empty(&c->in) && client_next(c))
        ;
    if (c->conn == NULL)
        return;
    if (c->ending && buf_empty(&c->out)) {
        conn_shutdown(c->conn);
        web_client_end(c);
        return;
    }
    /* What a stream or an ended client still says is of no interest, but its going is. */
    conn_want_read(c->conn, buf_empty(&c->out) && !c->stream && !c->ending);
    client_arm(c);
}

static void on_readable(struct conn *conn, void *owner)
{
    struct web_client *c = owner;
    char *at;
    size_t room, got;
    enum weir_status rc;

    (void)conn;
    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    if (buf_reserve(&c->in, 1, HEAD_MAX + 1, &at, &room) != WEIR_OK) {
        web_client_end(c);
        return;
    }
    rc = conn_read(c->conn, at, room, &got);
    if (rc == WEIR_AGAIN)
        return;
    if (rc != WEIR_OK) {
        web_client_end(c);
        return;
    }
    if (buf_empty(&c->in))
        c->moved_ns = now_ns(c);
    buf_commit(&c->in, got);
    client_step(c);
}

static void on_writable(struct conn *conn, void *owner)
{
    struct web_client *c = owner;

    (void)conn;
    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    client_step(c);
}

/* A page has nothing more to say; another client may have, and its answer is wanted all the same.
 */
static void on_hangup(struct conn *conn, void *owner, bool reset)
{
    struct web_client *c = owner;

    (void)conn;
    WEIR_CHECK(c, WEB_CLIENT_MAGIC);
    if (reset || c->stream)
        web_client_end(c);
}

static void on_open(struct conn *conn, void *owner)
{
    (void)conn, (void)owner; /* plain sockets are open at once */
}

static void on_fail(struct conn *conn, void *owner, enum weir_status s, const char *why)
{
    (void)conn, (void)s, (void)why;
    web_client_end(owner);
}

static const struct conn_events web_events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_hangup = on_hangup,
};

void web_client_create(struct web *w, int fd)
{
    struct loop *l = control_loop(w->a->control);
    struct web_client *c = calloc(1, sizeof *c);

    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->magic = WEB_CLIENT_MAGIC;
    c->web = w;
    loop_deferred_init(&c->deferred, client_free);
    loop_timer_init(&c->deadline, l, on_deadline, c);
    c->conn = conn_accept(l, fd, NULL, NULL, 0, &web_events, c);
    if (c->conn == NULL) {
        free(c);
        return;
    }
    list_push_back(&w->clients, &c->node);
    w->n++;
    c->moved_ns = loop_now_ns(l);
    client_arm(c);
}

void web_client_make_room(struct web *w)
{
    struct web_client *longest = NULL;

    LIST_EACH(n, &w->clients)
    {
        struct web_client *c = LIST_OBJECT(n, struct web_client, node);

        if (c->stream || !buf_empty(&c->out))
            continue;
        if (longest == NULL || c->moved_ns < longest->moved_ns)
            longest = c;
    }
    if (longest != NULL)
        web_client_end(longest);
}

void web_client_tell(struct web_client *c, struct slice bytes)
{
    if (buf_append(&c->out, bytes, STREAM_BACKLOG_MAX) != WEIR_OK)
        web_client_end(c);
    else if (client_flush(c))
        client_arm(c);
}
