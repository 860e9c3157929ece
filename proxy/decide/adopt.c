/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream has shown survives a reload that changes the list of its pool's upstreams. */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

static void adopt_breaker(struct breaker *to, const struct breaker *from,
                          const struct breaker_rules *rules)
{
    struct event_ring *events = to->events;
    struct chance *chance = to->chance;
    int index = to->index;

    *to = *from;
    to->events = events;
    to->chance = chance;
    to->index = index;
    to->probes = to->good; /* probes under way end in the old pool: their places are free here */
    breaker_set_conf(to, rules);
}

void pool_adopt(struct pool *p, size_t i, const struct pool *from, size_t from_i, uint64_t now_ns)
{
    struct upstream *to = &p->upstream[i];
    const struct upstream *old = &from->upstream[from_i];
    struct breaker_rules rules = pool_rules(p, now_ns);
    uint32_t most = to->limiter.most;

    WEIR_ASSERT(i < p->n_upstreams && from_i < from->n_upstreams);
    to->limiter = old->limiter;
    limiter_set_most(&to->limiter, most);
    to->predict = old->predict;
    to->pace = old->pace;
    pace_note(&to->pace, old->streams, now_ns);
    to->hold = old->hold;
    to->last_stream_ns = old->last_stream_ns;
    to->streamed = old->streamed;
    for (int o = 0; o < OVERRIDE_COUNT; o++)
        to->override_until_ns[o] = old->override_until_ns[o];
    adopt_breaker(&to->breaker, &old->breaker, &rules);
}

void pool_adopt_people(struct pool *p, const struct pool *from)
{
    for (int s = 0; s < SET_COUNT; s++)
        p->mode[s] = from->mode[s];
    p->leases = from->leases;
    p->appoint_ns = from->appoint_ns;
    p->appointed = from->appointed;
    p->arrived = from->arrived;
    p->admitted = from->admitted;
    p->retried = from->retried;
    p->arrivals = from->arrivals;
    p->last_shed_ns = from->last_shed_ns;
    p->budget.tokens = num_min(from->budget.tokens, num_max(1, p->conf->retry.burst));
}

static double known_of_peers(const struct pool *p, size_t except)
{
    double sum = 0;

    for (size_t i = 0; i < p->n_upstreams; i++)
        sum += i != except ? p->upstream[i].breaker.known_good : 0;
    return p->n_upstreams > 1 ? sum / (double)(p->n_upstreams - 1) : 0;
}

void pool_join(struct pool *p, size_t i, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    WEIR_ASSERT(i < p->n_upstreams);
    p->upstream[i].breaker.known_good = known_of_peers(p, i);
    breaker_ramp_from(&p->upstream[i].breaker, &rules, p->conf->ramp.start, "added");
}
