/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's inbox.  loop_post is the one function of net/ that any thread may call.
 *
 *  - inbox and the decision to wake are under inbox_lock; nothing else is.
 *  - Whoever finds the list empty wakes the loop.  The loop takes the whole list at once, so that
 *    "empty" and "will be woken" are the same thing, and a burst costs one wake-up.
 *  - Messages are delivered outside the lock, in the order they were posted.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop_priv.h"
#include "weir/base/assert.h"

void loop_post(struct loop *l, struct loop_message *m)
{
    bool was_empty;

    WEIR_ASSERT(pthread_mutex_lock(&l->inbox_lock) == 0);
    WEIR_ASSERT(m->node.next == NULL || list_empty(&m->node));
    was_empty = list_empty(&l->inbox);
    list_push_back(&l->inbox, &m->node);
    if (was_empty)
        WEIR_ASSERT(eventfd_write(l->inbox_fd, 1) == 0);
    WEIR_ASSERT(pthread_mutex_unlock(&l->inbox_lock) == 0);
}

static void take_all(struct loop *l, struct list *to)
{
    list_init(to);
    WEIR_ASSERT(pthread_mutex_lock(&l->inbox_lock) == 0);
    if (!list_empty(&l->inbox)) {
        list_push_back(&l->inbox, to);
        list_remove(&l->inbox);
    }
    WEIR_ASSERT(pthread_mutex_unlock(&l->inbox_lock) == 0);
}

/* Edge-triggered, so the count need not be read (nor can it overflow: that takes 2^64 wake-ups). */
static void on_inbox(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    struct list now;

    (void)fd, (void)what;
    take_all(l, &now);
    while (!list_empty(&now)) {
        struct loop_message *m = LIST_OBJECT(now.next, struct loop_message, node);

        list_remove(&m->node);
        (void)loop_refresh_now(l);
        m->deliver(m);
    }
}

enum weir_status inbox_open(struct loop *l)
{
    list_init(&l->inbox);
    WEIR_ASSERT(pthread_mutex_init(&l->inbox_lock, NULL) == 0);
    l->inbox_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->inbox_fd == -1) {
        (void)pthread_mutex_destroy(&l->inbox_lock);
        return WEIR_SYS;
    }
    (void)event_assign(&l->inbox_ev, l->base, l->inbox_fd, EV_READ | EV_PERSIST | EV_ET, on_inbox,
                       l);
    return event_add(&l->inbox_ev, NULL) == 0 ? WEIR_OK : WEIR_SYS;
}

void inbox_close(struct loop *l)
{
    if (l->inbox_fd == -1)
        return;
    (void)event_del(&l->inbox_ev);
    (void)close(l->inbox_fd);
    (void)pthread_mutex_destroy(&l->inbox_lock);
    l->inbox_fd = -1;
}
