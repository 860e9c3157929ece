/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_LOOP_PRIV_H
#define WEIR_NET_LOOP_PRIV_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>

#include "weir/net/loop.h"
#include "wheel.h"

/*
 * What the kernel does not report but is due anyway: bytes TLS has decrypted ahead, a connect that
 * was decided at once.  Runs once, in the next round of the loop, so that nobody starves the
 * others.
 */
struct loop_ready {
    struct list node; /* initialise with list_init */
    void (*run)(struct loop_ready *r);
};

struct loop {
    struct event_base *base;
    uint64_t now_ns;
    bool stop;

    struct wheel wheel;
    bool wheel_changed; /* a timer was armed since the kernel's was set */
    int timer_fd;
    uint64_t timer_tick; /* what the kernel's timer is set to, UINT64_MAX = off */
    struct event timer_ev;

    struct list ready; /* struct loop_ready */
    struct list deferred;
    void (*flush)(void *arg); /* NULL: nothing is gathered */
    void *flush_arg;

    int inbox_fd; /* eventfd */
    struct event inbox_ev;
    pthread_mutex_t inbox_lock;
    struct list inbox; /* under inbox_lock, as is waking inbox_fd */

    int hangup_fd; /* an epoll of connections that are not read from (hangup.c) */
    struct event hangup_ev;
};

/* Twice before it runs is the same as once.  Undo with list_remove. */
void loop_make_ready(struct loop *l, struct loop_ready *r);

/* timers.c */
enum weir_status timers_open(struct loop *l) WEIR_MUST_CHECK;
void timers_close(struct loop *l);
void timers_run(struct loop *l); /* those in wheel.expired */
void timers_arm(struct loop *l); /* sets the kernel's timer if it has to look earlier */

/* inbox.c */
enum weir_status inbox_open(struct loop *l) WEIR_MUST_CHECK;
void inbox_close(struct loop *l);

/* hangup.c */
struct conn;
enum weir_status hangup_open(struct loop *l) WEIR_MUST_CHECK;
void hangup_close(struct loop *l);
enum weir_status hangup_watch(struct loop *l, int fd, struct conn *c) WEIR_MUST_CHECK;
void hangup_unwatch(struct loop *l, int fd);
/* In conn.c: the peer of a watched connection is gone. */
void conn_hung_up(struct conn *c, bool reset);

#endif
