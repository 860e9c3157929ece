/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of the admin socket.  Control thread; freed deferred by the loop.  It is in one
 * of these places:
 *
 *     reading    its output is sent; lines are taken as they come
 *     answering  output waits for it to read; no further line is taken; too slow: dropped
 *     waiting    its answer comes later (sessions); no further line is taken
 *     watching   events go to it; any line ends that
 *
 * Who may connect is socket.c's, commands are call.c's.
 */
#include "socket/socket_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "socket/socket.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define CLIENT_MAGIC UINT32_C(0x41434c49)

enum {
    IN_MAX = COMMAND_LINE_MAX + 2,
    WATCH_BACKLOG_MAX = 256 * 1024,
};
static const uint64_t line_ns = 30 * NS_PER_S;  /* a line, once begun */
static const uint64_t idle_ns = 600 * NS_PER_S; /* between lines */
static const uint64_t read_ns = 10 * NS_PER_S;  /* without taking a byte of an answer */

struct socket_hold {
    struct client *client; /* NULL: gone */
    bool json;
};

static void client_free(struct loop_deferred *d)
{
    struct client *c = LIST_OBJECT(d, struct client, deferred);

    WEIR_CHECK(c, CLIENT_MAGIC);
    c->magic = 0;
    free(c);
}

void client_end(struct client *c)
{
    struct socket_server *s = c->server;

    if (c->conn == NULL)
        return;
    if (c->hold != NULL)
        c->hold->client = NULL;
    s->n_watching -= c->place == CLIENT_WATCHING;
    s->n--;
    list_remove(&c->node);
    loop_timer_stop(&c->deadline);
    conn_close(&c->conn);
    buf_free(&c->in);
    buf_free(&c->out);
    loop_defer_free(control_loop(s->a->control), &c->deferred);
}

static void client_drop(struct client *c, const char *why)
{
    log_warn("admin: dropped a client of uid %u: %s", c->uid, why);
    client_end(c);
}

/* The one writer of a place. */
static void client_enter(struct client *c, enum client_place p)
{
    struct socket_server *s = c->server;

    s->n_watching += (p == CLIENT_WATCHING) - (c->place == CLIENT_WATCHING);
    c->place = p;
    c->moved_ns = loop_now_ns(control_loop(s->a->control));
    conn_want_read(c->conn, p == CLIENT_READING || p == CLIENT_WATCHING);
}

static uint64_t client_patience(const struct client *c)
{
    if (!buf_empty(&c->out))
        return read_ns;
    if (c->place == CLIENT_WATCHING)
        return 0;
    return buf_empty(&c->in) ? idle_ns : line_ns;
}

static void client_arm(struct client *c)
{
    uint64_t patience = client_patience(c);

    if (patience == 0)
        loop_timer_stop(&c->deadline);
    else
        loop_timer_at(&c->deadline, c->moved_ns + patience);
}

static void on_deadline(void *arg)
{
    struct client *c = arg;

    WEIR_CHECK(c, CLIENT_MAGIC);
    if (!buf_empty(&c->out))
        client_drop(c, "it did not read its answer for 10 s");
    else if (!buf_empty(&c->in))
        client_drop(c, "its line was not ended within 30 s");
    else
        client_end(c);
}

/* Sends what there is; false if the client ended by it. */
static bool client_flush(struct client *c)
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
            client_end(c);
            return false;
        }
        buf_consume(&c->out, wrote);
        c->moved_ns = loop_now_ns(control_loop(c->server->a->control));
    }
    return true;
}

static void client_put(struct client *c, struct slice s)
{
    if (buf_append(&c->out, s, ANSWER_MAX) != WEIR_OK)
        log_warn("admin: an answer to uid %u was cut: there is no memory", c->uid);
}

static void client_run(struct client *c, struct slice line)
{
    static const enum client_place next[] = {
        [CALL_ANSWERED] = CLIENT_READING,
        [CALL_LATER] = CLIENT_WAITING,
        [CALL_WATCH] = CLIENT_WATCHING,
    };
    struct socket_server *s = c->server;
    struct call call = {.a = s->a, .line = line, .uid = c->uid, .client = c, .out = &c->out};

    if (c->place == CLIENT_WATCHING)
        client_put(c, SLICE_LIT("\n")); /* ends what it watched */
    call_run(&call, &s->args);
    c->json = call.json;
    c->ending |= call.cut;
    client_enter(c, next[call.state]);
}

/* The next whole line in c->in; its length without the end in *len, with it in *used. */
static bool next_line(const struct client *c, size_t *len, size_t *used)
{
    struct slice s = buf_slice(&c->in);
    const char *end = s.len == 0 ? NULL : memchr(s.p, '\n', s.len);

    if (end == NULL)
        return false;
    *len = (size_t)(end - s.p);
    *used = *len + 1;
    if (*len > 0 && s.p[*len - 1] == '\r')
        --*len;
    return true;
}

/* Runs lines as long as each answer could be sent at once.  False if the client ended by it. */
static bool client_run_lines(struct client *c)
{
    size_t len, used;

    for (;;) {
        if (!client_flush(c))
            return false;
        if (!buf_empty(&c->out) || c->place == CLIENT_WAITING || !next_line(c, &len, &used))
            return true;
        client_run(c, slice_of(buf_slice(&c->in).p, len));
        buf_consume(&c->in, used);
    }
}

/* No line ends within what a line may hold. */
static bool line_is_too_long(const struct client *c)
{
    size_t len, used;

    return c->in.len >= IN_MAX && !next_line(c, &len, &used);
}

static void client_step(struct client *c)
{
    if (!client_run_lines(c))
        return;
    if (line_is_too_long(c)) {
        buf_free(&c->in);
        client_put(c, SLICE_LIT("error: a line may hold 4096 bytes\n\n"));
        c->ending = true;
        if (!client_flush(c))
            return;
    }
    if (c->ending && buf_empty(&c->out) && c->place != CLIENT_WAITING) {
        client_end(c);
        return;
    }
    if (!buf_empty(&c->out) && c->place == CLIENT_READING)
        client_enter(c, CLIENT_ANSWERING);
    else if (buf_empty(&c->out) && c->place == CLIENT_ANSWERING)
        client_enter(c, CLIENT_READING);
    if (c->ending)
        conn_want_read(c->conn, false);
    client_arm(c);
}

/* The client ended its side: what it asked is answered, a last line without its end included. */
static void client_input_ended(struct client *c)
{
    c->ending = true;
    if (!buf_empty(&c->in) && buf_append(&c->in, SLICE_LIT("\n"), IN_MAX + 1) != WEIR_OK)
        buf_free(&c->in);
    if (c->place == CLIENT_WATCHING)
        client_enter(c, CLIENT_READING);
}

static void on_readable(struct conn *conn, void *owner)
{
    struct client *c = owner;
    char *at;
    size_t room, got;
    enum weir_status rc;

    (void)conn;
    WEIR_CHECK(c, CLIENT_MAGIC);
    if (buf_reserve(&c->in, 1, IN_MAX, &at, &room) != WEIR_OK) {
        client_drop(c, "there is no memory for its line");
        return;
    }
    rc = conn_read(c->conn, at, room, &got);
    if (rc == WEIR_AGAIN)
        return;
    if (rc == WEIR_OK) {
        if (buf_empty(&c->in))
            c->moved_ns = loop_now_ns(control_loop(c->server->a->control));
        buf_commit(&c->in, got);
    } else if (rc == WEIR_CLOSED) {
        client_input_ended(c);
    } else {
        client_end(c);
        return;
    }
    client_step(c);
}

static void on_writable(struct conn *conn, void *owner)
{
    struct client *c = owner;

    (void)conn;
    WEIR_CHECK(c, CLIENT_MAGIC);
    client_step(c);
}

/* An orderly end may have commands before it that are not read yet: it is met when they are. */
static void on_hangup(struct conn *conn, void *owner, bool reset)
{
    struct client *c = owner;

    (void)conn;
    WEIR_CHECK(c, CLIENT_MAGIC);
    if (reset)
        client_end(c);
}

static void on_open(struct conn *conn, void *owner)
{
    (void)conn, (void)owner; /* plain sockets are open at once */
}

static void on_fail(struct conn *conn, void *owner, enum weir_status s, const char *why)
{
    (void)conn, (void)s, (void)why;
    client_end(owner);
}

static const struct conn_events client_events = {
    .on_open = on_open,
    .on_fail = on_fail,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_hangup = on_hangup,
};

void client_create(struct socket_server *s, int fd, unsigned uid)
{
    struct loop *l = control_loop(s->a->control);
    struct client *c = calloc(1, sizeof *c);

    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->magic = CLIENT_MAGIC;
    c->server = s;
    c->uid = uid;
    loop_deferred_init(&c->deferred, client_free);
    loop_timer_init(&c->deadline, l, on_deadline, c);
    c->conn = conn_accept(l, fd, NULL, NULL, 0, &client_events, c);
    if (c->conn == NULL) {
        free(c);
        return;
    }
    list_push_back(&s->clients, &c->node);
    s->n++;
    c->moved_ns = loop_now_ns(l);
    client_arm(c);
}

/* --- answers that come later, and events */

struct socket_hold *socket_hold(struct call *call)
{
    struct client *c = call->client;
    struct socket_hold *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    WEIR_CHECK(c, CLIENT_MAGIC);
    WEIR_ASSERT(c->hold == NULL);
    h->client = c;
    h->json = call->json;
    c->hold = h;
    call->state = CALL_LATER;
    return h;
}

bool socket_hold_take(struct socket_hold **hp, struct call *call)
{
    struct client *c = (*hp)->client;
    bool json = (*hp)->json;

    free(*hp);
    *hp = NULL;
    if (c == NULL)
        return false;
    WEIR_CHECK(c, CLIENT_MAGIC);
    c->hold = NULL;
    *call =
        (struct call){.a = c->server->a, .uid = c->uid, .client = c, .json = json, .out = &c->out};
    return true;
}

void socket_answered(struct call *call)
{
    struct client *c = call->client;

    WEIR_CHECK(c, CLIENT_MAGIC);
    c->ending |= call->cut;
    client_enter(c, CLIENT_READING);
    client_step(c);
}

void client_tell(struct client *c, struct slice line)
{
    if (buf_append(&c->out, line, WATCH_BACKLOG_MAX) != WEIR_OK ||
        buf_append(&c->out, SLICE_LIT("\n"), WATCH_BACKLOG_MAX) != WEIR_OK)
        client_drop(c, "it watches and reads too slowly");
    else if (client_flush(c))
        client_arm(c);
}
