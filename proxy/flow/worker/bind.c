/* SPDX-License-Identifier: Apache-2.0 */
/* Binds the listeners before privileges are dropped: one descriptor per worker, unix ones shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "weir/base/log.h"
#include "weir/flow/run.h"
#include "weir/net/listener.h"

enum { UNIX_MODE = 0666 };

/* Errno is kept for the caller's sentence. */
static void close_all(int *fds, size_t n)
{
    int saved = errno;

    for (size_t i = 0; i < n; i++) {
        if (fds[i] != -1)
            (void)close(fds[i]);
        fds[i] = -1;
    }
    errno = saved;
}

static bool is_ipv4_with_port(const struct listener_conf *c, in_port_t port)
{
    struct net_addr a;

    return net_addr_parse(slice_str(c->address), &a) == WEIR_OK && a.u.sa.sa_family == AF_INET &&
           a.u.in.sin_port == port;
}

/* Does an IPv6 listener leave IPv4 alone?  If it is told to, or if another one has IPv4's port. */
static bool is_ipv6_only(const struct settings *s, size_t index, const struct net_addr *a)
{
    bool only = s->listeners[index].ipv6_only;

    for (size_t i = 0; i < s->n_listeners && a->u.sa.sa_family == AF_INET6; i++)
        only = only || is_ipv4_with_port(&s->listeners[i], a->u.in6.sin6_port);
    return only;
}

static bool bind_address(const struct net_addr *a, unsigned how, uint32_t backlog, size_t n_workers,
                         int *fds, const char **why)
{
    bool is_unix = a->u.sa.sa_family == AF_UNIX;

    if (!is_unix && listen_probe(a, how, why) != WEIR_OK)
        return false;
    how |= !is_unix && n_workers > 1 ? LISTEN_SHARED : 0;
    for (size_t w = 0; w < n_workers; w++) {
        if (w > 0 && is_unix)
            fds[w] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        else if (listen_bind(a, (int)backlog, how, UNIX_MODE, &fds[w], why) != WEIR_OK)
            return false;
        if (fds[w] == -1)
            return false;
    }
    return true;
}

static bool parse_address(const struct listener_conf *c, struct net_addr *a, char *why, size_t room)
{
    if (net_addr_parse(slice_str(c->address), a) == WEIR_OK)
        return true;
    (void)snprintf(why, room, "listener address \"%s\" is not host:port, [v6]:port or unix:path",
                   c->address);
    return false;
}

static bool cannot_listen(const struct listener_conf *c, const char *reason, char *why, size_t room)
{
    (void)snprintf(why, room, "cannot listen on %s: %s (%s)", c->address, reason, strerror(errno));
    return false;
}

static unsigned how_to_listen(const struct settings *s, size_t index, const struct net_addr *a)
{
    return is_ipv6_only(s, index, a) ? LISTEN_IPV6_ONLY : 0;
}

/* --- of another process */

static in_port_t port_of(const struct net_addr *a)
{
    return a->u.sa.sa_family == AF_INET    ? a->u.in.sin_port
           : a->u.sa.sa_family == AF_INET6 ? a->u.in6.sin6_port
                                           : 0;
}

/* A port 0 in the settings is whichever the kernel has given. */
static bool is_bound_to(int fd, const struct net_addr *wanted)
{
    struct net_addr have = {.len = sizeof have.u}, a = *wanted;
    char have_text[NET_ADDR_TEXT_MAX], wanted_text[NET_ADDR_TEXT_MAX];

    if (getsockname(fd, &have.u.sa, &have.len) != 0 || have.u.sa.sa_family != a.u.sa.sa_family)
        return false;
    if (a.u.sa.sa_family != AF_UNIX && port_of(&a) == 0)
        return true;
    net_addr_format(&have, have_text);
    net_addr_format(&a, wanted_text);
    return strcmp(have_text, wanted_text) == 0;
}

static int take_one(const struct listener_conf *c, const struct net_addr *a, struct inherited *in)
{
    int fd;

    while ((fd = inherited_take(in, INHERITED_LISTENER, c->address)) != -1) {
        if (is_bound_to(fd, a) && listen(fd, (int)c->backlog) == 0)
            return fd;
        (void)close(fd);
    }
    return -1;
}

/* More workers than it had: each new one has a socket of its own where the others have, else
 * theirs. */
static int one_more(const struct listener_conf *c, const struct net_addr *a, unsigned how,
                    int other)
{
    const char *why;
    int fd = -1, shared = 0;
    socklen_t len = sizeof shared;

    if (a->u.sa.sa_family != AF_UNIX &&
        getsockopt(other, SOL_SOCKET, SO_REUSEPORT, &shared, &len) == 0 && shared != 0 &&
        listen_bind(a, (int)c->backlog, how | LISTEN_SHARED, UNIX_MODE, &fd, &why) == WEIR_OK)
        return fd;
    return fcntl(other, F_DUPFD_CLOEXEC, 0);
}

/* False: there are none, or no descriptors. */
static bool take_over(const struct settings *s, size_t index, const struct net_addr *a,
                      struct inherited *in, int *fds)
{
    const struct listener_conf *c = &s->listeners[index];
    size_t n = 0;

    while (n < s->workers && (fds[n] = take_one(c, a, in)) != -1)
        n++;
    if (n == 0)
        return false;
    for (size_t w = n; w < s->workers; w++) {
        fds[w] = one_more(c, a, how_to_listen(s, index, a), fds[w % n]);
        if (fds[w] == -1)
            return false;
    }
    return true;
}

static bool bind_listener(const struct settings *s, size_t index, struct inherited *in, int *fds,
                          char *why, size_t room)
{
    const struct listener_conf *c = &s->listeners[index];
    const char *reason = "no more descriptors";
    struct net_addr a;

    for (size_t w = 0; w < s->workers; w++)
        fds[w] = -1;
    if (!parse_address(c, &a, why, room))
        return false;
    if (take_over(s, index, &a, in, fds) ||
        bind_address(&a, how_to_listen(s, index, &a), c->backlog, s->workers, fds, &reason))
        return true;
    close_all(fds, s->workers);
    return cannot_listen(c, reason, why, room);
}

bool flow_bind_listener(const struct settings *s, size_t index, int *fds, char *why, size_t room)
{
    return bind_listener(s, index, NULL, fds, why, room);
}

bool flow_probe_listener(const struct settings *s, size_t index, char *why, size_t room)
{
    const struct listener_conf *c = &s->listeners[index];
    const char *reason = "";
    struct net_addr a;

    return parse_address(c, &a, why, room) &&
           (listen_probe(&a, how_to_listen(s, index, &a), &reason) == WEIR_OK ||
            cannot_listen(c, reason, why, room));
}

/* A default address that is taken is a warning: nobody asked for it. */
static bool bind_or_skip(struct flow_sockets *f, size_t i, const struct settings *s,
                         struct inherited *in, char *why, size_t room)
{
    if (bind_listener(s, i, in, &f->fds[i * f->n_workers], why, room))
        return true;
    if (!s->default_listener)
        return false;
    log_warn("%s; nobody asked for this address, so weir goes on without it", why);
    f->skipped[i] = true;
    return true;
}

bool flow_bind(const struct settings *s, struct inherited *in, struct flow_sockets *out, char *why,
               size_t room)
{
    size_t n = s->n_listeners * s->workers;

    *out = (struct flow_sockets){.n_listeners = s->n_listeners, .n_workers = s->workers};
    out->fds = malloc((n + 1) * sizeof *out->fds);
    if (out->fds == NULL || s->n_listeners > FLOW_LISTENERS_MAX) {
        (void)snprintf(why, room, "out of memory, or more than %d listeners", FLOW_LISTENERS_MAX);
        free(out->fds);
        *out = (struct flow_sockets){0};
        return false;
    }
    for (size_t i = 0; i < n; i++)
        out->fds[i] = -1;
    for (size_t i = 0; i < s->n_listeners; i++) {
        if (!bind_or_skip(out, i, s, in, why, room)) {
            flow_unbind(out);
            return false;
        }
    }
    return true;
}

void flow_unbind(struct flow_sockets *f)
{
    if (f->fds != NULL)
        close_all(f->fds, f->n_listeners * f->n_workers);
    free(f->fds);
    *f = (struct flow_sockets){0};
}
