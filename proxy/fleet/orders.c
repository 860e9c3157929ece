/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators' commands of the whole fleet.  Each node knows all that are in force, and Redis has
 * them for whoever joins: what is newer there is carried out here, what Redis lacks (because it
 * could not be reached, or was emptied) it is told.  What is missing there was not taken back: a
 * command ends by its time, or by another one about the same thing.  Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fleet_priv.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

enum { VALUE_MAX = 1024 };
#define TELL_NS  (1 * NS_PER_S) /* where Redis refused one */
#define AGAIN_NS (5 * NS_PER_S) /* where reading them fails each time, the rest goes on */

static void put_what(const struct fleet_order *o, char out[FLEET_WHAT_MAX])
{
    char rule[4] = "";

    if (o->topic == FLEET_MODE)
        (void)snprintf(rule, sizeof rule, "%u", o->verb % 10);
    (void)snprintf(out, FLEET_WHAT_MAX, "%s/%s/%s%s", o->pool, o->upstream,
                   fleet_topic_name(o->topic), rule);
}

static bool is_same_thing(const struct fleet_order *a, const struct fleet_order *b)
{
    return a->topic == b->topic && strcmp(a->pool, b->pool) == 0 &&
           strcmp(a->upstream, b->upstream) == 0 && (a->topic != FLEET_MODE || a->verb == b->verb);
}

static struct known_order *find(struct fleet *f, const struct fleet_order *o)
{
    for (size_t i = 0; i < f->n_orders; i++) {
        if (is_same_thing(&f->orders[i].o, o))
            return &f->orders[i];
    }
    return NULL;
}

/* NULL: there is no room. */
static struct known_order *find_or_add(struct fleet *f, const struct fleet_order *o)
{
    struct known_order *k = find(f, o);

    if (k == NULL && f->n_orders < FLEET_ORDERS_MAX)
        k = &f->orders[f->n_orders++];
    return k;
}

static uint64_t redis_ms(const struct fleet *f, uint64_t ns)
{
    return (uint64_t)((int64_t)(ns / NS_PER_MS) + f->clock_ms);
}

/* No earlier than now, no later than an order may last. */
static uint64_t own_ns(const struct fleet *f, uint64_t ms, uint64_t now_ns)
{
    uint64_t now_ms = redis_ms(f, now_ns);
    uint64_t left_ns = ms <= now_ms ? 0 : (ms - now_ms) * NS_PER_MS;

    return now_ns + (left_ns > FLEET_ORDER_MOST_NS ? FLEET_ORDER_MOST_NS : left_ns);
}

static void forget_ended(struct fleet *f, uint64_t now_ns)
{
    for (size_t i = f->n_orders; i > 0; i--) {
        const struct known_order *k = &f->orders[i - 1];
        bool is_on_its_way = f->kind == FLEET_ORDER && f->telling == i - 1;

        if (k->o.ends_ns != 0 && k->o.ends_ns <= now_ns && !is_on_its_way) {
            f->orders[i - 1] = f->orders[--f->n_orders];
            if (f->telling == f->n_orders)
                f->telling = i - 1;
        }
    }
}

bool fleet_publish(struct fleet *f, const struct fleet_order *o)
{
    struct known_order *k;
    uint64_t now = loop_now_ns(f->loop), before_ms;

    forget_ended(f, now);
    k = find_or_add(f, o);
    if (k == NULL)
        return false;
    before_ms = k->o.given_ms;
    *k = (struct known_order){.o = *o, .given_ns = now, .applied = true};
    (void)snprintf(k->o.node, sizeof k->o.node, "%s", f->conf->node);
    /* Newer than what it takes the place of, whatever the clocks say. */
    k->o.given_ms = before_ms;
    fleet_step(f);
    return true;
}

/* --- reading */

static void apply(struct fleet *f, struct known_order *k)
{
    k->applied = f->hooks->on_order(&k->o, f->owner);
}

/* Newer than what is known here. */
static bool is_newer(struct fleet *f, const struct known_order *k, const struct fleet_order *o)
{
    uint64_t given_ms = k->given_ns != 0 ? redis_ms(f, k->given_ns) : k->o.given_ms;

    return o->given_ms > given_ms;
}

static void take_order(struct fleet *f, struct slice what, struct slice value, uint64_t now_ns)
{
    struct fleet_order o;
    struct known_order *k;
    bool has_end;

    if (codec_take_order(what, value, &o) != WEIR_OK) {
        fleet_reject(f, "an order");
        return;
    }
    has_end = o.ends_ns != 0;
    o.ends_ns = has_end ? own_ns(f, o.ends_ns, now_ns) : 0;
    if (has_end && o.ends_ns <= now_ns)
        return; /* it has ended; whoever writes next sweeps it out */
    k = find(f, &o);
    if (k != NULL && !is_newer(f, k, &o)) {
        k->told = k->given_ns == 0 && k->o.given_ms == o.given_ms;
        if (k->told && !k->applied)
            apply(f, k);
        return;
    }
    k = find_or_add(f, &o);
    if (k == NULL) {
        fleet_reject(f, "more orders than there may be");
        return;
    }
    *k = (struct known_order){.o = o, .told = true};
    apply(f, k);
}

/* Without an answer nobody knows what they are: the version that was read is none. */
static void note_read(struct fleet *f, bool answered, uint64_t now_ns)
{
    if (!answered) {
        f->version_read[0] = '\0';
        f->orders_due_ns = f->unread ? now_ns + AGAIN_NS : 0;
    }
    f->unread = !answered;
}

static void on_orders(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *all = reply_item(fleet_took(f, reply), 0);
    uint64_t now = loop_now_ns(f->loop);
    int64_t odd;

    note_read(f, reply != NULL, now);
    if (all == NULL || all->type != REPLY_ARRAY) {
        fleet_step(f);
        return;
    }
    if (reply_i64(reply_item(reply, 1), &odd) == WEIR_OK && odd > 0)
        fleet_reject(f, "orders that are too long, or too many");
    forget_ended(f, now);
    for (size_t i = 0; i < f->n_orders; i++)
        f->orders[i].told = false;
    for (size_t i = 0; i + 1 < all->n; i += 2)
        take_order(f, reply_text(&all->items[i]), reply_text(&all->items[i + 1]), now);
    fleet_step(f);
}

bool orders_send(struct fleet *f)
{
    if (strcmp(f->version, f->version_read) == 0 && f->version_read[0] != '\0')
        return false;
    if (loop_now_ns(f->loop) < f->orders_due_ns)
        return false;
    script_begin(&f->call, f->link, &script_orders, slice_str(f->prefix));
    script_i64(&f->call, FLEET_WHAT_MAX);
    script_i64(&f->call, VALUE_MAX);
    script_i64(&f->call, FLEET_ORDERS_MAX);
    (void)snprintf(f->version_read, sizeof f->version_read, "%s", f->version);
    return fleet_send(f, FLEET_ORDERS, on_orders);
}

/* --- telling */

static void on_told(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);
    struct known_order *k = f->telling < f->n_orders ? &f->orders[f->telling] : NULL;
    int64_t n;

    if (r == NULL)
        f->tell_after_ns = loop_now_ns(f->loop) + TELL_NS;
    if (r != NULL && k != NULL && k->being_told && reply_i64(r, &n) == WEIR_OK) {
        k->told = true;
        k->given_ns = 0;
        if (n == 0)
            f->version_read[0] = '\0'; /* another one is newer: it holds */
        else if (n < 0)
            log_warn("fleet: Redis has %d operators' commands already; one holds on this node only",
                     FLEET_ORDERS_MAX);
    }
    fleet_step(f);
}

bool orders_tell(struct fleet *f)
{
    char what[FLEET_WHAT_MAX], value[VALUE_MAX];
    struct known_order *k;
    struct text t;
    size_t i = 0;

    while (i < f->n_orders && f->orders[i].told)
        i++;
    if (i == f->n_orders || loop_now_ns(f->loop) < f->tell_after_ns)
        return false;
    k = &f->orders[i];
    if (k->given_ns != 0 && redis_ms(f, k->given_ns) > k->o.given_ms)
        k->o.given_ms = redis_ms(f, k->given_ns);
    else if (k->given_ns != 0)
        k->o.given_ms++;
    put_what(&k->o, what);
    text_init(&t, value, sizeof value);
    codec_put_order(&t, &k->o);
    script_begin(&f->call, f->link, &script_order, slice_str(f->prefix));
    script_word(&f->call, slice_str(what));
    script_i64(&f->call, (int64_t)k->o.given_ms);
    script_i64(&f->call, k->o.ends_ns == 0 ? 0 : (int64_t)redis_ms(f, k->o.ends_ns));
    script_word(&f->call, text_slice(&t));
    script_i64(&f->call, FLEET_ORDERS_MAX);
    f->telling = i;
    k->being_told = true;
    return fleet_send(f, FLEET_ORDER, on_told);
}

/* --- is there anything new?  For periods that are longer than an order may take. */

void orders_set_version(struct fleet *f, struct slice v)
{
    if (v.len == 0)
        v = SLICE_LIT("none");
    (void)snprintf(f->version, sizeof f->version, "%.*s",
                   (int)(v.len < sizeof f->version ? v.len : sizeof f->version - 1), v.p);
}

static void on_version(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);

    if (r != NULL)
        orders_set_version(f, reply_text(r));
    fleet_step(f);
}

bool orders_version_send(struct fleet *f)
{
    char key[80];

    (void)snprintf(key, sizeof key, "%sorders.v", f->prefix);
    script_begin_plain(&f->call, f->link, "GET", key);
    return fleet_send(f, FLEET_ORDERS, on_version);
}
