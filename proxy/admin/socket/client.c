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
/* Without taking a byte of an answer; a line, once begun; between lines. */
static const struct stream_patience patience = {
    .out_ns = 10 * NS_PER_S, .in_ns = 30 * NS_PER_S, .idle_ns = 600 * NS_PER_S};
static const struct stream_patience watching = {.out_ns = 10 * NS_PER_S};

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

    if (c->stream == NULL)
        return;
    if (c->hold != NULL)
        c->hold->client = NULL;
    s->n_watching -= c->place == CLIENT_WATCHING;
    s->n--;
    list_remove(&c->node);
    stream_close(&c->stream);
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
    stream_want_read(c->stream, p == CLIENT_READING || p == CLIENT_WATCHING);
    stream_set_patience(c->stream, p == CLIENT_WATCHING ? &watching : &patience);
    stream_moved(c->stream);
}

static bool has_output(const struct client *c)
{
    return !buf_empty(stream_out(c->stream));
}

static void timed_out(struct client *c)
{
    if (has_output(c))
        client_drop(c, "it did not read its answer for 10 s");
    else if (!buf_empty(stream_in(c->stream)))
        client_drop(c, "its line was not ended within 30 s");
    else
        client_end(c);
}

static void client_put(struct client *c, struct slice s)
{
    if (buf_append(stream_out(c->stream), s, ANSWER_MAX) != WEIR_OK)
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
    struct call call = {
        .a = s->a, .line = line, .uid = c->uid, .client = c, .out = stream_out(c->stream)};

    if (c->place == CLIENT_WATCHING)
        client_put(c, SLICE_LIT("\n")); /* ends what it watched */
    call_run(&call, &s->args);
    if (c->stream == NULL)
        return; /* it watched, and could not be told of what it did */
    c->json = call.json;
    c->ending |= call.cut;
    client_enter(c, next[call.state]);
}

/* The next whole line of the input; its length without the end in *len, with it in *used. */
static bool next_line(const struct client *c, size_t *len, size_t *used)
{
    struct slice s = buf_slice(stream_in(c->stream));
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
        if (!stream_flush(c->stream))
            return false;
        if (has_output(c) || c->place == CLIENT_WAITING || !next_line(c, &len, &used))
            return true;
        client_run(c, slice_of(buf_slice(stream_in(c->stream)).p, len));
        if (c->stream == NULL)
            return false;
        buf_consume(stream_in(c->stream), used);
    }
}

/* No line ends within what a line may hold. */
static bool line_is_too_long(const struct client *c)
{
    size_t len, used;

    return stream_in(c->stream)->len >= IN_MAX && !next_line(c, &len, &used);
}

static void client_step(struct client *c)
{
    if (!client_run_lines(c))
        return;
    if (line_is_too_long(c)) {
        buf_free(stream_in(c->stream));
        client_put(c, SLICE_LIT("error: a line may hold 4096 bytes\n\n"));
        c->ending = true;
    }
    if (c->ending && c->place != CLIENT_WAITING)
        stream_finish(c->stream);
    if (!stream_flush(c->stream))
        return;
    if (has_output(c) && c->place == CLIENT_READING)
        client_enter(c, CLIENT_ANSWERING);
    else if (!has_output(c) && c->place == CLIENT_ANSWERING)
        client_enter(c, CLIENT_READING);
    if (c->ending)
        stream_want_read(c->stream, false);
}

static void on_step(void *owner)
{
    struct client *c = owner;

    WEIR_CHECK(c, CLIENT_MAGIC);
    client_step(c);
}

/* The client ended its side: what it asked is answered, a last line without its end included. */
static void on_input_end(void *owner)
{
    struct client *c = owner;
    struct buf *in;

    WEIR_CHECK(c, CLIENT_MAGIC);
    in = stream_in(c->stream);
    c->ending = true;
    if (!buf_empty(in) && buf_append(in, SLICE_LIT("\n"), IN_MAX + 1) != WEIR_OK)
        buf_free(in);
    if (c->place == CLIENT_WATCHING)
        client_enter(c, CLIENT_READING);
    client_step(c);
}

static void on_end(void *owner, enum weir_status s, const char *why)
{
    struct client *c = owner;

    (void)why;
    WEIR_CHECK(c, CLIENT_MAGIC);
    if (s == WEIR_TIMEOUT)
        timed_out(c);
    else if (s == WEIR_NO_MEMORY)
        client_drop(c, "there is no memory for its line");
    else
        client_end(c);
}

/* An orderly end may have commands before it that are not read yet: it is met when they are. */
static const struct stream_events client_events = {
    .on_step = on_step,
    .on_input_end = on_input_end,
    .on_end = on_end,
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
    c->stream = stream_accept(l, fd, IN_MAX, &client_events, c);
    if (c->stream == NULL) {
        free(c);
        return;
    }
    list_push_back(&s->clients, &c->node);
    s->n++;
    stream_set_patience(c->stream, &patience);
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
    *call = (struct call){
        .a = c->server->a, .uid = c->uid, .client = c, .json = json, .out = stream_out(c->stream)};
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
    struct buf *out = stream_out(c->stream);

    if (buf_append(out, line, WATCH_BACKLOG_MAX) != WEIR_OK ||
        buf_append(out, SLICE_LIT("\n"), WATCH_BACKLOG_MAX) != WEIR_OK)
        client_drop(c, "it watches and reads too slowly");
    else
        (void)stream_flush(c->stream);
}
