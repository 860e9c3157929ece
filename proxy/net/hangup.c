/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches connections nobody reads from, for the peer's going.
 *
 * libevent offers EV_CLOSED for this, but reports a reset (EPOLLERR) to readers and writers only:
 * with neither, the level-triggered epoll returns at once for ever and calls nobody.  So those
 * connections are in a second epoll, whose own readiness is one event of the loop.  A socket is in
 * it only while reading is off and something has arrived (conn_park), which is rare.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop_priv.h"
#include "weir/base/assert.h"

enum { BATCH = 64 };

/* conn_hung_up is harmless for connections closed earlier in the batch: they are freed later. */
static void on_hangups(evutil_socket_t fd, short what, void *arg)
{
    struct epoll_event seen[BATCH];
    struct loop *l = arg;
    int n = epoll_wait(fd, seen, BATCH, 0);

    (void)what;
    for (int i = 0; i < n; i++) {
        (void)loop_refresh_now(l);
        conn_hung_up(seen[i].data.ptr, (seen[i].events & EPOLLERR) != 0);
    }
}

enum weir_status hangup_open(struct loop *l)
{
    l->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->hangup_fd == -1)
        return WEIR_SYS;
    (void)event_assign(&l->hangup_ev, l->base, l->hangup_fd, EV_READ | EV_PERSIST, on_hangups, l);
    return event_add(&l->hangup_ev, NULL) == 0 ? WEIR_OK : WEIR_SYS;
}

void hangup_close(struct loop *l)
{
    if (l->hangup_fd == -1)
        return;
    (void)event_del(&l->hangup_ev);
    (void)close(l->hangup_fd);
    l->hangup_fd = -1;
}

enum weir_status hangup_watch(struct loop *l, int fd, struct conn *c)
{
    struct epoll_event want = {.events = EPOLLRDHUP, .data = {.ptr = c}};

    return epoll_ctl(l->hangup_fd, EPOLL_CTL_ADD, fd, &want) == 0 ? WEIR_OK : WEIR_SYS;
}

void hangup_unwatch(struct loop *l, int fd)
{
    WEIR_ASSERT(epoll_ctl(l->hangup_fd, EPOLL_CTL_DEL, fd, NULL) == 0);
}
