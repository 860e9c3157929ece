/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control tells a worker, through its inbox: an order is made on control's thread, carried out
 * and freed on the worker's.
 */
#include <stdlib.h>

#include "client/client.h"
#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/worker_priv.h"

struct order {
    struct loop_message message;
    struct worker *w;
    void (*run)(struct order *o);
    int index, fd;
    void *object;
    struct snapshot_swap *swap;
    struct loop *reply_to;
    size_t n;
    char why[96];
    struct net_addr addrs[8];
};

static void deliver(struct loop_message *m)
{
    struct order *o = LIST_OBJECT(m, struct order, message);

    o->run(o);
    free(o);
}

/* Out of memory here means the process cannot be led any more: it ends. */
static struct order *order_create(struct worker *w, void (*run)(struct order *o))
{
    struct order *o = calloc(1, sizeof *o);

    WEIR_ASSERT(o != NULL);
    o->message.deliver = deliver;
    o->w = w;
    o->run = run;
    return o;
}

static void give(struct order *o)
{
    loop_post(o->w->loop, &o->message);
}

/* --- addresses */

static void run_addresses(struct order *o)
{
    upstream_set_addresses(o->w, o->index, o->addrs, o->n, o->why);
    exchange_addresses_known(o->w, o->index);
}

void worker_set_addresses(struct worker *w, int slot, const struct net_addr *addrs, size_t n,
                          const char *why)
{
    struct order *o = order_create(w, run_addresses);
    struct text t;

    o->index = slot;
    o->n = n < 8 ? n : 8;
    if (o->n > 0)
        memcpy(o->addrs, addrs, o->n * sizeof *addrs);
    text_init(&t, o->why, sizeof o->why);
    text_str(&t, why == NULL ? "" : why);
    give(o);
}

/* --- texts */

static void run_incident(struct order *o)
{
    free(o->w->incidents[o->index]);
    o->w->incidents[o->index] = o->object;
}

void worker_set_incident(struct worker *w, int pool, const char *text)
{
    struct order *o = order_create(w, run_incident);

    o->index = pool;
    o->object = text == NULL ? NULL : strdup(text);
    give(o);
}

void public_status_unref(struct public_status *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    buf_free(&s->json);
    for (int i = 0; i < LANGUAGES_MAX; i++)
        buf_free(&s->html[i]);
    free(s);
}

static void run_status(struct order *o)
{
    public_status_unref(o->w->status);
    o->w->status = o->object;
}

void worker_set_status(struct worker *w, struct public_status *s)
{
    struct order *o = order_create(w, run_status);

    o->object = s;
    give(o);
}

/* --- settings */

static void run_snapshot(struct order *o)
{
    struct worker *w = o->w;
    struct snapshot_use *old = w->use;

    w->use = o->object;
    w->snapshot = w->use->snapshot;
    snapshot_use_retire(&old);
    clients_settings_changed(w);
    if (atomic_fetch_sub_explicit(&o->swap->left, 1, memory_order_acq_rel) == 1)
        loop_post(o->reply_to, &o->swap->message);
}

void worker_set_snapshot(struct worker *w, struct snapshot_swap *swap, struct loop *reply_to)
{
    struct order *o = order_create(w, run_snapshot);

    o->object = snapshot_use_create(swap->snapshot);
    WEIR_ASSERT(o->object != NULL);
    o->swap = swap;
    o->reply_to = reply_to;
    give(o);
}

static void run_listener(struct order *o)
{
    if (o->n == 0)
        worker_unlisten(o->w, o->index);
    else if (!worker_listen(o->w, o->index, o->fd))
        log_error("worker %d: a new listener cannot be opened: out of memory", o->w->index);
}

void worker_set_listener(struct worker *w, int slot, int fd)
{
    struct order *o = order_create(w, run_listener);

    o->index = slot;
    o->fd = fd;
    o->n = fd != -1;
    give(o);
}

static void run_close_idle(struct order *o)
{
    upstream_close_idle(o->w, o->index);
}

void worker_close_idle(struct worker *w, int slot)
{
    struct order *o = order_create(w, run_close_idle);

    o->index = slot;
    give(o);
}

/* --- ending */

static void run_drain(struct order *o)
{
    struct worker *w = o->w;

    w->draining = w->quitting = true;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++)
        worker_unlisten(w, i);
    clients_end_idle(w);
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        upstream_close_idle(w, i);
}

static void run_pause(struct order *o)
{
    o->w->accepting->resting = o->n != 0;
    worker_accept_or_not(o->w);
}

void worker_pause(struct worker *w, bool pause)
{
    struct order *o = order_create(w, run_pause);

    o->n = pause;
    give(o);
}

static void run_retire(struct order *o)
{
    struct worker *w = o->w;
    const unsigned *taken = o->object;

    w->draining = true;
    for (int i = 0; i < SNAPSHOT_LISTENERS_MAX; i++) {
        if ((unsigned)w->index < taken[i])
            worker_leave_listener(w, i);
        else
            worker_unlisten(w, i);
    }
    clients_lame_duck(w);
    free(o->object);
}

void worker_retire(struct worker *w, const unsigned taken[SNAPSHOT_LISTENERS_MAX])
{
    struct order *o = order_create(w, run_retire);

    o->object = malloc(SNAPSHOT_LISTENERS_MAX * sizeof *taken);
    WEIR_ASSERT(o->object != NULL);
    memcpy(o->object, taken, SNAPSHOT_LISTENERS_MAX * sizeof *taken);
    give(o);
}

static void run_lame_duck(struct order *o)
{
    o->w->draining = true;
    clients_lame_duck(o->w);
}

void worker_lame_duck(struct worker *w)
{
    give(order_create(w, run_lame_duck));
}

void worker_drain(struct worker *w)
{
    give(order_create(w, run_drain));
}

static void run_abandon(struct order *o)
{
    exchanges_abandon(o->w);
}

void worker_abandon(struct worker *w)
{
    give(order_create(w, run_abandon));
}

static void run_stop(struct order *o)
{
    loop_stop(o->w->loop);
}

void worker_stop(struct worker *w)
{
    give(order_create(w, run_stop));
}

/* --- looking */

static void reply(struct loop_message *m)
{
    struct session_list *l = LIST_OBJECT(m, struct session_list, message);

    l->fn(l);
}

static void run_list(struct order *o)
{
    struct session_list *l = o->object;

    record_flush(&o->w->records); /* what has ended is known to control before the list is */
    l->n = exchanges_list(o->w, l->list, l->max);
    l->message.deliver = reply;
    loop_post(o->reply_to, &l->message);
}

void worker_list_sessions(struct worker *w, struct session_list *l, struct loop *reply_to)
{
    struct order *o = order_create(w, run_list);

    o->object = l;
    o->reply_to = reply_to;
    give(o);
}
