/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small server: listening, connections, reading requests.  What it sends is in httpd_answer.c.
 * A connection is never freed where it runs: httpd_drop puts it on the dead list, the reaper frees.
 */
#include "bench/http/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/http/httpd_priv.h"
#include "weir/base/assert.h"

enum { BACKLOG = 4096, ACCEPTS_AT_ONCE = 64, READ_SIZE = 32 * 1024 };
static const size_t body_max = (size_t)64 << 20;
static const size_t ahead_max = (size_t)1 << 20; /* sent by a client before its turn */

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
    struct httpd *h = arg;

    (void)fd, (void)what;
    LIST_EACH_SAFE(n, next, &h->dead)
    {
        struct httpd_conn *c = LIST_OBJECT(n, struct httpd_conn, node);
        WEIR_CHECK(c, HTTPD_CONN_MAGIC);
        list_remove(n);
        buf_free(&c->in);
        buf_free(&c->out);
        grow_free(&c->body_bytes);
        grow_free(&c->head_bytes);
        event_free(c->on_read);
        event_free(c->on_write);
        c->magic = 0;
        free(c);
    }
}

void httpd_drop(struct httpd_conn *c, bool reset)
{
    struct httpd *h = c->port;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (c->state == CONN_DEAD)
        return;
    if (c->state == CONN_ANSWERING || c->state == CONN_TUNNEL)
        h->handler->on_gone(h->ctx, c);
    c->state = CONN_DEAD;
    if (reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    event_del(c->on_read);
    event_del(c->on_write);
    (void)close(c->fd);
    c->fd = -1;
    list_remove(&c->node);
    list_push_back(&h->dead, &c->node);
    h->n_open--;
    event_active(h->on_reap, EV_TIMEOUT, 0);
}

/* Parses the head at the front of `in`.  False: not whole yet, or the connection was dropped. */
static bool take_head(struct httpd_conn *c)
{
    struct slice in = buf_slice(&c->in);

    enum weir_status rc = head_parse(in, &c->head);

    if (rc != WEIR_OK) {
        if (rc != WEIR_AGAIN)
            httpd_drop(c, false);
        return false;
    }
    grow_clear(&c->head_bytes);
    grow_clear(&c->body_bytes);
    grow_put(&c->head_bytes, slice_of(in.p, c->head.size));
    /* parsed once more where the bytes stay: buf_consume may move or free them */
    WEIR_ASSERT(head_parse(grow_slice(&c->head_bytes), &c->head) == WEIR_OK);
    buf_consume(&c->in, c->head.size);
    if (c->head.status != 0 || body_of_request(&c->head, &c->body) != WEIR_OK) {
        httpd_drop(c, false);
        return false;
    }
    c->state = CONN_BODY;
    if (!c->body.done && head_has_token(&c->head, "expect", "100-continue"))
        httpd_raw(c, SLICE_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
    return true;
}

/* True when the body is whole. */
static bool take_body(struct httpd_conn *c)
{
    struct slice in = buf_slice(&c->in), piece;
    size_t before = in.len;

    while (!c->body.done && in.len > 0) {
        if (body_next(&c->body, &in, &piece) != WEIR_OK ||
            c->body_bytes.len + piece.len > body_max) {
            httpd_drop(c, false);
            return false;
        }
        grow_put(&c->body_bytes, piece);
    }
    if (before > in.len)
        buf_consume(&c->in, before - in.len);
    return c->body.done;
}

static void hand_over(struct httpd_conn *c)
{
    struct httpd_request r = {.head = &c->head,
                              .method = c->head.start[0],
                              .target = c->head.start[1],
                              .body = grow_slice(&c->body_bytes)};

    c->state = CONN_ANSWERING;
    c->keep = head_keeps_alive(&c->head);
    c->chunks = !slice_eq(c->head.start[2], SLICE_LIT("HTTP/1.0"));
    c->is_head = slice_eq(r.method, SLICE_LIT("HEAD"));
    c->port->handler->on_request(c->port->ctx, c, &r);
}

void httpd_step(struct httpd_conn *c)
{
    /* a loop, not recursion: an answer given at once makes room for the next request */
    if (c->stepping)
        return;
    c->stepping = true;
    for (;;) {
        if (c->state == CONN_HEAD && !take_head(c))
            break;
        if (c->state == CONN_BODY && !take_body(c))
            break;
        if (c->state != CONN_BODY)
            break;
        hand_over(c);
        if (c->state != CONN_HEAD || buf_empty(&c->in))
            break;
    }
    c->stepping = false;
}

/* The handler may end the connection. */
static void hand_bytes(struct httpd_conn *c)
{
    size_t taken = c->port->handler->on_bytes(c->port->ctx, c, buf_slice(&c->in));

    if (taken > 0)
        buf_consume(&c->in, taken);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct httpd_conn *c = arg;
    char bytes[READ_SIZE];
    ssize_t n;

    (void)what;
    WEIR_CHECK(c, HTTPD_CONN_MAGIC);
    n = recv(fd, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || buf_append(&c->in, slice_of(bytes, (size_t)n), ahead_max) != WEIR_OK) {
        httpd_drop(c, false);
        return;
    }
    if (c->state == CONN_TUNNEL)
        hand_bytes(c);
    else
        httpd_step(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct httpd_conn *c = arg;

    (void)fd, (void)what;
    WEIR_CHECK(c, HTTPD_CONN_MAGIC);
    httpd_flush(c);
}

static void new_conn(struct httpd *h, int fd)
{
    struct httpd_conn *c = calloc(1, sizeof *c);
    int on = 1;

    WEIR_ASSERT(c != NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->magic = HTTPD_CONN_MAGIC;
    c->port = h;
    c->fd = fd;
    c->state = CONN_HEAD;
    c->on_read = event_new(h->loop, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->on_write = event_new(h->loop, fd, EV_WRITE, on_writable, c);
    WEIR_ASSERT(c->on_read != NULL && c->on_write != NULL && event_add(c->on_read, NULL) == 0);
    list_push_back(&h->open, &c->node);
    h->n_accepted++;
    h->n_open++;
    if (h->n_open > h->n_open_max)
        h->n_open_max = h->n_open;
}

static void refuse_conn(struct httpd *h, int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
    h->n_refused++;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct httpd *h = arg;

    (void)what;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int one = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (one < 0)
            return;
        if (h->refuse)
            refuse_conn(h, one);
        else
            new_conn(h, one);
    }
}

enum weir_status httpd_init(struct httpd *h, struct event_base *loop, const struct address *a,
                            const struct httpd_handler *handler, void *ctx)
{
    *h = (struct httpd){.loop = loop, .handler = handler, .ctx = ctx, .address = *a, .fd = -1};
    list_init(&h->open);
    list_init(&h->dead);
    h->on_reap = event_new(loop, -1, 0, on_reap, h);
    return h->on_reap == NULL ? WEIR_NO_MEMORY : WEIR_OK;
}

enum weir_status httpd_listen(struct httpd *h)
{
    int on = 1, fd;

    if (h->fd >= 0)
        return WEIR_OK;
    fd = socket(h->address.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return WEIR_SYS;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&h->address.sa, h->address.len) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
        return WEIR_SYS;
    }
    /* port 0: remember which one it was, a return must be to the same */
    h->address.len = sizeof h->address.sa;
    (void)getsockname(fd, (struct sockaddr *)&h->address.sa, &h->address.len);
    h->on_accept = event_new(h->loop, fd, EV_READ | EV_PERSIST, on_accept, h);
    WEIR_ASSERT(h->on_accept != NULL && event_add(h->on_accept, NULL) == 0);
    h->fd = fd;
    return WEIR_OK;
}

void httpd_close(struct httpd *h)
{
    if (h->fd >= 0) {
        event_free(h->on_accept);
        h->on_accept = NULL;
        (void)close(h->fd);
        h->fd = -1;
    }
    LIST_EACH_SAFE(n, next, &h->open)
    httpd_drop(LIST_OBJECT(n, struct httpd_conn, node), false);
}

void httpd_fini(struct httpd *h)
{
    httpd_close(h);
    on_reap(-1, 0, h);
    event_free(h->on_reap);
    h->on_reap = NULL;
}

const char *httpd_name(const struct httpd *h, char *out, size_t size)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&h->address.sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&h->address.sa;
    char ip[INET6_ADDRSTRLEN] = "";

    if (v4->sin_family == AF_INET)
        (void)snprintf(out, size, "%s:%u", inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof ip),
                       ntohs(v4->sin_port));
    else if (v6->sin6_family == AF_INET6)
        (void)snprintf(out, size, "[%s]:%u", inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof ip),
                       ntohs(v6->sin6_port));
    else
        (void)snprintf(out, size, "unix:%s", ((const struct sockaddr_un *)v4)->sun_path);
    return out;
}
