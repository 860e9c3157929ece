/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for what the fleet says of limits: asks, is answered, or goes on without an answer. */
#include "weir/decide/pool_limits.h"

#include "quota_priv.h"
#include "weir/decide/pool_priv.h"

void pool_begin_asking(struct pool *p, struct pool_request *r)
{
    r->state = REQUEST_QUEUED;
    r->asking = true;
    list_push_back(&p->asking, &r->node);
}

void pool_stop_asking(struct pool_request *r)
{
    list_remove(&r->node);
    list_init(&r->node);
    r->asking = false;
}

static bool is_impatient(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    return p->quota->fleet.mode != QUOTA_ASKS || now_ns - r->arrival_ns >= p->limits_patience_ns;
}

/* It is known now whether its limits refuse it. */
static void decide(struct pool *p, struct pool_request *r, enum rule rule, uint64_t now_ns)
{
    pool_stop_asking(r);
    r->state = REQUEST_NEW;
    if (rule != RULE_NONE)
        pool_refuse(p, r, rule, -1, now_ns);
    else if (pool_go_on(p, r, now_ns) == POOL_WAIT)
        return;
    pool_wake(p, r);
}

static void serve_asking(struct pool *p, uint64_t now_ns)
{
    LIST_EACH_SAFE(n, next, &p->asking)
    {
        struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
        enum rule rule;

        r->quota->alone = is_impatient(p, r, now_ns);
        rule = pool_charge(p, r, now_ns);
        if (rule != RULE_NONE || !r->quota->no.asks)
            decide(p, r, rule, now_ns);
    }
}

void pool_limits_set(struct pool *p, const struct pool_limits_fleet *f, uint64_t now_ns)
{
    if (p->quota == NULL)
        return;
    quota_fleet_set(p->quota, f->mode, f->nodes, f->pool, now_ns);
    p->limits_patience_ns = f->patience_ns;
    if (f->mode != QUOTA_ASKS)
        serve_asking(p, now_ns);
}

enum pool_limits_want pool_limits_want(const struct pool *p)
{
    if (p->quota == NULL || p->quota->fleet.mode != QUOTA_ASKS)
        return LIMITS_NOTHING;
    if (!list_empty(&p->asking))
        return LIMITS_ASK;
    return quota_fleet_owes(p->quota) ? LIMITS_TELL : LIMITS_NOTHING;
}

size_t pool_limits_news(struct pool *p, struct quota_news *out, size_t max, uint64_t now_ns)
{
    if (p->quota == NULL || p->quota->fleet.mode != QUOTA_ASKS || max == 0)
        return 0;
    LIST_EACH(n, &p->asking)
    {
        const struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
        struct quota_asked a = pool_asked(r);

        quota_fleet_collect(p->quota, &a, now_ns);
    }
    return quota_fleet_news(p->quota, out, max, now_ns);
}

void pool_limits_answer(struct pool *p, size_t i, const struct quota_answer *a, uint64_t now_ns)
{
    if (p->quota != NULL)
        quota_fleet_answer(p->quota, i, a, now_ns);
}

void pool_limits_end(struct pool *p, uint64_t now_ns)
{
    if (p->quota == NULL)
        return;
    serve_asking(p, now_ns);
    quota_fleet_end(p->quota);
}

void pool_limits_hot(struct pool *p, uint64_t id, uint64_t now_ns)
{
    if (p->quota != NULL)
        quota_fleet_note_hot(p->quota, id, now_ns);
}

void pool_tick_asking(struct pool *p, uint64_t now_ns)
{
    const struct pool_request *oldest = LIST_OBJECT(p->asking.next, struct pool_request, node);

    if (p->quota == NULL)
        return;
    quota_fleet_tick(p->quota, now_ns);
    if (!list_empty(&p->asking) && is_impatient(p, oldest, now_ns))
        serve_asking(p, now_ns);
}
