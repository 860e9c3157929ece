/* SPDX-License-Identifier: Apache-2.0 */
/* The small server: sending answers. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "bench/http/httpd_priv.h"
#include "weir/base/assert.h"
#include "weir/base/text.h"

/* A client that does not read is cut off when so much waits for it. */
static const size_t unread_max = (size_t)8 << 20;

enum { ANSWER_HEAD_MAX = 2048 };

void *httpd_user(const struct httpd_conn *c)
{
    return c->user;
}

void httpd_set_user(struct httpd_conn *c, void *user)
{
    c->user = user;
}

const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {529, "Site Overloaded"},
    };

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Status";
}

void httpd_flush(struct httpd_conn *c)
{
    while (!buf_empty(&c->out)) {
        struct slice s = buf_slice(&c->out);
        ssize_t n = send(c->fd, s.p, s.len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            (void)event_add(c->on_write, NULL);
            return;
        }
        if (n < 0) {
            httpd_drop(c, false);
            return;
        }
        buf_consume(&c->out, (size_t)n);
    }
    if (c->state == CONN_FLUSHING)
        httpd_drop(c, false);
}

static void send_parts(struct httpd_conn *c, struct iovec *parts, int n_parts)
{
    ssize_t sent = 0;

    if (c->state == CONN_DEAD)
        return;
    if (buf_empty(&c->out)) {
        struct msghdr m = {.msg_iov = parts, .msg_iovlen = (size_t)n_parts};
        sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            httpd_drop(c, false);
            return;
        }
        sent = sent < 0 ? 0 : sent;
    }
    for (int i = 0; i < n_parts; i++) {
        size_t skip = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
        struct slice rest = slice_from(slice_of(parts[i].iov_base, parts[i].iov_len), skip);
        sent -= (ssize_t)skip;
        if (rest.len > 0 && buf_append(&c->out, rest, unread_max) != WEIR_OK) {
            c->port->n_overflowed++;
            httpd_drop(c, true);
            return;
        }
    }
    if (!buf_empty(&c->out))
        (void)event_add(c->on_write, NULL);
}

static struct iovec part(struct slice s)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)s.p, .iov_len = s.len};
}

void httpd_raw(struct httpd_conn *c, struct slice bytes)
{
    struct iovec parts[] = {part(bytes)};

    send_parts(c, parts, 1);
}

/* The request is answered: on to the next one, or close after the last byte. */
static void answered(struct httpd_conn *c)
{
    if (c->state == CONN_DEAD)
        return;
    WEIR_ASSERT(c->state == CONN_ANSWERING || c->state == CONN_TUNNEL);
    c->user = NULL;
    c->streams = false;
    grow_free(&c->body_bytes);
    grow_free(&c->head_bytes);
    if (!c->keep) {
        c->state = CONN_FLUSHING;
        httpd_flush(c);
        return;
    }
    c->state = CONN_HEAD;
    if (!buf_empty(&c->in))
        httpd_step(c);
}

static void head_text(struct text *t, const struct httpd_conn *c, int status, const char *type,
                      const char *extra)
{
    text_printf(t, "HTTP/1.1 %d %s\r\nServer: weir-bench\r\nContent-Type: %s\r\n%s", status,
                reason_phrase(status), type, extra == NULL ? "" : extra);
    if (!c->keep)
        text_str(t, "Connection: close\r\n");
}

void httpd_answer(struct httpd_conn *c, int status, const char *type, const char *extra,
                  struct slice body)
{
    char mem[ANSWER_HEAD_MAX];
    struct text t;
    struct iovec parts[2];

    text_init(&t, mem, sizeof mem);
    head_text(&t, c, status, type, extra);
    text_printf(&t, "Content-Length: %zu\r\n\r\n", body.len);
    WEIR_ASSERT(!t.full);
    parts[0] = part(text_slice(&t));
    parts[1] = part(body);
    send_parts(c, parts, c->is_head ? 1 : 2);
    answered(c);
}

void httpd_upgrade(struct httpd_conn *c, const char *extra)
{
    WEIR_ASSERT(c->state == CONN_ANSWERING && c->port->handler->on_bytes != NULL);
    c->state = CONN_TUNNEL;
    c->keep = false;
    httpd_raw(c, SLICE_LIT("HTTP/1.1 101 Switching Protocols\r\n"));
    httpd_raw(c, slice_str(extra));
    httpd_raw(c, SLICE_LIT("\r\n"));
}

void httpd_begin(struct httpd_conn *c, int status, const char *type, const char *extra)
{
    char mem[ANSWER_HEAD_MAX];
    struct text t;

    WEIR_ASSERT(!c->streams);
    c->streams = true;
    if (!c->chunks)
        c->keep = false;
    text_init(&t, mem, sizeof mem);
    head_text(&t, c, status, type, extra);
    text_str(&t, c->chunks ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    WEIR_ASSERT(!t.full);
    httpd_raw(c, text_slice(&t));
}

void httpd_piece(struct httpd_conn *c, struct slice bytes)
{
    char size[24];
    int n = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
    struct iovec parts[] = {part(slice_of(size, (size_t)n)), part(bytes), part(SLICE_LIT("\r\n"))};

    WEIR_ASSERT(c->streams || c->state == CONN_DEAD);
    if (bytes.len == 0)
        return;
    if (c->chunks)
        send_parts(c, parts, 3);
    else
        send_parts(c, parts + 1, 1);
}

void httpd_end(struct httpd_conn *c)
{
    WEIR_ASSERT(c->streams || c->state == CONN_DEAD);
    if (c->chunks)
        httpd_raw(c, SLICE_LIT("0\r\n\r\n"));
    answered(c);
}

void httpd_break(struct httpd_conn *c, bool reset)
{
    if (c->state == CONN_DEAD)
        return;
    c->keep = false;
    if (reset) {
        c->state = CONN_FLUSHING; /* the handler knows: no on_gone */
        httpd_drop(c, true);
        return;
    }
    answered(c);
}
