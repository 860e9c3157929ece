/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual_time.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "weir/base/clock.h"

static uint64_t now_ns;
static int timer_fd = -1;
static uint64_t timer_ns; /* when the loop's kernel timer is to fire, 0 = never */

uint64_t __wrap_mono_now_ns(void);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old);

uint64_t __wrap_mono_now_ns(void)
{
    return now_ns;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    (void)flags;
    (void)old;
    timer_fd = fd;
    timer_ns = (uint64_t)at->it_value.tv_sec * NS_PER_S + (uint64_t)at->it_value.tv_nsec;
    return 0;
}

/* The kernel's timer becomes readable, as it does when its time has come. */
static void fire(void)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    struct pollfd p = {.fd = timer_fd, .events = POLLIN};

    timer_ns = 0;
    cr_assert_eq(__real_timerfd_settime(timer_fd, 0, &soon, NULL), 0);
    cr_assert_eq(poll(&p, 1, 10000), 1);
}

void virtual_time_begin(void)
{
    now_ns = 1000 * NS_PER_S;
    timer_ns = 0;
}

void virtual_time_pass(struct loop *l, uint64_t ns)
{
    uint64_t end = now_ns + ns;

    loop_poll(l); /* what was armed so far is the kernel's now */
    while (timer_ns != 0 && timer_ns <= end) {
        now_ns = timer_ns > now_ns ? timer_ns : now_ns;
        fire();
        loop_poll(l);
        loop_poll(l);
    }
    now_ns = end;
    (void)loop_refresh_now(l);
    loop_poll(l);
}
