/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_ADMIN_PRIV_H
#define WEIR_ADMIN_ADMIN_PRIV_H

#include <stdint.h>

#include "weir/admin/admin.h"

/* What the parts of admin share.  Everything is on the control thread. */

#define ADMIN_MAGIC UINT32_C(0x41444d4e)

struct socket_server; /* socket.c */
struct web;           /* web.c */
struct history;       /* history.c */
struct tally;         /* tally.c */
struct rights;        /* rights.c */

struct admin {
    uint32_t magic;
    struct control *control;
    struct rights *rights;
    struct tally *tally;     /* counts of transitions, for the metrics */
    struct history *history; /* the last 10 minutes, for the live page */
    struct socket_server *socket;
    struct web *web;
    struct loop_timer second;         /* takes a point of the history */
    uint64_t second_ns;               /* when the next is due */
    const struct status_view *status; /* of the answer that is written now */
    size_t render_hint;               /* room the last answers needed */
    char socket_path[108];
};

#endif
