/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin socket: who may connect, how many, and what goes to all who watch.  Control thread;
 * leaves each connection to client.c.
 */
#include "socket/socket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/rights.h"
#include "socket/socket_priv.h"
#include "weir/base/clock.h"

enum {
    CLIENTS_MAX = 64,
    CLIENTS_KEPT = 8, /* of these, for root */
};
#define STRANGER_EVERY_NS (10 * NS_PER_S)
#define STRANGER_LINES    4

static void turn_away(int fd, const char *answer)
{
    (void)send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

static bool is_full(const struct socket_server *s, unsigned uid)
{
    return s->n >= (uid == 0 ? CLIENTS_MAX : CLIENTS_MAX - CLIENTS_KEPT);
}

/* A few lines for each uid in ten seconds: whoever knocks in a loop fills no disk. */
static void note_stranger(struct socket_server *s, const struct ucred *cred)
{
    uint64_t now = loop_now_ns(control_loop(s->a->control));
    struct stranger *at = &s->strangers[0];

    for (int i = 0; i < STRANGERS_MAX; i++) {
        struct stranger *x = &s->strangers[i];

        if (x->said_ns != 0 && x->uid == cred->uid) {
            at = x;
            break;
        }
        if (x->said_ns < at->said_ns)
            at = x;
    }
    if (at->said_ns != 0 && now - at->said_ns < STRANGER_EVERY_NS && at->uid == cred->uid &&
        at->said < STRANGER_LINES) {
        at->said++;
        log_warn("admin: uid %u (pid %d) may not connect", (unsigned)cred->uid, (int)cred->pid);
        return;
    }
    if (at->said_ns != 0 && now - at->said_ns < STRANGER_EVERY_NS) {
        at->more += at->uid == cred->uid;
        return; /* or all places are taken by others just now */
    }
    if (at->uid == cred->uid && at->more > 0)
        log_warn("admin: uid %u (pid %d) may not connect; it tried %u times more since the last "
                 "line like this",
                 (unsigned)cred->uid, (int)cred->pid, at->more);
    else
        log_warn("admin: uid %u (pid %d) may not connect", (unsigned)cred->uid, (int)cred->pid);
    *at = (struct stranger){.uid = cred->uid, .said_ns = now, .said = 1};
}

/* The connection that has said nothing for longest goes; false: all of them are at work. */
static bool make_room(struct socket_server *s)
{
    struct client *longest = NULL;

    LIST_EACH(n, &s->clients)
    {
        struct client *c = LIST_OBJECT(n, struct client, node);

        if (c->place == CLIENT_READING && buf_empty(stream_out(c->stream)) &&
            (longest == NULL || stream_moved_ns(c->stream) < stream_moved_ns(longest->stream)))
            longest = c;
    }
    if (longest == NULL)
        return false;
    client_end(longest);
    return true;
}

static void on_client(int fd, const struct net_addr *peer, void *arg)
{
    struct socket_server *s = arg;
    struct ucred cred;
    socklen_t len = sizeof cred;

    (void)peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) {
        (void)close(fd);
        return;
    }
    if (!rights_may_read(s->a->rights, cred.uid)) {
        note_stranger(s, &cred);
        turn_away(fd, "error: not allowed\n\n");
    } else if (is_full(s, cred.uid) && !make_room(s)) {
        turn_away(fd, "error: busy: too many connections to this socket\n\n");
    } else {
        client_create(s, fd, cred.uid);
    }
}

struct socket_server *socket_open(struct admin *a, int fd)
{
    struct socket_server *s = calloc(1, sizeof *s);

    if (s == NULL)
        goto fail;
    s->a = a;
    s->fd = fd;
    list_init(&s->clients);
    s->listener = listener_open(control_loop(a->control), fd, on_client, s);
    if (s->listener == NULL)
        goto fail;
    return s;
fail:
    free(s);
    (void)close(fd);
    return NULL;
}

void socket_retire(struct socket_server *s)
{
    listener_close(&s->listener);
    (void)close(s->fd);
    s->fd = -1;
}

void socket_close(struct socket_server **sp)
{
    struct socket_server *s = *sp;

    if (s == NULL)
        return;
    LIST_EACH_SAFE(n, t, &s->clients)
    client_end(LIST_OBJECT(n, struct client, node));
    listener_close(&s->listener);
    if (s->fd != -1)
        (void)close(s->fd);
    free(s);
    *sp = NULL;
}

bool socket_is_watched(const struct socket_server *s)
{
    return s->n_watching > 0;
}

void socket_broadcast(struct socket_server *s, struct slice text, struct slice json)
{
    LIST_EACH_SAFE(n, t, &s->clients)
    {
        struct client *c = LIST_OBJECT(n, struct client, node);
        if (c->place == CLIENT_WATCHING)
            client_tell(c, c->json ? json : text);
    }
}
