/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop itself: rounds, time, ready list, deferred frees.  Its timers are in timers.c, its inbox
 * in inbox.c.  On the loop's thread only.
 *
 * A round is: what is ready without the kernel's help, what the kernel reports, then the deferred
 * frees and the flush of what the callbacks have gathered.  The order matters: objects freed in a
 * callback live until every callback of the round is through, because a later one may have been
 * handed the same pointer by the kernel.
 */
#include "weir/net/loop.h"

#include <stdlib.h>

#include "loop_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

static struct event_base *base_create(void)
{
    struct event_config *conf = event_config_new();
    struct event_base *base;
    int flags = EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NO_CACHE_TIME;

    if (conf == NULL)
        return NULL;
    (void)event_config_set_flag(conf, flags);
    (void)event_config_require_features(conf, EV_FEATURE_O1 | EV_FEATURE_ET);
    base = event_base_new_with_config(conf);
    event_config_free(conf);
    return base;
}

static enum weir_status open_parts(struct loop *l)
{
    l->base = base_create();
    if (l->base == NULL)
        return WEIR_SYS;
    if (timers_open(l) != WEIR_OK || inbox_open(l) != WEIR_OK)
        return WEIR_SYS;
    return hangup_open(l);
}

struct loop *loop_create(void)
{
    struct loop *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    list_init(&l->ready);
    list_init(&l->deferred);
    l->timer_fd = l->inbox_fd = l->hangup_fd = -1;
    (void)loop_refresh_now(l);
    if (open_parts(l) != WEIR_OK)
        loop_destroy(&l);
    return l;
}

static void free_deferred(struct loop *l)
{
    while (!list_empty(&l->deferred)) {
        struct loop_deferred *d = LIST_OBJECT(l->deferred.next, struct loop_deferred, node);

        list_remove(&d->node);
        d->fn(d);
    }
}

void loop_destroy(struct loop **lp)
{
    struct loop *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    free_deferred(l);
    hangup_close(l);
    inbox_close(l);
    timers_close(l);
    if (l->base != NULL)
        event_base_free(l->base);
    free(l);
}

void loop_make_ready(struct loop *l, struct loop_ready *r)
{
    if (list_empty(&r->node))
        list_push_back(&l->ready, &r->node);
}

/* Only what was ready before: whatever becomes so meanwhile waits for the next round. */
static void run_ready(struct loop *l)
{
    struct list now;

    if (list_empty(&l->ready))
        return;
    list_init(&now);
    list_push_back(&l->ready, &now);
    list_remove(&l->ready);
    while (!list_empty(&now)) {
        struct loop_ready *r = LIST_OBJECT(now.next, struct loop_ready, node);

        list_remove(&r->node);
        (void)loop_refresh_now(l);
        r->run(r);
    }
}

/* What was deferred and what was gathered may each make more of the other. */
static void settle(struct loop *l)
{
    do {
        free_deferred(l);
        if (l->flush != NULL)
            l->flush(l->flush_arg);
    } while (!list_empty(&l->deferred));
}

static void one_round(struct loop *l, bool may_wait)
{
    int flags = EVLOOP_ONCE;

    run_ready(l);
    timers_run(l);
    settle(l);
    timers_arm(l);
    if (!may_wait || l->stop || !list_empty(&l->ready) || !list_empty(&l->wheel.expired))
        flags |= EVLOOP_NONBLOCK;
    WEIR_ASSERT(event_base_loop(l->base, flags) == 0);
    settle(l);
}

void loop_run(struct loop *l)
{
    l->stop = false;
    while (!l->stop)
        one_round(l, true);
}

void loop_poll(struct loop *l)
{
    one_round(l, false);
}

void loop_on_flush(struct loop *l, void (*fn)(void *arg), void *arg)
{
    l->flush = fn;
    l->flush_arg = arg;
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}

uint64_t loop_now_ns(const struct loop *l)
{
    return l->now_ns;
}

uint64_t loop_refresh_now(struct loop *l)
{
    l->now_ns = mono_now_ns();
    return l->now_ns;
}

void loop_deferred_init(struct loop_deferred *d, void (*fn)(struct loop_deferred *d))
{
    list_init(&d->node);
    d->fn = fn;
}

void loop_defer_free(struct loop *l, struct loop_deferred *d)
{
    if (list_empty(&d->node))
        list_push_back(&l->deferred, &d->node);
}
