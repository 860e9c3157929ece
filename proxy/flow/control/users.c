/* SPDX-License-Identifier: Apache-2.0 */
/* Who has used how much of the limits, as the operator sees it.  Control thread. */
#include <stdio.h>

#include "control/control_priv.h"

/* Looked at under one lock, so that requests need not wait for all of them. */
enum { AT_ONCE = 256 };

static bool is_fuller(const struct quota_view *a, const struct quota_view *b)
{
    if (a->fullest != b->fullest)
        return a->fullest > b->fullest;
    return a->day[QUOTA_REQUESTS] > b->day[QUOTA_REQUESTS];
}

/* Into its place among the fullest. */
static size_t insert(struct user_status *out, size_t n, size_t max, const struct user_status *one)
{
    size_t at = n;

    if (n == max && !is_fuller(&one->v, &out[n - 1].v))
        return n;
    if (n == max)
        at--; /* the emptiest goes */
    else
        n++;
    for (; at > 0 && is_fuller(&one->v, &out[at - 1].v); at--)
        out[at] = out[at - 1];
    out[at] = *one;
    return n;
}

static size_t look_at(const struct quota *q, size_t from, struct user_status *list,
                      const char *pool, uint64_t now_ns)
{
    size_t at = from, n = 0;

    while (quota_next_view(q, &at, from + AT_ONCE, now_ns, &list[n].v))
        list[n++].pool = pool;
    return n;
}

static size_t look_at_pool(struct control *c, const struct snapshot_pool *p,
                           struct user_status *out, size_t n, size_t max, uint64_t *evicted)
{
    static struct user_status list[AT_ONCE]; /* the control thread's */
    uint64_t now = loop_now_ns(c->loop);

    for (size_t from = 0; from < QUOTA_SLOTS; from += AT_ONCE) {
        const struct quota *q = pool_quota(gate_lock(p->gate));
        size_t found = q == NULL ? 0 : look_at(q, from, list, p->conf->name, now);

        if (q != NULL && from == 0)
            *evicted += quota_evicted(q);
        gate_unlock(p->gate);
        if (q == NULL)
            break;
        for (size_t i = 0; i < found; i++)
            n = insert(out, n, max, &list[i]);
    }
    return n;
}

size_t control_users(struct control *c, struct user_status *out, size_t max, uint64_t *evicted)
{
    size_t n = 0;

    *evicted = 0;
    for (size_t i = 0; i < c->snapshot->settings->n_pools && max > 0; i++)
        n = look_at_pool(c, &c->snapshot->pools[i], out, n, max, evicted);
    return n;
}

/* --- who reaches a limit, among the events */

/* "user 5a01e8242c58833f has reached users.max_streams", as `weirctl users` names them. */
static void put_whose(struct text *t, const struct quota_event *ev, const char *own,
                      const char *shared)
{
    char limit[LIMIT_NAME_MAX];
    const char *name = limit_name(&ev->no, limit);

    if (ev->user == 0) {
        text_printf(t, "%s %s", name, shared);
        return;
    }
    text_str(t, "user ");
    text_hex(t, ev->user, 16);
    text_printf(t, " %s %s", own, name);
}

static void say_begin(struct control *c, const char *pool, const struct quota_event *ev)
{
    char mem[128];
    struct text whose;

    text_init(&whose, mem, sizeof mem);
    put_whose(&whose, ev, "has reached", "is reached");
    control_say(c, pool, "", "limit_begins",
                "%s: %s: %llu of %llu %s are used, what comes beyond is refused", pool, mem,
                (unsigned long long)ev->no.used, (unsigned long long)ev->no.most,
                quota_limit_words((enum quota_limit)ev->no.limit));
}

static void say_end(struct control *c, const char *pool, const struct quota_event *ev)
{
    char mem[128], why[48] = "and it is in force no more";
    struct text whose;

    text_init(&whose, mem, sizeof mem);
    put_whose(&whose, ev, "is no longer at", "is no longer reached");
    if (ev->in_force)
        (void)snprintf(why, sizeof why, "nothing in the last %d s", QUOTA_REACHED_S);
    control_say(c, pool, "", "limit_ends", "%s: %s: %llu refused within %.0f s, %s", pool, mem,
                (unsigned long long)ev->refused, (double)ev->for_ns / (double)NS_PER_S, why);
}

static void say_others(struct control *c, const char *pool, const struct quota_event *ev)
{
    control_say(c, pool, "", "limit_others",
                "%s: %u more users or shared limits have reached a limit, %u are at one now "
                "(weirctl users)",
                pool, ev->others, ev->all);
}

void control_limits_second(struct control *c)
{
    uint64_t now = loop_now_ns(c->loop);

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        const struct snapshot_pool *p = &c->snapshot->pools[i];
        const char *pool = c->names.pools[p->slot];
        struct quota_event ev;
        bool any;

        do {
            any = pool_next_limit_event(gate_lock(p->gate), &ev, now);
            gate_unlock(p->gate);
            if (any && ev.news == QUOTA_BEGINS)
                say_begin(c, pool, &ev);
            else if (any && ev.news == QUOTA_ENDS)
                say_end(c, pool, &ev);
            else if (any)
                say_others(c, pool, &ev);
        } while (any);
    }
}
