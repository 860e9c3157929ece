/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_NET_TEST_H
#define WEIR_TESTS_NET_TEST_H

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>

#include "weir/base/clock.h"
#include "weir/net/conn.h"

/* What a connection's owner was told. */
struct seen {
    int open, fail, readable, writable, hangup;
    bool reset;
    enum weir_status status;
    char why[256];
    struct loop *loop;
    void (*then)(struct conn *c, struct seen *s); /* called after each, if set */
};
extern const struct conn_events counting; /* owner: struct seen */
extern const struct conn_events no_hangup;

/* Turns the loop until cond holds; fails the test after ten seconds. */
#define wait_until(loop, cond)                                                                     \
    do {                                                                                           \
        uint64_t give_up_ns = mono_now_ns() + 10 * NS_PER_S;                                       \
        while (!(cond)) {                                                                          \
            cr_assert_lt(mono_now_ns(), give_up_ns, "never came true: %s", #cond);                 \
            loop_poll(loop);                                                                       \
            (void)sched_yield();                                                                   \
        }                                                                                          \
    } while (0)

/* Rounds enough for everything the kernel has to tell by now. */
void settle(struct loop *l);

/* A connection of ours (c) and a plain descriptor at its other end, over TCP on loopback. */
struct pair {
    struct loop *l;
    struct conn *c;
    int other;
    struct seen seen;
};
void pair_open(struct pair *p);
void pair_close(struct pair *p);
void pair_break(struct pair *p); /* the other end resets */

/* A listening socket on a free port of 127.0.0.1. */
int listen_somewhere(struct net_addr *at);
/* Two descriptors of one TCP connection: ours is non-blocking, the other blocks. */
void tcp_pair(int *ours, int *other);

#endif
