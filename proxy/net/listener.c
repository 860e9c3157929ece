/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts clients and hands them on.  One per worker and address, on the worker's thread.  Who is
 * let in and what becomes of them is the callee's.
 */
#include "weir/net/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "loop_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

enum {
    LISTENER_MAGIC = 0x6c73746e,
    ACCEPTS_A_ROUND = 32, /* then the other connections have their turn */
    PAUSE_MS = 100,
};

struct listener {
    uint32_t magic;
    int fd;
    struct loop *loop;
    listener_fn *fn;
    void *arg;
    struct event ev;
    struct loop_timer resume;
    struct loop_deferred deferred;
    uint64_t complained_ns;
    bool paused; /* by the owner */
    bool armed, closed;
};

/* Accepts while nobody has said no: neither the owner nor a lack of descriptors. */
static void adjust(struct listener *s)
{
    bool want = !s->closed && !s->paused && !loop_timer_is_on(&s->resume);

    if (want == s->armed)
        return;
    if (!want)
        (void)event_del(&s->ev);
    else if (event_add(&s->ev, NULL) != 0)
        return (void)loop_timer_at(&s->resume, loop_now_ns(s->loop) + PAUSE_MS * NS_PER_MS);
    s->armed = want;
}

static void on_resume(void *arg)
{
    struct listener *s = arg;

    WEIR_CHECK(s, LISTENER_MAGIC);
    adjust(s);
}

static void complain(struct listener *s, int err)
{
    uint64_t now = loop_now_ns(s->loop);

    if (s->complained_ns != 0 && now - s->complained_ns < NS_PER_S)
        return;
    s->complained_ns = now;
    log_warn("accepting clients rests for %d ms: %s", PAUSE_MS, strerror(err));
}

/* Errors of one client (gone again, its network down) do not concern the next. */
static bool is_the_clients(int err)
{
    switch (err) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM: /* a firewall rule */
    case ETIMEDOUT:
        return true;
    }
    return false;
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *s)
{
    struct net_addr peer = {.len = sizeof peer.u};
    int fd = accept4(s->fd, &peer.u.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC), err = errno;

    if (fd != -1) {
        net_addr_unmap(&peer);
        (void)loop_refresh_now(s->loop);
        s->fn(fd, &peer, s->arg);
        return true;
    }
    if (err == EAGAIN)
        return false;
    if (is_the_clients(err))
        return true;
    complain(s, err); /* descriptors or memory ran out: going on at once would only spin */
    loop_timer_at(&s->resume, loop_now_ns(s->loop) + PAUSE_MS * NS_PER_MS);
    adjust(s);
    return false;
}

static void on_clients(evutil_socket_t fd, short what, void *arg)
{
    struct listener *s = arg;

    (void)fd, (void)what;
    WEIR_CHECK(s, LISTENER_MAGIC);
    (void)loop_refresh_now(s->loop);
    for (int i = 0; i < ACCEPTS_A_ROUND && s->armed; i++) {
        if (!accept_one(s))
            return;
    }
}

static void free_deferred(struct loop_deferred *d)
{
    struct listener *s = LIST_OBJECT(d, struct listener, deferred);

    s->magic = 0;
    free(s);
}

struct listener *listener_open(struct loop *l, int fd, listener_fn *fn, void *arg)
{
    struct listener *s = calloc(1, sizeof *s);
    int on = 1;

    if (s == NULL)
        return NULL;
    s->magic = LISTENER_MAGIC;
    s->fd = fd;
    s->loop = l;
    s->fn = fn;
    s->arg = arg;
    loop_timer_init(&s->resume, l, on_resume, s);
    loop_deferred_init(&s->deferred, free_deferred);
    (void)event_assign(&s->ev, l->base, fd, EV_READ | EV_PERSIST, on_clients, s);
    /* Linux hands the option down to accepted sockets; a descriptor may come from elsewhere. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    adjust(s);
    return s;
}

void listener_close(struct listener **sp)
{
    struct listener *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    s->closed = true;
    adjust(s);
    loop_timer_stop(&s->resume);
    loop_defer_free(s->loop, &s->deferred);
}

void listener_pause(struct listener *s, bool pause)
{
    s->paused = pause;
    adjust(s);
}
