/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control tells a worker, through its inbox: an order is made on control's thread, carried out
 * and freed on the worker's.  New settings are change.c, what may not fail is standing.c.
 */
#include <stdlib.h>

#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "worker/worker_priv.h"

struct order {
    struct loop_message message;
    struct worker *w;
    void (*run)(struct order *o);
    int index;
    void *object;
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

/* NULL: no memory, and the worker is not told. */
static struct order *order_create(struct worker *w, void (*run)(struct order *o))
{
    struct order *o = calloc(1, sizeof *o);

    if (o == NULL)
        return NULL;
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

bool worker_set_addresses(struct worker *w, int slot, const struct net_addr *addrs, size_t n,
                          const char *why)
{
    struct order *o = order_create(w, run_addresses);
    struct text t;

    if (o == NULL)
        return false;
    o->index = slot;
    o->n = n < 8 ? n : 8;
    if (o->n > 0)
        memcpy(o->addrs, addrs, o->n * sizeof *addrs);
    text_init(&t, o->why, sizeof o->why);
    text_str(&t, why == NULL ? "" : why);
    give(o);
    return true;
}

/* --- texts */

static void run_incident(struct order *o)
{
    free(o->w->incidents[o->index]);
    o->w->incidents[o->index] = o->object;
}

bool worker_set_incident(struct worker *w, int pool, const char *text)
{
    struct order *o = order_create(w, run_incident);
    char *copy = text == NULL ? NULL : strdup(text);

    if (o == NULL || (text != NULL && copy == NULL)) {
        free(o);
        free(copy);
        return false;
    }
    o->index = pool;
    o->object = copy;
    give(o);
    return true;
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

    if (o == NULL) {
        public_status_unref(s);
        return;
    }
    o->object = s;
    give(o);
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

bool worker_list_sessions(struct worker *w, struct session_list *l, struct loop *reply_to)
{
    struct order *o = order_create(w, run_list);

    if (o == NULL)
        return false;
    o->object = l;
    o->reply_to = reply_to;
    give(o);
    return true;
}
