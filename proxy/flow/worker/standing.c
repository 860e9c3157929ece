/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders that must reach a worker whatever the state of the memory: how it ends, and whether it
 * accepts.  Each worker has one message for all of them.  The rules:
 *
 *  - control notes what is wanted and posts the message if nothing was noted before; until the
 *    worker has taken what is noted, the message is under way and is not posted again;
 *  - the worker takes all that is noted at once, and carries it out in the order of the list: a
 *    worker that is told to drain and to stop does both, in this order.
 */
#include "client/client.h"
#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/worker_priv.h"

enum {
    WANT_PAUSE = 1,
    WANT_RETIRE = 2,
    WANT_LAME_DUCK = 4,
    WANT_DRAIN = 8,
    WANT_ABANDON = 16,
    WANT_STOP = 32,
};

static void do_pause(struct worker *w)
{
    w->accepting->resting = atomic_load(&w->standing.pause);
    worker_accept_or_not(w);
}

static void do_retire(struct worker *w)
{
    const unsigned *taken = w->standing.taken;

    w->draining = true;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if ((unsigned)w->index < taken[i])
            worker_leave_listener(w, i);
        else
            worker_unlisten(w, i);
    }
    clients_lame_duck(w);
}

static void do_lame_duck(struct worker *w)
{
    w->draining = true;
    clients_lame_duck(w);
}

static void do_drain(struct worker *w)
{
    w->draining = w->quitting = true;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++)
        worker_unlisten(w, i);
    clients_end_idle(w);
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        upstream_close_idle(w, i);
}

static void do_stop(struct worker *w)
{
    loop_stop(w->loop);
}

static const struct {
    unsigned want;
    void (*run)(struct worker *w);
} orders[] = {
    {WANT_PAUSE, do_pause}, {WANT_RETIRE, do_retire},          {WANT_LAME_DUCK, do_lame_duck},
    {WANT_DRAIN, do_drain}, {WANT_ABANDON, exchanges_abandon}, {WANT_STOP, do_stop},
};

static void deliver(struct loop_message *m)
{
    struct standing_orders *s = LIST_OBJECT(m, struct standing_orders, message);
    unsigned wanted = atomic_exchange(&s->wanted, 0);

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if ((wanted & orders[i].want) != 0)
            orders[i].run(s->w);
    }
}

void standing_orders_init(struct standing_orders *s, struct worker *w)
{
    *s = (struct standing_orders){.message.deliver = deliver, .w = w};
}

static void want(struct worker *w, unsigned what)
{
    if (atomic_fetch_or(&w->standing.wanted, what) == 0)
        loop_post(w->loop, &w->standing.message);
}

void worker_pause(struct worker *w, bool pause)
{
    atomic_store(&w->standing.pause, pause);
    want(w, WANT_PAUSE);
}

void worker_retire(struct worker *w, const unsigned taken[SNAPSHOT_LISTENERS_MAX])
{
    memcpy(w->standing.taken, taken, sizeof w->standing.taken);
    want(w, WANT_RETIRE);
}

void worker_lame_duck(struct worker *w)
{
    want(w, WANT_LAME_DUCK);
}

void worker_drain(struct worker *w)
{
    want(w, WANT_DRAIN);
}

void worker_abandon(struct worker *w)
{
    want(w, WANT_ABANDON);
}

void worker_stop(struct worker *w)
{
    want(w, WANT_STOP);
}
