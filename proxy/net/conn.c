/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's life: accepted or connecting, open, failed, closed; its registration with the
 * loop. Moving bytes is in conn_io.c.  On its loop's thread only.
 *
 * One persistent read event is added when the connection opens and stays.  The write event is added
 * while somebody waits for room.
 */
#include "weir/net/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn_priv.h"
#include "tls_priv.h"
#include "weir/base/assert.h"

static void state_enter(struct conn *c, enum conn_state to)
{
    static const uint8_t allowed[] = {
        [CONN_CONNECTING] =
            1 << CONN_HANDSHAKE | 1 << CONN_OPEN | 1 << CONN_FAILED | 1 << CONN_CLOSED,
        [CONN_HANDSHAKE] = 1 << CONN_OPEN | 1 << CONN_FAILED | 1 << CONN_CLOSED,
        [CONN_OPEN] = 1 << CONN_HANDSHAKE | 1 << CONN_CLOSED,
        [CONN_FAILED] = 1 << CONN_CLOSED,
        [CONN_CLOSED] = 0,
    };

    WEIR_ASSERT((allowed[c->state] & 1 << to) != 0);
    c->state = (uint8_t)to;
    if (to != CONN_HANDSHAKE) /* whose deadline is that of the connect */
        loop_timer_stop(&c->timer);
}

/* The kernel may refuse to watch a descriptor (memory, a limit): the owner reads the error. */
static void add_event(struct conn *c, struct event *ev)
{
    if (event_add(ev, NULL) == 0)
        return;
    c->broken = true;
    loop_make_ready(c->loop, &c->u.ready);
}

void conn_arm_read(struct conn *c)
{
    if (c->read_armed)
        return;
    if (c->watched)
        hangup_unwatch(c->loop, c->fd);
    c->watched = false;
    c->read_armed = true;
    add_event(c, &c->read_ev);
}

void conn_arm_write(struct conn *c)
{
    if (c->write_armed)
        return;
    c->write_armed = true;
    add_event(c, &c->write_ev);
}

void conn_disarm_write(struct conn *c)
{
    if (!c->write_armed)
        return;
    c->write_armed = false;
    (void)event_del(&c->write_ev);
}

static void stop_watching(struct conn *c)
{
    if (c->read_armed)
        (void)event_del(&c->read_ev);
    c->read_armed = false;
    conn_disarm_write(c);
    if (c->watched)
        hangup_unwatch(c->loop, c->fd);
    c->watched = false;
    list_remove(&c->u.ready.node);
}

static void fail(struct conn *c, enum weir_status s, const char *why)
{
    stop_watching(c);
    state_enter(c, CONN_FAILED);
    c->ev->on_fail(c, c->owner, s, why);
}

/* What is short on this side says nothing about the other: WEIR_NO_MEMORY. */
static enum weir_status connect_status(int err)
{
    switch (err) {
    case EADDRNOTAVAIL: /* no port is free towards this address */
    case ENOBUFS:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return WEIR_NO_MEMORY;
    case ECONNREFUSED:
    case ENOENT: /* no such unix socket */
    case EAGAIN: /* a unix socket's backlog is full */
        return WEIR_REFUSED;
    case ETIMEDOUT:
        return WEIR_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
        return WEIR_RESET;
    }
    return WEIR_SYS;
}

static const char *connect_words(int err)
{
    switch (err) {
    case ENOENT:
        return "there is no socket at this path";
    case EAGAIN:
        return "the socket's queue of connections is full";
    }
    return strerror(err);
}

static void open_up(struct conn *c)
{
    state_enter(c, CONN_OPEN);
    conn_disarm_write(c);
    conn_arm_read(c);
    c->ev->on_open(c, c->owner);
}

void conn_handshake(struct conn *c)
{
    char words[256];
    struct text why;
    enum weir_status s;

    text_init(&why, words, sizeof words);
    s = tls_link_handshake(c->tls, &why);
    if (s == WEIR_OK)
        open_up(c);
    else if (s != WEIR_AGAIN)
        fail(c, s, words);
    conn_after(c);
}

static void begin_handshake(struct conn *c)
{
    state_enter(c, CONN_HANDSHAKE);
    conn_disarm_write(c);
    conn_arm_read(c);
    conn_handshake(c);
}

/* They are few, and nothing was written before them: the kernel takes all or is broken. */
static bool send_first(struct conn *c)
{
    struct conn_first *f = c->first;
    size_t at = 0, len = f == NULL ? 0 : f->len;
    ssize_t n = 0;

    while (at < len && (n >= 0 || errno == EINTR)) {
        n = send(c->fd, f->bytes + at, len - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
    }
    c->first = NULL;
    free(f);
    return at == len;
}

static void connect_ended(struct conn *c, int err)
{
    if (err != 0)
        fail(c, connect_status(err), connect_words(err));
    else if (!send_first(c))
        fail(c, WEIR_RESET, "the connection broke off before its first bytes");
    else if (c->tls != NULL)
        begin_handshake(c);
    else
        open_up(c);
}

static void on_connect_writable(struct conn *c)
{
    socklen_t len = sizeof(int);
    int err = 0;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
        err = errno;
    connect_ended(c, err);
}

static void on_timer(void *arg)
{
    struct conn *c = arg;

    WEIR_CHECK(c, CONN_MAGIC);
    fail(c, WEIR_TIMEOUT,
         c->state == CONN_HANDSHAKE ? "the peer did not finish the TLS handshake in time"
                                    : "the peer did not answer the connect in time");
}

static void on_read_event(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd, (void)what;
    WEIR_CHECK(c, CONN_MAGIC);
    (void)loop_refresh_now(c->loop);
    conn_on_read(c);
}

static void on_write_event(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd, (void)what;
    WEIR_CHECK(c, CONN_MAGIC);
    (void)loop_refresh_now(c->loop);
    if (c->state == CONN_CONNECTING)
        on_connect_writable(c);
    else
        conn_on_write(c);
}

static void on_ready(struct loop_ready *r)
{
    struct conn *c = (struct conn *)((char *)r - offsetof(struct conn, u.ready));

    WEIR_CHECK(c, CONN_MAGIC);
    if (c->broken && c->state < CONN_OPEN)
        fail(c, WEIR_NO_MEMORY, "the kernel has no memory to watch the connection");
    else if (c->state == CONN_CONNECTING)
        connect_ended(c, c->connect_errno);
    else
        conn_on_ready(c);
}

/* fd is c's from here on. */
static struct conn *create(struct loop *l, int fd, const struct conn_events *ev, void *owner)
{
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL) {
        (void)close(fd);
        return NULL;
    }
    c->magic = CONN_MAGIC;
    c->fd = fd;
    c->loop = l;
    c->ev = ev;
    c->owner = owner;
    c->want_read = true;
    list_init(&c->u.ready.node);
    c->u.ready.run = on_ready;
    loop_timer_init(&c->timer, l, on_timer, c);
    (void)event_assign(&c->read_ev, l->base, fd, EV_READ | EV_PERSIST, on_read_event, c);
    (void)event_assign(&c->write_ev, l->base, fd, EV_WRITE | EV_PERSIST, on_write_event, c);
    return c;
}

static void free_deferred(struct loop_deferred *d)
{
    struct conn *c = (struct conn *)((char *)d - offsetof(struct conn, u.deferred));

    c->magic = 0;
    tls_link_free(&c->tls);
    free(c->first);
    free(c);
}

/* Before it has an owner, an event or a life. */
static struct conn *discard(struct conn *c)
{
    (void)close(c->fd);
    tls_link_free(&c->tls);
    free(c->first);
    free(c);
    return NULL;
}

static bool keep_first(struct conn *c, struct slice first)
{
    if (first.len == 0)
        return true;
    c->first = malloc(sizeof *c->first + first.len);
    if (c->first == NULL)
        return false;
    c->first->len = first.len;
    memcpy(c->first->bytes, first.p, first.len);
    return true;
}

struct conn *conn_accept(struct loop *l, int fd, const struct net_addr *peer,
                         struct tls_server *tls, uint64_t handshake_ns,
                         const struct conn_events *ev, void *owner)
{
    struct conn *c = create(l, fd, ev, owner);
    socklen_t len = sizeof c->peer.u;

    if (c == NULL)
        return NULL;
    if (peer != NULL)
        c->peer = *peer;
    else if (getpeername(fd, &c->peer.u.sa, &len) == 0)
        c->peer.len = len;
    c->state = tls == NULL ? CONN_OPEN : CONN_HANDSHAKE;
    if (tls != NULL) {
        c->tls = tls_link_accept(tls, c);
        if (c->tls == NULL)
            return discard(c);
        loop_timer_at(&c->timer, loop_now_ns(l) + handshake_ns);
    }
    conn_arm_read(c);
    if (c->broken)
        conn_close(&c);
    return c;
}

bool conn_begin_tls(struct conn *c, struct tls_server *tls, uint64_t handshake_ns)
{
    WEIR_ASSERT(c->state == CONN_OPEN && c->tls == NULL);
    c->tls = tls_link_accept(tls, c);
    if (c->tls == NULL)
        return false;
    state_enter(c, CONN_HANDSHAKE);
    loop_timer_at(&c->timer, loop_now_ns(c->loop) + handshake_ns);
    conn_disarm_write(c);
    conn_arm_read(c);
    return true;
}

void conn_set_peer(struct conn *c, const struct net_addr *peer)
{
    c->peer = *peer;
}

static int socket_for(const struct net_addr *to)
{
    int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd != -1 && to->u.sa.sa_family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* What the kernel decides at once (unix sockets, no route) is still told from the loop. */
static void begin_connect(struct conn *c)
{
    int rc;

    do {
        rc = connect(c->fd, &c->peer.u.sa, c->peer.len);
    } while (rc == -1 && errno == EINTR);
    if (rc == -1 && errno == EINPROGRESS) {
        conn_arm_write(c);
        return;
    }
    c->connect_errno = rc == 0 ? 0 : errno;
    loop_make_ready(c->loop, &c->u.ready);
}

struct conn *conn_connect(struct loop *l, const struct net_addr *to, struct tls_client *tls,
                          struct slice first, uint64_t connect_ns, const struct conn_events *ev,
                          void *owner)
{
    int fd = socket_for(to);
    struct conn *c;

    if (fd == -1)
        return NULL;
    c = create(l, fd, ev, owner);
    if (c == NULL)
        return NULL;
    if (!keep_first(c, first))
        return discard(c);
    if (tls != NULL) {
        c->tls = tls_link_connect(tls, c);
        if (c->tls == NULL)
            return discard(c);
    }
    c->peer = *to;
    c->state = CONN_CONNECTING;
    loop_timer_at(&c->timer, loop_now_ns(l) + connect_ns);
    begin_connect(c);
    return c;
}

void conn_break(struct conn *c)
{
    c->reset_on_close = true;
}

void conn_close(struct conn **cp)
{
    struct conn *c = *cp;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    *cp = NULL;
    if (c == NULL)
        return;
    WEIR_CHECK(c, CONN_MAGIC);
    stop_watching(c);
    if (c->reset_on_close)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else if (c->tls != NULL && c->state == CONN_OPEN)
        tls_link_notify(c->tls);
    state_enter(c, CONN_CLOSED);
    (void)close(c->fd);
    c->fd = -1;
    loop_deferred_init(&c->u.deferred, free_deferred);
    loop_defer_free(c->loop, &c->u.deferred);
}

bool conn_is_tls(const struct conn *c)
{
    return c->tls != NULL;
}

const struct net_addr *conn_peer(const struct conn *c)
{
    return &c->peer;
}
