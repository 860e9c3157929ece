/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_CONN_PRIV_H
#define WEIR_NET_CONN_PRIV_H

#include <errno.h>

#include "loop_priv.h"
#include "weir/net/conn.h"

enum { CONN_MAGIC = 0x636f6e6e };

enum conn_state {
    CONN_CONNECTING, /* the kernel connects; ends by write_ev, timer or ready */
    CONN_HANDSHAKE,  /* TLS; ends by the events or the timer */
    CONN_OPEN,
    CONN_FAILED, /* on_fail was called; the owner closes */
    CONN_CLOSED, /* freed after the callback */
};

struct tls_link;

/* What is sent before anything else. */
struct conn_first {
    size_t len;
    char bytes[];
};

/*
 * What the kernel is asked to report, and what the owner wants, are two things: read_armed may stay
 * while want_read is off (see conn_park), so that a short pause costs nothing.
 */
struct conn {
    uint32_t magic;
    int fd;
    struct loop *loop;
    const struct conn_events *ev;
    void *owner;
    struct tls_link *tls;     /* NULL: plain */
    struct conn_first *first; /* until connected; NULL: nothing */
    struct event read_ev, write_ev;
    struct loop_timer timer; /* until open */
    union {
        struct loop_ready ready;       /* until closed */
        struct loop_deferred deferred; /* afterwards */
    } u;
    struct net_addr peer;
    uint8_t state;
    bool want_read : 1, read_armed : 1;
    bool want_write : 1, write_armed : 1;
    bool watched : 1;   /* in the loop's hangup epoll */
    bool gone_told : 1; /* on_hangup was called */
    bool broken : 1;    /* the kernel would not watch it: reads fail */
    bool reset_on_close : 1;
    int connect_errno; /* of a connect decided at once */
};

/* An idle connection is this and the kernel's part. */
_Static_assert(sizeof(struct conn) <= 512, "a connection has outgrown its size class");

/*
 * Did a call on a socket fail for now only?  Also where the kernel is short of memory (recv(2),
 * send(2)): that is over soon, says nothing of the peer, and no end of the connection follows.
 */
static inline bool conn_is_later(int err)
{
    return err == EAGAIN || err == ENOMEM || err == ENOBUFS;
}

/* conn.c, for conn_io.c */
void conn_arm_read(struct conn *c);
void conn_arm_write(struct conn *c);
void conn_disarm_write(struct conn *c);
void conn_handshake(struct conn *c); /* a step of it */

/* conn_io.c, for conn.c: what the kernel reported on an open connection */
void conn_on_read(struct conn *c);
void conn_on_write(struct conn *c);
void conn_on_ready(struct conn *c);
/* TLS: sees to what OpenSSL has left to send or has already read. */
void conn_after(struct conn *c);

#endif
