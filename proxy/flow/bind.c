/* SPDX-License-Identifier: Apache-2.0 */
/* Binds the listeners before privileges are dropped: one descriptor per worker, unix ones shared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "site.h"
#include "weir/base/log.h"
#include "weir/flow/run.h"
#include "weir/net/listener.h"

enum { UNIX_MODE = 0666 };

static bool bind_one(struct flow_sockets *f, size_t index, const struct listener_conf *c,
                     const struct net_addr *a, const char **why)
{
    bool is_unix = a->u.sa.sa_family == AF_UNIX;
    size_t n = is_unix ? 1 : f->n_workers;

    if (!is_unix && listen_probe(a, why) != WEIR_OK)
        return false;
    for (size_t w = 0; w < n; w++) {
        if (listen_bind(a, (int)c->backlog, !is_unix && n > 1, UNIX_MODE,
                        &f->fds[index * f->n_workers + w], why) != WEIR_OK)
            return false;
    }
    for (size_t w = n; w < f->n_workers; w++) {
        int fd = dup(f->fds[index * f->n_workers]);
        if (fd == -1)
            return false;
        f->fds[index * f->n_workers + w] = fd;
    }
    return true;
}

static bool bind_listener(struct flow_sockets *f, size_t i, const struct settings *s, char *why,
                          size_t room)
{
    const struct listener_conf *c = &s->listeners[i];
    const char *reason = "";
    struct net_addr a;

    if (net_addr_parse(slice_str(c->address), &a) != WEIR_OK) {
        (void)snprintf(why, room,
                       "listener address \"%s\" is not host:port, [v6]:port or unix:path",
                       c->address);
        return false;
    }
    if (bind_one(f, i, c, &a, &reason))
        return true;
    (void)snprintf(why, room, "cannot listen on %s: %s (%s)", c->address, reason, strerror(errno));
    if (s->default_listener) {
        log_warn("%s; nobody asked for this address, so weir goes on without it", why);
        f->skipped[i] = true;
        return true;
    }
    return false;
}

bool flow_bind(const struct settings *s, struct flow_sockets *out, char *why, size_t room)
{
    size_t n = s->n_listeners * s->workers;

    *out = (struct flow_sockets){.n_listeners = s->n_listeners, .n_workers = s->workers};
    out->fds = malloc((n + 1) * sizeof *out->fds);
    if (out->fds == NULL) {
        (void)snprintf(why, room, "out of memory");
        return false;
    }
    for (size_t i = 0; i < n; i++)
        out->fds[i] = -1;
    for (size_t i = 0; i < s->n_listeners; i++) {
        if (!bind_listener(out, i, s, why, room)) {
            flow_unbind(out);
            return false;
        }
    }
    return true;
}

void flow_unbind(struct flow_sockets *f)
{
    for (size_t i = 0; f->fds != NULL && i < f->n_listeners * f->n_workers; i++) {
        if (f->fds[i] != -1)
            (void)close(f->fds[i]);
    }
    free(f->fds);
    *f = (struct flow_sockets){0};
}
