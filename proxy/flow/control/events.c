/* SPDX-License-Identifier: Apache-2.0 */
/* The event list: changes of state with their numbers, operator commands, lapses; kept, logged,
 * told. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/control_priv.h"

static void tell(struct control *c, const struct control_event *e)
{
    for (int i = 0; i < c->subscribers.n; i++)
        c->subscribers.list[i].fn(e, c->subscribers.list[i].arg);
}

static struct control_event *add_sentence(struct control *c, const char *pool, const char *upstream,
                                          const char *cause, const char *fmt, va_list ap)
{
    struct control_event *e = journal_add(&c->events);
    char said[sizeof e->sentence];
    struct text t;

    e->at_wall_ns = e->first_wall_ns = wall_now_ns();
    e->pool = pool;
    e->upstream = upstream;
    (void)snprintf(e->cause, sizeof e->cause, "%s", cause);
    (void)vsnprintf(said, sizeof said, fmt, ap);
    text_init(&t, e->sentence, sizeof e->sentence);
    text_shown(&t, slice_str(said)); /* a command's words may be anybody's */
    return e;
}

void control_say(struct control *c, const char *pool, const char *upstream, const char *cause,
                 const char *fmt, ...)
{
    struct control_event *e;
    va_list ap;

    va_start(ap, fmt);
    e = add_sentence(c, pool, upstream, cause, fmt, ap);
    va_end(ap);
    log_info("%s", e->sentence);
    tell(c, e);
}

void control_note(struct control *c, const char *pool, const char *upstream, const char *cause,
                  const char *fmt, ...)
{
    struct control_event *e;
    va_list ap;

    va_start(ap, fmt);
    e = add_sentence(c, pool, upstream, cause, fmt, ap);
    va_end(ap);
    tell(c, e);
}

/* "..., 14 times since 09:59:14Z" */
static void say_times(struct control_event *e)
{
    char when[RFC3339_MAX];
    size_t n = strlen(e->sentence);

    if (e->times == 1)
        return;
    (void)rfc3339_format(when, e->first_wall_ns);
    (void)snprintf(e->sentence + n, sizeof e->sentence - n, ", %u times since %.8sZ", e->times,
                   when + sizeof "2026-01-01T" - 1);
}

static void describe(struct control_event *e)
{
    const char *from = breaker_state_name(e->from), *to = breaker_state_name(e->to);
    char numbers[96] = "", cause[sizeof e->cause], text[sizeof e->sentence];

    if (e->requests > 0)
        (void)snprintf(numbers, sizeof numbers, " (%u of %u requests failed in %.0f s)", e->failed,
                       e->requests, (double)e->window_ns / 1e9);
    else if (e->consecutive > 0)
        (void)snprintf(numbers, sizeof numbers, " (%u in a row)", e->consecutive);
    memcpy(cause, e->cause, sizeof cause);
    if (e->from == e->to)
        (void)snprintf(text, sizeof text, "%s/%s: %s%s, state %s, share %.0f %%", e->pool,
                       e->upstream, cause, numbers, to, 100 * e->share);
    else
        (void)snprintf(text, sizeof text, "%s/%s: %s -> %s, %s%s, share %.0f %%", e->pool,
                       e->upstream, from, to, cause, numbers, 100 * e->share);
    memcpy(e->sentence, text, sizeof text);
    say_times(e);
}

static void take_one(struct control *c, const struct snapshot_pool *p, const struct pool_event *pe)
{
    const struct snapshot_upstream *u =
        pe->upstream < 0 ? NULL : snapshot_upstream_at(p, pe->upstream);
    struct control_event *e;

    if (pe->upstream >= 0 && u == NULL)
        return; /* of one that a reload took out: what still runs there changes nothing */
    e = journal_add(&c->events);
    e->at_wall_ns = control_wall(c, pe->at_ns);
    e->pool = c->names.pools[p->slot];
    e->upstream = u == NULL ? "" : c->names.upstreams[u->slot];
    e->from = pe->from;
    e->to = pe->to;
    memcpy(e->cause, pe->cause, sizeof e->cause);
    e->requests = pe->requests;
    e->failed = pe->failed;
    e->consecutive = pe->consecutive;
    e->window_ns = pe->window_ns;
    e->share = pe->share;
    e = journal_fold(&c->events);
    describe(e);
    log_info("%s", e->sentence);
    tell(c, e);
}

void control_take_pool_events(struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        struct snapshot_pool *p = &c->snapshot->pools[i];
        struct pool_event ev[32];
        int n;

        do {
            struct pool *pool = gate_lock(p->gate);
            n = 0;
            while (n < 32 && pool_next_event(pool, &ev[n]))
                n++;
            gate_unlock(p->gate);
            for (int k = 0; k < n; k++)
                take_one(c, p, &ev[k]);
        } while (n == 32);
    }
}

void control_events(struct control *c, size_t last,
                    void (*fn)(const struct control_event *e, void *arg), void *arg)
{
    const struct journal *l = &c->events;

    control_take_pool_events(c); /* what status shows now is told here as well */

    for (size_t i = last == 0 || last > l->n ? 0 : l->n - last; i < l->n; i++)
        fn(&l->at[i], arg);
}

void control_subscribe(struct control *c, void (*fn)(const struct control_event *e, void *arg),
                       void *arg)
{
    WEIR_ASSERT(c->subscribers.n < SUBSCRIBERS_MAX);
    c->subscribers.list[c->subscribers.n++] = (struct subscriber){fn, arg};
}

void control_unsubscribe(struct control *c, void (*fn)(const struct control_event *e, void *arg),
                         void *arg)
{
    for (int i = 0; i < c->subscribers.n; i++) {
        if (c->subscribers.list[i].fn == fn && c->subscribers.list[i].arg == arg) {
            c->subscribers.list[i] = c->subscribers.list[--c->subscribers.n];
            return;
        }
    }
}
