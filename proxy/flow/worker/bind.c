/* SPDX-License-Identifier: Apache-2.0 */
/* Binds the listeners before privileges are dropped: one descriptor per worker, unix ones shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

bool flow_bind_listener(const struct settings *s, size_t index, int *fds, char *why, size_t room)
{
    const struct listener_conf *c = &s->listeners[index];
    const char *reason = "no more descriptors";
    struct net_addr a;

    for (size_t w = 0; w < s->workers; w++)
        fds[w] = -1;
    if (!parse_address(c, &a, why, room))
        return false;
    if (bind_address(&a, how_to_listen(s, index, &a), c->backlog, s->workers, fds, &reason))
        return true;
    close_all(fds, s->workers);
    return cannot_listen(c, reason, why, room);
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
static bool bind_or_skip(struct flow_sockets *f, size_t i, const struct settings *s, char *why,
                         size_t room)
{
    if (flow_bind_listener(s, i, &f->fds[i * f->n_workers], why, room))
        return true;
    if (!s->default_listener)
        return false;
    log_warn("%s; nobody asked for this address, so weir goes on without it", why);
    f->skipped[i] = true;
    return true;
}

bool flow_bind(const struct settings *s, struct flow_sockets *out, char *why, size_t room)
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
        if (!bind_or_skip(out, i, s, why, room)) {
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
