/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_LINK_PRIV_H
#define WEIR_FLEET_LINK_PRIV_H

#include "link.h"
#include "weir/base/buf.h"
#include "weir/base/hash.h"
#include "weir/net/conn.h"
#include "where.h"

/* What link.c (connection, calls, backoff) and enter.c (login) share.  Control thread. */
enum step { STEP_AUTH, STEP_SELECT, STEP_ROLE, STEP_DONE };
enum link_state { LINK_WAITING, LINK_CONNECTING, LINK_ENTERING, LINK_READY, LINK_CALLING };

struct link {
    struct loop *loop;
    const struct fleet_means *means;
    uint64_t timeout_ns;
    const struct link_events *ev;
    void *owner;
    struct rng random;
    enum link_state state;
    struct loop_timer timer; /* the next try, or the end of patience */
    struct where *where;
    struct conn *conn;
    struct reply_reader *reader;
    struct buf out;
    int step; /* enum step, of entering */
    link_answer_fn *fn;
    void *arg;
    uint64_t sent_ns, rtt_ns, ready_ns, connects;
    unsigned fails, moves; /* since a connection has lived for long */
};

/* --- link.c */
/* Closed, and tried again later. */
void link_down(struct link *l, enum link_fault f, const char *why);
/* False: there is no memory for it. */
bool link_send(struct link *l, const struct slice *words, int n);

/* --- enter.c */
/* Says the next word that is needed, or is ready. */
void enter_next(struct link *l);
void enter_answer(struct link *l, const struct reply *r);
/* Redis's own words, as far as they may be shown. */
void link_error(char out[160], const char *what, struct slice error);

#endif
