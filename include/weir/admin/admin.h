/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_ADMIN_H
#define WEIR_ADMIN_ADMIN_H

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/flow/control.h"
#include "weir/net/inherited.h"

/*
 * The operator's side: the admin socket and the HTTP endpoint.  Owner and thread: control.
 */
struct admin;

struct admin_listen {
    int socket_fd; /* listening unix socket, -1 = none */
    int http_fd;   /* listening TCP socket, -1 = none */
    char socket_path[108];
    bool socket_stays; /* its file is the service manager's, and not removed at the end */
};
/*
 * Binds what the settings ask for; before privileges are dropped.  The default socket's places are
 * tried in their order (docs/operations.md).  A default port that is taken is a warning; what was
 * configured and cannot be had is a failure with a sentence in why.  Sockets in `in` (NULL: none)
 * are taken instead; out->socket_stays says beforehand whether the file of such a one is kept.
 */
enum weir_status admin_bind(const struct settings *s, struct inherited *in,
                            struct admin_listen *out, char *why, size_t room) WEIR_MUST_CHECK;

/* Serves on the control loop; takes over the descriptors. */
struct admin *admin_open(struct control *c, const struct admin_listen *l);
/*
 * What the admin side remembers, for the next process of a hot restart, added to b: the page's
 * history, counts of transitions.  False: no memory.  And such bytes, a stranger's, taken in before
 * the loop runs: what of them is not understood is left out.
 */
bool admin_keep(const struct admin *a, struct buf *b);
void admin_restore(struct admin *a, struct slice bytes);
/*
 * Another process answers from now on: who is connected stays.  kept: it has the same socket, whose
 * file stays.
 */
void admin_retire(struct admin *a, bool kept);
/* Ends all connections and removes the socket file. */
void admin_close(struct admin **a);

#endif
