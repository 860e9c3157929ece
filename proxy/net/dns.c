/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares on a loop: its sockets, its timeouts, its servers.  What is asked and when is
 * resolver.c's.
 *
 * Why not libevent's evdns: it fails on answers that do not fit one datagram of 512 bytes (some
 * thirty addresses of a headless service), tells no lifetime together with the hosts file, never
 * reads resolv.conf again, and asks a broken server for "google.com" to see whether it is back.
 */
#include <stdlib.h>

#include "resolver_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

enum {
    TRY_MS = 2000, /* the first wait for a server; doubles with each further round */
    TRIES = 3,
    DATAGRAM_BYTES = 1232, /* passes everywhere without fragments */
};

struct dns_socket {
    struct list node;
    struct resolver *r;
    int fd;
    struct event ev;
    struct loop_deferred deferred;
};

static void free_deferred(struct loop_deferred *d)
{
    free(LIST_OBJECT(d, struct dns_socket, deferred));
}

/* After anything c-ares did, its next deadline may have changed. */
static void set_timer(struct resolver *r)
{
    struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);

    if (next == NULL) {
        loop_timer_stop(&r->timer);
        return;
    }
    loop_timer_stop(&r->timer); /* it may be earlier than the last one, or later */
    loop_timer_at(&r->timer, loop_now_ns(r->loop) + (uint64_t)next->tv_sec * NS_PER_S +
                                 (uint64_t)next->tv_usec * NS_PER_US);
}

static void on_timer(void *arg)
{
    struct resolver *r = arg;

    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(r);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct dns_socket *s = arg;
    struct resolver *r = s->r;

    (void)loop_refresh_now(r->loop);
    ares_process_fd(r->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    set_timer(r);
}

static struct dns_socket *socket_of(struct resolver *r, int fd)
{
    struct dns_socket *s;

    LIST_EACH(n, &r->sockets)
    {
        s = LIST_OBJECT(n, struct dns_socket, node);
        if (s->fd == fd)
            return s;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL; /* the question times out */
    s->r = r;
    s->fd = fd;
    loop_deferred_init(&s->deferred, free_deferred);
    list_push_back(&r->sockets, &s->node);
    return s;
}

/* c-ares says what it waits for on a socket; for nothing means that it is about to close it. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = arg;
    struct dns_socket *s = socket_of(r, fd);
    short what = EV_PERSIST;

    if (s == NULL)
        return;
    if (event_initialized(&s->ev))
        (void)event_del(&s->ev);
    if (!readable && !writable) {
        list_remove(&s->node);
        loop_defer_free(r->loop, &s->deferred);
        return;
    }
    what = (short)(what | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    (void)event_assign(&s->ev, r->loop->base, fd, what, on_socket, s);
    (void)event_add(&s->ev, NULL);
}

static void use_server(struct resolver *r)
{
    struct ares_addr_port_node node = {.family = r->server.u.sa.sa_family};

    if (node.family == AF_INET6) {
        memcpy(&node.addr.addr6, &r->server.u.in6.sin6_addr, 16);
        node.udp_port = node.tcp_port = ntohs(r->server.u.in6.sin6_port);
    } else {
        node.addr.addr4 = r->server.u.in.sin_addr;
        node.udp_port = node.tcp_port = ntohs(r->server.u.in.sin_port);
    }
    (void)ares_set_servers_ports(r->channel, &node);
}

static struct timespec changed_at(void)
{
    struct stat st;

    return stat("/etc/resolv.conf", &st) == 0 ? st.st_mtim : (struct timespec){0};
}

enum weir_status dns_open(struct resolver *r)
{
    struct ares_options o = {.flags = ARES_FLAG_EDNS,
                             .timeout = TRY_MS,
                             .tries = TRIES,
                             .ednspsz = DATAGRAM_BYTES,
                             .sock_state_cb = on_socket_state,
                             .sock_state_cb_data = r};

    loop_timer_init(&r->timer, r->loop, on_timer, r);
    r->read_at = changed_at();
    if (ares_init_options(&r->channel, &o,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                              ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        r->channel = NULL;
        return WEIR_SYS;
    }
    if (r->server.len != 0)
        use_server(r);
    return WEIR_OK;
}

void dns_close(struct resolver *r)
{
    if (r->channel == NULL)
        return;
    loop_timer_stop(&r->timer);
    ares_destroy(r->channel); /* calls back for all that is pending, closes all sockets */
    r->channel = NULL;
    WEIR_ASSERT(list_empty(&r->sockets) && r->pending == 0);
}

void dns_follow_changes(struct resolver *r)
{
    struct timespec now = changed_at();

    if (r->pending > 0 || (r->channel != NULL && now.tv_sec == r->read_at.tv_sec &&
                           now.tv_nsec == r->read_at.tv_nsec))
        return;
    dns_close(r);
    if (dns_open(r) != WEIR_OK)
        log_warn("resolving rests: c-ares cannot be set up"); /* until the next question */
}

void dns_ask(struct resolver *r, const char *host, ares_addrinfo_callback fn, void *arg)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

    if (r->channel == NULL) {
        fn(arg, ARES_ENOTINITIALIZED, 0, NULL);
        return;
    }
    ares_getaddrinfo(r->channel, host, NULL, &hints, fn, arg);
    set_timer(r);
}
