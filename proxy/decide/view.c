/* SPDX-License-Identifier: Apache-2.0 */
/* What operators and metrics are shown of a pool. */
#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define NOBODY_ASKS_NS    (2 * NS_PER_S) /* under traffic the first probe leaves at once */
#define PROBES_EXPECTED_S 1.0            /* a guess: three first tokens */

/*
 * Seconds until the share is 1, 0 = it is, negative = nobody knows: it depends on an operator, or
 * on an upstream that has not answered a probe yet.
 */
static double expected_full_s(const struct pool *p, const struct breaker *b, uint64_t now_ns)
{
    const struct ramp_conf *c = &p->conf->ramp;
    struct ramp fresh = b->ramp;

    fresh.share = c->start;
    switch (b->state) {
    case BREAKER_CLOSED:
        return 0;
    case BREAKER_RAMPING:
        return b->ramp.held ? -1 : ramp_expected_s(&b->ramp, c, now_ns);
    case BREAKER_HALF_OPEN:
        return b->good == 0 ? -1 : PROBES_EXPECTED_S + ramp_expected_s(&fresh, c, now_ns);
    case BREAKER_OPEN:
    case BREAKER_DRAINED:
        return -1;
    }
    WEIR_UNREACHABLE("breaker state");
}

static void view_window(const struct breaker *b, struct upstream_view *v, uint64_t now_ns)
{
    struct window w = b->window;

    window_advance(&w, now_ns);
    v->ok = window_sum(&w, OUTCOME_OK);
    v->failed = window_sum(&w, OUTCOME_FAILED);
    v->connect_failed = window_sum(&w, OUTCOME_CONNECT_FAILED);
    v->stalled = window_sum(&w, OUTCOME_STALLED);
    v->refused = window_sum(&w, OUTCOME_REFUSED);
    v->neutral = window_sum(&w, OUTCOME_NEUTRAL);
    v->on_time = window_sum(&w, WINDOW_ON_TIME);
    v->late = window_sum(&w, WINDOW_LATE);
}

static void view_load(const struct upstream *u, struct upstream_view *v)
{
    v->pending = u->pending;
    v->inflight = u->inflight;
    v->streams = u->streams;
    v->system = u->system;
    v->elsewhere = u->elsewhere;
    v->limit_pending = u->limiter.pending;
    v->limit_streams = limiter_streams(&u->limiter);
    v->max_streams = u->limiter.most;
    v->pace_ns = u->pace.now_s * (double)NS_PER_S;
    v->pace_target_ns = u->pace.target_s * (double)NS_PER_S;
}

void pool_upstream_view(const struct pool *p, size_t upstream, struct upstream_view *v,
                        uint64_t now_ns)
{
    const struct upstream *u = &p->upstream[upstream];
    const struct breaker *b = &u->breaker;

    WEIR_ASSERT(upstream < p->n_upstreams);
    memset(v, 0, sizeof *v);
    v->state = u->membership == MEMBER_RESERVED ? BREAKER_RAMPING : b->state; /* in a moment */
    memcpy(v->cause, b->cause, sizeof v->cause);
    v->probes_good = b->state == BREAKER_HALF_OPEN ? b->good : 0;
    v->waits_first = b->state == BREAKER_HALF_OPEN && b->vouched && b->probes == 0 &&
                     now_ns - b->since_ns >= NOBODY_ASKS_NS;
    v->since_ns = b->since_ns;
    v->until_ns = b->state == BREAKER_OPEN ? b->until_ns : 0;
    v->binds = upstream_binding(p, u, now_ns);
    v->cooldown_until_ns = cooldown_of_known(&u->cooldown, now_ns);
    v->share = breaker_share(b);
    v->known_good = b->known_good;
    v->ramp_allows = b->state == BREAKER_RAMPING ? ramp_allows(&b->ramp, b->known_good) : 0;
    v->ramp_held = upstream_override_on(u, OVERRIDE_RAMP_HOLD);
    v->expected_full_s = expected_full_s(p, b, now_ns);
    for (int i = 0; i < OVERRIDE_COUNT; i++) {
        v->override_on[i] = upstream_override_on(u, (enum pool_override)i);
        v->override_until_ns[i] = v->override_on[i] ? u->override_until_ns[i] : 0;
    }
    view_load(u, v);
    view_window(b, v, now_ns);
}

/* Weighted by what each is known to carry; where nobody carried anything yet, the plain mean. */
static double pool_share(const struct pool *p)
{
    double weights = 0, weighted = 0, plain = 0, n = 0;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct breaker *b = &p->upstream[i].breaker;
        if (p->upstream[i].membership != MEMBER)
            continue;
        n++;
        weights += b->known_good;
        weighted += b->known_good * breaker_share(b);
        plain += breaker_share(b);
    }
    return weights > 0 ? weighted / weights : plain / num_max(n, 1);
}

/* Of the upstreams that are coming back; what an operator drained is not waited for. */
static double pool_expected_full_s(const struct pool *p, uint64_t now_ns)
{
    double latest = 0;
    bool any = false;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct breaker *b = &p->upstream[i].breaker;
        double s = expected_full_s(p, b, now_ns);
        if (b->state == BREAKER_DRAINED || p->upstream[i].membership != MEMBER)
            continue;
        any = true;
        if (s < 0)
            return -1;
        latest = num_max(latest, s);
    }
    return any ? latest : -1;
}

void pool_view(const struct pool *p, struct pool_view *v, uint64_t now_ns)
{
    memset(v, 0, sizeof *v);
    v->share = pool_share(p);
    v->queued = p->queue.length;
    memcpy(v->queued_by_class, p->queue.by_class, sizeof v->queued_by_class);
    v->oldest_ns = queue_oldest_arrival(&p->queue);
    v->last_shed_ns = p->last_shed_ns;
    if (p->user_rule_ns > 0 && now_ns - p->user_rule_ns < POOL_SHED_MEMORY_NS)
        v->user_rule = p->user_rule;
    v->limits_reached = p->quota == NULL ? 0 : quota_reached(p->quota, now_ns);
    v->admitted_per_s = rate_now(&p->admitted, now_ns);
    v->retries_per_s = rate_now(&p->retried, now_ns);
    v->arrivals_per_s = rate_now(&p->arrived, now_ns);
    v->expected_full_s = pool_expected_full_s(p, now_ns);
    memcpy(v->observed, p->observed, sizeof v->observed);
    memcpy(v->observed_rule, p->observed_rule, sizeof v->observed_rule);
}
