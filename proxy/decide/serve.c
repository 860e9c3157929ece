/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of a pool at work: who leaves it, and how. */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

void pool_wake(struct pool *p, struct pool_request *r)
{
    r->woken = true;
    list_push_back(&p->woken, &r->node);
}

bool pool_deadline_lost(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    if (r->deadline_ns == 0)
        return false;
    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream *u = &p->upstream[i];
        bool unary = upstream_is_unary(p, u, now_ns);
        double first_s = predict_s(&u->learnt[r->kind].predict, r->bytes, unary);
        if (u->membership == MEMBER_GONE)
            continue;
        if (now_ns + num_ns(first_s) <= r->deadline_ns)
            return false;
    }
    return true;
}

/* Why it found no room in all that time: the nearest upstream tells. */
void pool_refuse_waiting(struct pool *p, struct pool_request *r, enum rule rule, uint64_t now_ns)
{
    struct choice c = choose(p, r, -1, now_ns);
    bool no_room = c.upstream >= 0 || rule_is_room(c.rule);

    if (rule == RULE_WAITED && !no_room)
        rule = c.rule;
    queue_remove(&p->queue, r);
    pool_refuse(p, r, rule, c.upstream >= 0 ? c.upstream : c.blame, now_ns);
    pool_wake(p, r);
}

void pool_expire_waiting(struct pool *p, bool all, uint64_t now_ns)
{
    struct pool_request *r;

    while ((r = queue_expired(&p->queue, all, now_ns)) != NULL) {
        bool own = r->deadline_ns > 0 && now_ns >= r->deadline_ns;
        pool_refuse_waiting(p, r, own ? RULE_CLIENT_DEADLINE : RULE_WAITED, now_ns);
    }
}

/* It leaves the queue: sent, or refused for a cooldown that is its own. */
static void leaves(struct pool *p, struct pool_request *r, const struct choice *c, uint64_t now_ns)
{
    queue_remove(&p->queue, r);
    if (c->upstream >= 0)
        pool_send(p, r, c, now_ns);
    else
        pool_refuse(p, r, c->rule, c->blame, now_ns);
    pool_wake(p, r);
}

static bool take_one(uint32_t *n)
{
    *n -= *n > 0;
    return *n > 0;
}

/*
 * True while the next may be looked at: this one left the queue, or what keeps it need not keep
 * others, and no more than `may_pass` such were passed over.
 */
static bool serve_one(struct pool *p, struct pool_request *r, uint32_t *may_pass, uint64_t now_ns)
{
    struct choice c;

    if (now_ns >= r->expires_ns || pool_deadline_lost(p, r, now_ns)) {
        pool_refuse_waiting(p, r, now_ns >= r->expires_ns ? RULE_WAITED : RULE_CLIENT_DEADLINE,
                            now_ns);
        return true;
    }
    c = choose(p, r, -1, now_ns);
    if (c.upstream < 0 && !pool_cools_alone(p, r, &c, now_ns))
        return c.own && take_one(may_pass);
    leaves(p, r, &c, now_ns);
    return true;
}

/* False if one of them found no room, and no others can. */
static bool serve_rank(struct pool *p, int rank, uint32_t *may_pass, uint64_t now_ns)
{
    LIST_EACH_SAFE(n, next, &p->queue.rank[rank])
    {
        struct pool_request *r = LIST_OBJECT(n, struct pool_request, node);
        /* system requests have a cap of their own; what stops them need not stop the others */
        if (!serve_one(p, r, may_pass, now_ns))
            return r->class == CLASS_SYSTEM;
    }
    return true;
}

static void serve(struct pool *p, uint32_t may_pass, uint64_t now_ns)
{
    pool_expire_waiting(p, false, now_ns);
    for (int rank = 0; rank < POOL_RANKS && p->queue.length > 0; rank++)
        if (!serve_rank(p, rank, &may_pass, now_ns))
            return;
}

void pool_serve_queue(struct pool *p, uint64_t now_ns)
{
    serve(p, POOL_PASSED_MAX, now_ns);
}

void pool_serve_all(struct pool *p, uint64_t now_ns)
{
    serve(p, UINT32_MAX, now_ns);
}
