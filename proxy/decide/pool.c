/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of include/weir/decide/pool.h that a request makes on its way, and the tick. */
#include "weir/decide/pool.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

const char *rule_name(enum rule r)
{
#define WEIR_NAME_ROW(e, name, ...) name,
    static const char *const names[RULE_COUNT] = {WEIR_RULES(WEIR_NAME_ROW)};
#undef WEIR_NAME_ROW

    WEIR_ASSERT((unsigned)r < RULE_COUNT);
    return names[r];
}

size_t pool_bytes(size_t n_upstreams)
{
    size_t bytes = sizeof(struct pool) + n_upstreams * sizeof(struct upstream);

    return (bytes + 63) & ~(size_t)63;
}

void upstream_init(struct pool *p, size_t i, uint32_t id, uint32_t max_streams, uint64_t now_ns)
{
    struct upstream *u = &p->upstream[i];
    struct breaker_rules rules = pool_rules(p, now_ns);

    memset(u, 0, sizeof *u);
    u->id = id;
    list_init(&u->pending_list);
    u->next_late_ns = UINT64_MAX;
    list_init(&u->probe_list);
    limiter_init(&u->limiter, max_streams, now_ns);
    for (size_t k = 0; k < KINDS; k++)
        predict_init(&u->learnt[k].predict);
    pace_init(&u->pace, now_ns);
    breaker_init(&u->breaker, &rules, &p->events, &p->random, (int)i);
    if (p->fleet == NULL)
        return;
    u->fleet = &p->fleet->place[i];
    fleet_place_init(u->fleet);
}

struct pool *pool_init(void *mem, const struct decide_conf *conf, const uint32_t *max_streams,
                       size_t n_upstreams, struct hash_key key, uint64_t seed, uint64_t now_ns)
{
    struct pool *p = mem;

    WEIR_ASSERT(n_upstreams >= 1 && n_upstreams <= POOL_UPSTREAMS_MAX);
    p->conf = conf;
    p->n_upstreams = n_upstreams;
    p->random.state = seed;
    p->key = key;
    p->tick_ns = now_ns;
    for (int s = 0; s < SET_COUNT; s++)
        p->mode[s] = -1;
    budget_init(&p->budget, &conf->retry);
    window_init(&p->arrivals, POOL_SHED_MEMORY_NS, now_ns);
    queue_init(&p->queue);
    p->cold = true;
    list_init(&p->woken);
    list_init(&p->asking);
    for (size_t i = 0; i < n_upstreams; i++)
        upstream_init(p, i, (uint32_t)i, max_streams[i], now_ns);
    return p;
}

void pool_set_conf(struct pool *p, const struct decide_conf *conf, const uint32_t *max_streams,
                   uint64_t now_ns)
{
    struct breaker_rules rules;

    p->conf = conf;
    rules = pool_rules(p, now_ns);
    for (size_t i = 0; i < p->n_upstreams; i++) {
        limiter_set_most(&p->upstream[i].limiter, max_streams[i]);
        breaker_set_conf(&p->upstream[i].breaker, &rules);
    }
}

void pool_set_mode(struct pool *p, enum pool_rule_set s, int mode)
{
    WEIR_ASSERT(s < SET_COUNT && mode >= -1 && mode <= 1);
    p->mode[s] = mode;
}

int pool_rank_of(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    bool lease = lease_is_in_force(&p->leases, r->user, now_ns);

    switch (r->class) {
    case CLASS_SYSTEM:
        return RANK_SYSTEM;
    case CLASS_PAID:
        return lease ? RANK_PAID_LEASE : RANK_PAID;
    case CLASS_INTERACTIVE:
        return lease ? RANK_LEASE : RANK_INTERACTIVE;
    case CLASS_BATCH:
        return RANK_BATCH;
    }
    WEIR_UNREACHABLE("class");
}

static void begin(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    WEIR_ASSERT(r->state == REQUEST_NEW && r->kind < KINDS);
    list_init(&r->node);
    list_init(&r->pending_node);
    list_init(&r->probe_node);
    if (r->who == 0)
        r->who = r->user;
    if (r->model == 0 && r->kind != KIND_GENERATION)
        r->model = COOLDOWN_NO_MODEL;
    r->upstream = r->tried = -1;
    r->numbers.upstream = -1;
    r->arrival_ns = now_ns;
    r->rank = pool_rank_of(p, r, now_ns);
    r->expires_ns = now_ns + pool_wait_ns(p, r, now_ns);
    if (r->deadline_ns > 0 && r->deadline_ns < r->expires_ns)
        r->expires_ns = r->deadline_ns;
    rate_add(&p->arrived, now_ns);
    pool_fleet_arrived(p, r, now_ns);
    window_add(&p->arrivals, ARRIVALS_ALL, now_ns);
    if (r->client_retry > 0)
        window_add(&p->arrivals, ARRIVALS_RETRIES, now_ns);
}

/* Counts what an observed rule would have done to a request that goes on. */
static void note_observed(struct pool *p, enum rule observed)
{
    if (observed == RULE_NONE)
        return;
    p->observed_rule[observed]++;
    if (observed == RULE_BREAKER_OPEN || observed == RULE_HALF_OPEN)
        p->observed[SET_BREAKER]++;
    else if (observed == RULE_RAMP)
        p->observed[SET_RAMP]++;
    else
        p->observed[SET_LIMITER]++;
}

/* RULE_NONE if the request may wait, else why it does not. */
static enum rule may_not_wait(struct pool *p, const struct pool_request *r, const struct choice *c,
                              uint64_t now_ns)
{
    uint64_t earliest_ns = pool_earliest_for(p, r, now_ns);

    if (pool_cools_alone(p, r, c, now_ns) || (earliest_ns > now_ns && earliest_ns >= r->expires_ns))
        return c->rule; /* nothing can change while it would wait */
    if (pool_wait_ns(p, r, now_ns) == 0)
        return RULE_QUEUE_OFF;
    if (!pool_enforces(p, SET_QUEUE)) {
        p->observed[SET_QUEUE]++;
        return RULE_QUEUE_OFF;
    }
    return p->queue.length >= p->conf->queue.max_length ? RULE_QUEUE_FULL : RULE_NONE;
}

bool rule_is_room(enum rule r)
{
    return r == RULE_PENDING_LIMIT || r == RULE_STREAM_LIMIT || r == RULE_FLEET_LIMIT ||
           r == RULE_FLEET_RANK || r == RULE_SYSTEM_CAP;
}

/* Waiting is a matter of load; other states are named as they are. */
static enum rule refusal_of(enum rule queue_rule, const struct choice *c)
{
    bool load = c->upstream >= 0 || rule_is_room(c->rule);

    return load || queue_rule == RULE_QUEUE_FULL ? queue_rule : c->rule;
}

static enum pool_verdict wait_or_refuse(struct pool *p, struct pool_request *r,
                                        const struct choice *c, uint64_t now_ns)
{
    enum rule rule = may_not_wait(p, r, c, now_ns);

    if (rule == RULE_QUEUE_OFF && c->rule == RULE_FLEET_LIMIT)
        p->upstream[c->blame].fleet->missed = true; /* the next one may find a permit */
    if (rule != RULE_NONE) {
        pool_refuse(p, r, refusal_of(rule, c), c->upstream >= 0 ? c->upstream : c->blame, now_ns);
        return POOL_REFUSE;
    }
    r->state = REQUEST_QUEUED;
    r->has_queued = true;
    queue_push(&p->queue, r);
    if (c->upstream >= 0) /* there is room, and others to look at before this one */
        pool_serve_queue(p, now_ns);
    pool_bound_queue(p, now_ns);
    if (!r->woken) {
        pool_lease_waits(p, r);
        return POOL_WAIT;
    }
    r->woken = false;
    list_remove(&r->node);
    return r->state == REQUEST_SENT ? POOL_ADMIT : POOL_REFUSE;
}

enum pool_verdict pool_go_on(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    struct choice c;

    if (pool_deadline_lost(p, r, now_ns)) {
        pool_refuse(p, r, RULE_CLIENT_DEADLINE, -1, now_ns);
        return POOL_REFUSE;
    }
    pool_take_user_place(p, r);
    pool_expire_waiting(p, false, now_ns);
    c = choose(p, r, -1, now_ns);
    if (c.upstream >= 0 && !queue_waits(&p->queue, r->rank)) {
        note_observed(p, c.observed);
        pool_send(p, r, &c, now_ns);
        return POOL_ADMIT;
    }
    return wait_or_refuse(p, r, &c, now_ns);
}

enum pool_verdict pool_arrive(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    enum rule rule;

    begin(p, r, now_ns);
    rule = pool_door(p, r, now_ns);
    if (rule != RULE_NONE) {
        pool_refuse(p, r, rule, -1, now_ns);
        return POOL_REFUSE;
    }
    if (r->quota == NULL || !r->quota->no.asks || pool_is_shut(p, now_ns))
        return pool_go_on(p, r, now_ns);
    pool_begin_asking(p, r);
    return POOL_ASK;
}

bool pool_is_shut(const struct pool *p, uint64_t now_ns)
{
    const struct queue_conf *c = &p->conf->queue;
    uint64_t most_ns = c->max_wait_ns > c->batch_wait_ns ? c->max_wait_ns : c->batch_wait_ns;
    uint64_t earliest_ns = pool_earliest_of_any(p, now_ns);

    return earliest_ns > now_ns && earliest_ns - now_ns > most_ns;
}

bool pool_refuse_shut(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    enum pool_verdict v;

    if (!pool_is_shut(p, now_ns))
        return false;
    v = pool_arrive(p, r, now_ns);
    WEIR_ASSERT(v == POOL_REFUSE);
    return true;
}

void pool_end(struct pool *p, struct pool_request *r, const struct pool_report *rep,
              uint64_t now_ns)
{
    pool_release(p, r, rep, now_ns);
    pool_settle(p, r, rep, now_ns);
    pool_free_place(p, r);
    r->state = REQUEST_ENDED;
    pool_serve_queue(p, now_ns);
}

/* Only what may not have reached the backend, and only where nobody else needs the place. */
static bool may_retry(const struct pool *p, const struct pool_request *r,
                      const struct pool_report *rep, uint64_t now_ns)
{
    bool safe = rep->outcome == OUTCOME_CONNECT_FAILED || rep->outcome == OUTCOME_FAILED ||
                rep->outcome == OUTCOME_REFUSED;

    return safe && !r->first && !rep->aborted && r->attempts < POOL_ATTEMPTS_MAX &&
           r->class != CLASS_BATCH && p->conf->retry.budget > 0 && p->queue.length == 0 &&
           !pool_sheds(p, now_ns);
}

static bool send_again(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    struct choice c;

    if (p->budget.tokens < 1)
        return false;
    c = choose(p, r, r->tried, now_ns);
    if (c.upstream < 0 || !budget_pay(&p->budget))
        return false;
    c.rule = c.rule == RULE_ROOM || c.rule == RULE_CANARY ? RULE_RETRY : c.rule;
    pool_send(p, r, &c, now_ns);
    rate_add(&p->retried, now_ns);
    return true;
}

enum pool_verdict pool_retry(struct pool *p, struct pool_request *r, const struct pool_report *rep,
                             uint64_t now_ns)
{
    bool may = may_retry(p, r, rep, now_ns);

    pool_release(p, r, rep, now_ns);
    r->tried = r->upstream;
    if (may && send_again(p, r, now_ns))
        return POOL_ADMIT;
    r->numbers.rule = RULE_RETRY_BUDGET;
    pool_settle(p, r, rep, now_ns);
    pool_free_place(p, r);
    r->state = REQUEST_ENDED;
    pool_serve_queue(p, now_ns);
    return POOL_REFUSE;
}

void pool_leave(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    static const struct pool_report gone = {.outcome = OUTCOME_NEUTRAL, .aborted = true};

    if (r->state == REQUEST_SENT) { /* woken, and not told yet */
        pool_settle(p, r, NULL, now_ns);
        pool_end(p, r, &gone, now_ns);
        return;
    }
    if (r->state == REQUEST_QUEUED && r->asking) {
        pool_stop_asking(r);
        r->state = REQUEST_ENDED;
    } else if (r->state == REQUEST_QUEUED) {
        queue_remove(&p->queue, r);
        pool_settle(p, r, NULL, now_ns);
        pool_free_place(p, r);
        r->state = REQUEST_ENDED;
    } else if (r->woken) {
        list_remove(&r->node);
        r->woken = false;
    }
}

struct pool_request *pool_next_woken(struct pool *p)
{
    struct pool_request *r;

    if (list_empty(&p->woken))
        return NULL;
    r = LIST_OBJECT(p->woken.next, struct pool_request, node);
    list_remove(&r->node);
    r->woken = false;
    return r;
}

void pool_expire(struct pool *p, uint64_t now_ns)
{
    pool_expire_waiting(p, true, now_ns);
}

uint64_t pool_next_expiry(const struct pool *p)
{
    return queue_next_expiry(&p->queue);
}

bool pool_next_event(struct pool *p, struct pool_event *ev)
{
    return event_take(&p->events, ev);
}
