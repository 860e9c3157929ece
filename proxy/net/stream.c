/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffered connection: reads into `in`, sends from `out`, keeps the deadline.  Leaves what the
 * bytes mean to the owner.
 */
#include "weir/net/stream.h"

#include <stdlib.h>
#include <unistd.h>

#include "weir/base/assert.h"

#define STREAM_MAGIC UINT32_C(0x5354524d)

struct stream {
    uint32_t magic;
    struct loop *loop;
    struct conn *conn;
    const struct stream_events *ev;
    void *owner;
    struct buf in, out;
    size_t in_max;
    struct stream_patience patience;
    uint64_t moved_ns, limit_ns;
    struct loop_timer deadline;
    struct loop_deferred deferred;
    bool open;      /* connected */
    bool finishing; /* ends when `out` is sent */
    bool ended;     /* the owner was told */
};

static void stream_free(struct loop_deferred *d)
{
    struct stream *s = LIST_OBJECT(d, struct stream, deferred);

    WEIR_CHECK(s, STREAM_MAGIC);
    buf_free(&s->in); /* what the owner put in after the end */
    buf_free(&s->out);
    s->magic = 0;
    free(s);
}

void stream_close(struct stream **sp)
{
    struct stream *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    WEIR_CHECK(s, STREAM_MAGIC);
    s->ended = true;
    loop_timer_stop(&s->deadline);
    conn_close(&s->conn);
    buf_free(&s->in);
    buf_free(&s->out);
    loop_defer_free(s->loop, &s->deferred);
}

static void end(struct stream *s, enum weir_status status, const char *why)
{
    if (s->ended)
        return;
    s->ended = true;
    loop_timer_stop(&s->deadline);
    if (s->open)
        conn_want_read(s->conn, false);
    s->ev->on_end(s->owner, status, why);
}

/* The earlier one of the patience's end and of the limit. */
static void arm(struct stream *s)
{
    const struct stream_patience *p = &s->patience;
    uint64_t patience = p->idle_ns, at;

    if (s->ended)
        return;
    if (!buf_empty(&s->out))
        patience = p->out_ns;
    else if (!buf_empty(&s->in))
        patience = p->in_ns;
    at = patience == 0 ? s->limit_ns : s->moved_ns + patience;
    if (s->limit_ns != 0 && s->limit_ns < at)
        at = s->limit_ns;
    if (at == 0)
        loop_timer_stop(&s->deadline);
    else
        loop_timer_at(&s->deadline, at);
}

void stream_moved(struct stream *s)
{
    s->moved_ns = loop_now_ns(s->loop);
    arm(s);
}

static void on_deadline(void *arg)
{
    struct stream *s = arg;

    WEIR_CHECK(s, STREAM_MAGIC);
    end(s, WEIR_TIMEOUT, "no answer in time");
}

bool stream_flush(struct stream *s)
{
    WEIR_CHECK(s, STREAM_MAGIC);
    while (s->open && !s->ended && !buf_empty(&s->out)) {
        enum weir_status rc = conn_write_waiting(s->conn, &s->out);

        if (rc == WEIR_AGAIN) {
            conn_want_write(s->conn);
            break;
        }
        if (rc != WEIR_OK) {
            end(s, rc, weir_status_text(rc));
            return false;
        }
        s->moved_ns = loop_now_ns(s->loop);
    }
    if (s->finishing && s->open && !s->ended && buf_empty(&s->out)) {
        conn_shutdown(s->conn);
        end(s, WEIR_OK, "");
    }
    arm(s);
    return !s->ended;
}

void stream_finish(struct stream *s)
{
    WEIR_CHECK(s, STREAM_MAGIC);
    s->finishing = true;
    conn_want_read(s->conn, false);
}

static void on_open(struct conn *c, void *owner)
{
    struct stream *s = owner;

    (void)c;
    WEIR_CHECK(s, STREAM_MAGIC);
    s->open = true;
    if (s->ev->on_open != NULL)
        s->ev->on_open(s->owner);
    if (!s->ended)
        (void)stream_flush(s);
}

static void on_fail(struct conn *c, void *owner, enum weir_status status, const char *why)
{
    struct stream *s = owner;

    (void)c;
    WEIR_CHECK(s, STREAM_MAGIC);
    end(s, status, why);
}

static void input_ended(struct stream *s)
{
    conn_want_read(s->conn, false);
    if (s->ev->on_input_end == NULL)
        end(s, WEIR_CLOSED, weir_status_text(WEIR_CLOSED));
    else
        s->ev->on_input_end(s->owner);
    arm(s);
}

static void on_readable(struct conn *c, void *owner)
{
    struct stream *s = owner;
    enum weir_status rc;
    size_t room, got;
    char *at;

    WEIR_CHECK(s, STREAM_MAGIC);
    if (s->ended)
        return;
    rc = buf_reserve(&s->in, 1, s->in_max, &at, &room);
    if (rc == WEIR_OK)
        rc = conn_read(c, at, room, &got);
    if (rc == WEIR_AGAIN)
        return;
    if (rc == WEIR_CLOSED) {
        input_ended(s);
        return;
    }
    if (rc != WEIR_OK) {
        end(s, rc, weir_status_text(rc));
        return;
    }
    if (buf_empty(&s->in))
        s->moved_ns = loop_now_ns(s->loop);
    buf_commit(&s->in, got);
    s->ev->on_step(s->owner);
    arm(s);
}

static void on_writable(struct conn *c, void *owner)
{
    struct stream *s = owner;

    (void)c;
    WEIR_CHECK(s, STREAM_MAGIC);
    if (stream_flush(s) && buf_empty(&s->out))
        s->ev->on_step(s->owner);
    arm(s);
}

static void on_hangup(struct conn *c, void *owner, bool reset)
{
    struct stream *s = owner;

    (void)c;
    WEIR_CHECK(s, STREAM_MAGIC);
    if (reset)
        end(s, WEIR_RESET, weir_status_text(WEIR_RESET));
    else if (s->ev->on_hangup != NULL && !s->ended)
        s->ev->on_hangup(s->owner);
}

static const struct conn_events events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_hangup = on_hangup,
};

static struct stream *create(struct loop *l, size_t in_max, const struct stream_events *ev,
                             void *owner)
{
    struct stream *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->magic = STREAM_MAGIC;
    s->loop = l;
    s->ev = ev;
    s->owner = owner;
    s->in_max = in_max;
    s->moved_ns = loop_now_ns(l);
    loop_timer_init(&s->deadline, l, on_deadline, s);
    loop_deferred_init(&s->deferred, stream_free);
    return s;
}

struct stream *stream_accept(struct loop *l, int fd, size_t in_max, const struct stream_events *ev,
                             void *owner)
{
    struct stream *s = create(l, in_max, ev, owner);

    if (s == NULL) {
        (void)close(fd);
        return NULL;
    }
    s->open = true;
    s->conn = conn_accept(l, fd, NULL, NULL, 0, &events, s);
    if (s->conn == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

struct stream *stream_connect(struct loop *l, const struct net_addr *to, struct tls_client *tls,
                              struct slice first, uint64_t connect_ns, size_t in_max,
                              const struct stream_events *ev, void *owner)
{
    struct stream *s = create(l, in_max, ev, owner);

    if (s == NULL)
        return NULL;
    s->conn = conn_connect(l, to, tls, first, connect_ns, &events, s);
    if (s->conn == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

struct buf *stream_in(struct stream *s)
{
    return &s->in;
}

struct buf *stream_out(struct stream *s)
{
    return &s->out;
}

void stream_want_read(struct stream *s, bool want)
{
    WEIR_CHECK(s, STREAM_MAGIC);
    if (!s->ended)
        conn_want_read(s->conn, want && !s->finishing);
}

void stream_set_patience(struct stream *s, const struct stream_patience *p)
{
    s->patience = *p;
    arm(s);
}

void stream_set_limit(struct stream *s, uint64_t at_ns)
{
    s->limit_ns = at_ns;
    arm(s);
}

uint64_t stream_moved_ns(const struct stream *s)
{
    return s->moved_ns;
}
