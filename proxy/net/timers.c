/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's timers: a wheel, and one timer of the kernel's for the earliest entry.
 *
 * libevent's own timers are not used: without its precise clock they run on the coarse one (4 ms on
 * many kernels), with it they cost a system call a round.  Here the kernel's timer is set again
 * only after it fired or when something earlier came up; a round that changes no deadline costs
 * nothing, and stopping the earliest timer costs one idle wake-up later.
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

/* A tick is 2^20 ns: about a millisecond, and a shift away. */
enum { TICK_SHIFT = 20 };
static const uint64_t tick_ns = UINT64_C(1) << TICK_SHIFT;

/* Rounded up, for a timer may be late but not early. */
static uint64_t tick_at(uint64_t ns)
{
    return (ns >> TICK_SHIFT) + ((ns & (tick_ns - 1)) != 0);
}

static void arm(struct loop_timer *t)
{
    struct loop *l = t->loop;
    bool is_due = t->due_ns <= l->now_ns; /* not after the rest of this tick, but next round */

    wheel_add(&l->wheel, &t->armed, is_due ? l->wheel.tick : tick_at(t->due_ns));
    l->wheel_changed = true;
}

static void fire(struct loop *l, struct loop_timer *t)
{
    if (t->due_ns > loop_refresh_now(l)) { /* moved to later while it was armed */
        arm(t);
        return;
    }
    t->armed.tick = 0;
    t->due_ns = 0;
    t->fn(t->arg);
}

/* Those that expire meanwhile (a callback arms one for "now") wait for the next round. */
void timers_run(struct loop *l)
{
    struct list now;

    if (list_empty(&l->wheel.expired))
        return;
    list_init(&now);
    list_push_back(&l->wheel.expired, &now);
    list_remove(&l->wheel.expired);
    while (!list_empty(&now)) {
        struct wheel_entry *e = LIST_OBJECT(now.next, struct wheel_entry, node);

        list_remove(&e->node);
        fire(l, LIST_OBJECT(e, struct loop_timer, armed));
    }
}

static void set_kernel_timer(struct loop *l, uint64_t tick)
{
    struct itimerspec at = {0};

    if (tick != UINT64_MAX) {
        uint64_t ns = tick << TICK_SHIFT;

        at.it_value.tv_sec = (time_t)(ns / NS_PER_S);
        at.it_value.tv_nsec = (long)(ns % NS_PER_S);
    }
    WEIR_ASSERT(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
    l->timer_tick = tick;
}

void timers_arm(struct loop *l)
{
    uint64_t next;

    if (!l->wheel_changed)
        return;
    l->wheel_changed = false;
    next = wheel_next(&l->wheel);
    if (next < l->timer_tick)
        set_kernel_timer(l, next);
}

/* Edge-triggered, so the expiry need not be read. */
static void on_kernel_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;

    (void)fd, (void)what;
    wheel_advance(&l->wheel, loop_refresh_now(l) >> TICK_SHIFT);
    l->timer_tick = UINT64_MAX;
    l->wheel_changed = true;
    timers_run(l);
}

enum weir_status timers_open(struct loop *l)
{
    wheel_init(&l->wheel, l->now_ns >> TICK_SHIFT);
    l->timer_tick = UINT64_MAX;
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->timer_fd == -1)
        return WEIR_SYS;
    (void)event_assign(&l->timer_ev, l->base, l->timer_fd, EV_READ | EV_PERSIST | EV_ET,
                       on_kernel_timer, l);
    return event_add(&l->timer_ev, NULL) == 0 ? WEIR_OK : WEIR_SYS;
}

void timers_close(struct loop *l)
{
    if (l->timer_fd == -1)
        return;
    (void)event_del(&l->timer_ev);
    (void)close(l->timer_fd);
    l->timer_fd = -1;
}

void loop_timer_init(struct loop_timer *t, struct loop *l, loop_timer_fn *fn, void *arg)
{
    *t = (struct loop_timer){.loop = l, .fn = fn, .arg = arg};
    list_init(&t->armed.node);
}

void loop_timer_at(struct loop_timer *t, uint64_t due_ns)
{
    WEIR_ASSERT(due_ns != 0);
    t->due_ns = due_ns;
    if (t->armed.tick != 0) {
        if (t->armed.tick <= tick_at(due_ns))
            return;
        list_remove(&t->armed.node);
    }
    arm(t);
}

void loop_timer_stop(struct loop_timer *t)
{
    if (t->armed.tick != 0)
        list_remove(&t->armed.node);
    t->armed.tick = 0;
    t->due_ns = 0;
}
