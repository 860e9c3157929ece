/* SPDX-License-Identifier: Apache-2.0 */
/* What the old process of a hot restart sends: its listening sockets, then what it knows. */
#include <stdio.h>
#include <unistd.h>

#include "control/control_priv.h"
#include "control/handed_state.h"
#include "control/upgrade.h"
#include "weir/net/inherited.h"

static bool send_sockets(struct control_upgrade *u, enum inherited_kind kind, const char *name,
                         unsigned group, const int *fds, unsigned n)
{
    struct handover_message m = handover_message(HANDOVER_SOCKET);

    m.kind = kind;
    m.index = group;
    (void)snprintf(m.text, sizeof m.text, "%s", name);
    for (unsigned done = 0; done < n; done += HANDOVER_FDS_MAX) {
        unsigned some = n - done < HANDOVER_FDS_MAX ? n - done : HANDOVER_FDS_MAX;

        if (handover_send(u->fd, &m, fds + done, some) != WEIR_OK)
            return false;
    }
    return true;
}

static bool send_listeners(struct control *c)
{
    for (int slot = 0; slot < SNAPSHOT_LISTENERS_MAX; slot++) {
        const struct snapshot_listener *l = c->snapshot->by_slot[slot];
        const int *fds = c->workers.lent_fds[slot];

        if (l != NULL && fds[0] != -1 &&
            !send_sockets(&c->upgrade, INHERITED_LISTENER, l->conf->address, (unsigned)slot, fds,
                          (unsigned)c->workers.n))
            return false;
    }
    return true;
}

bool upgrade_send_sockets(struct control *c)
{
    struct handover_message end = handover_message(HANDOVER_SOCKETS_END);
    struct control_admin_sockets a = {.socket_fd = -1, .http_fd = -1};

    if (c->start.admin_sockets != NULL)
        c->start.admin_sockets(&a, c->start.arg);
    return send_listeners(c) &&
           (a.socket_fd == -1 || send_sockets(&c->upgrade, INHERITED_ADMIN_SOCKET, a.socket_path,
                                              UPGRADE_ADMIN_SOCKET, &a.socket_fd, 1)) &&
           (a.http_fd == -1 || send_sockets(&c->upgrade, INHERITED_ADMIN_HTTP, a.http_address,
                                            UPGRADE_ADMIN_HTTP, &a.http_fd, 1)) &&
           handover_send(c->upgrade.fd, &end, NULL, 0) == WEIR_OK;
}

/* Into the new process's own memory: a write that never waits. */
bool upgrade_write_state(struct control *c, uint32_t *bytes)
{
    struct buf b = BUF_INIT;
    bool ok = handed_state_write(c, &b);
    size_t done = 0;

    while (ok && done < b.len) {
        ssize_t n = write(c->upgrade.spool, buf_slice(&b).p + done, b.len - done);

        ok = n > 0;
        done += ok ? (size_t)n : 0;
    }
    *bytes = b.len;
    buf_free(&b);
    return ok;
}
