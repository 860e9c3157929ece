/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_LOOP_H
#define WEIR_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/status.h"

/*
 * One thread's event loop (libevent), its time, timers, inbox and deferred frees.  Everything but
 * loop_post belongs to the thread that runs the loop (or to the one that made it, before it runs).
 */
struct loop;
struct event_base;

struct loop *loop_create(void); /* NULL when the kernel has no descriptors or memory left */
void loop_destroy(struct loop **l);
/* Returns after loop_stop (called on the loop's own thread). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One round without waiting; for tests. */
void loop_poll(struct loop *l);
/*
 * fn runs when the callbacks of a round are over, before the loop waits, and sends what they have
 * gathered: many small writes leave in one.
 */
void loop_on_flush(struct loop *l, void (*fn)(void *arg), void *arg);
struct event_base *loop_base(struct loop *l);

/* Monotonic, read once per callback: the time everything in this callback happens at. */
uint64_t loop_now_ns(const struct loop *l);
/* Reads the clock anew; callbacks of net/ have done so already. */
uint64_t loop_refresh_now(struct loop *l);

/*
 * A lazy timer: the deadline is a number, moving it later costs nothing; the loop looks when the
 * old one fires.  Embedded in its object; stop it before the object dies.  Never early, late by 1
 * to 2 ms.
 */
typedef void loop_timer_fn(void *arg);
struct wheel_entry {
    struct list node;
    uint64_t tick; /* when the loop will look, 0 = not armed */
};
struct loop_timer {
    struct wheel_entry armed;
    struct loop *loop;
    loop_timer_fn *fn;
    void *arg;
    uint64_t due_ns; /* 0 = not wanted */
};
void loop_timer_init(struct loop_timer *t, struct loop *l, loop_timer_fn *fn, void *arg);
void loop_timer_at(struct loop_timer *t, uint64_t due_ns); /* replaces any earlier deadline */
void loop_timer_stop(struct loop_timer *t);
static inline bool loop_timer_is_on(const struct loop_timer *t)
{
    return t->due_ns != 0;
}

/*
 * The inbox: messages from any thread, delivered in order on the loop's thread.  The message is
 * embedded in an object that stays alive until it is delivered; posting one that is still under way
 * is a bug.  A zeroed node is ready to be posted.
 */
struct loop_message {
    struct list node;
    void (*deliver)(struct loop_message *m);
};
void loop_post(struct loop *l, struct loop_message *m);

/*
 * Deferred frees: fn runs after the current callback has returned, before the loop waits again, so
 * that no object is freed under its own callback.  Deferring twice is the same as once.
 */
struct loop_deferred {
    struct list node;
    void (*fn)(struct loop_deferred *d);
};
void loop_deferred_init(struct loop_deferred *d, void (*fn)(struct loop_deferred *d));
void loop_defer_free(struct loop *l, struct loop_deferred *d);

#endif
