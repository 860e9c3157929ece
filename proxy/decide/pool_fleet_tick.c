/* SPDX-License-Identifier: Apache-2.0 */
/* The tick of a pool in a fleet: its limits follow the plan, and from where it is left alone. */
#include "breaker_priv.h"
#include "weir/base/assert.h"
#include "weir/decide/pool_fleet.h"
#include "weir/decide/pool_priv.h"

/* What the fleet knew of an upstream is no secret from the breaker that is alone with it now. */
static void inherit_state(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct breaker *b = &u->breaker;
    enum breaker_state fleet = u->fleet->plan.state;

    if (fleet == BREAKER_OPEN || fleet == BREAKER_HALF_OPEN) {
        if (!b->forced_closed && breaker_lets_through(b->state))
            breaker_trip(b, &rules, "fleet");
    } else if (fleet == BREAKER_RAMPING && b->state == BREAKER_CLOSED && !b->forced_closed) {
        ramp_begin(&b->ramp, u->fleet->plan.share, now_ns);
        breaker_enter(b, &rules, BREAKER_RAMPING, "fleet");
    }
}

static void leave(struct pool *p, uint64_t now_ns)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream *u = &p->upstream[i];
        if (upstream_is_joined(p, u))
            inherit_state(p, u, now_ns);
    }
    fleet_node_leave(p->fleet, now_ns);
}

void pool_fleet_alone(struct pool *p, uint64_t now_ns)
{
    WEIR_ASSERT(p->fleet != NULL);
    if (p->fleet->state == FLEET_ALONE)
        return;
    leave(p, now_ns);
    pool_serve_queue(p, now_ns);
}

/* What nobody renews must not hold for ever: least of all that nothing is sent. */
static void forget_stale(struct pool *p, uint64_t now_ns)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream *u = &p->upstream[i];
        if (!upstream_is_joined(p, u) || !fleet_place_is_stale(u->fleet, now_ns))
            continue;
        inherit_state(p, u, now_ns);
        fleet_place_forget(u->fleet);
    }
}

void pool_fleet_tick(struct pool *p, uint64_t now_ns)
{
    if (p->fleet == NULL)
        return;
    if (fleet_node_is_lost(p->fleet, now_ns))
        leave(p, now_ns);
    else
        forget_stale(p, now_ns);
}

bool upstream_fleet_follow(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    const struct fleet_place *f = u->fleet;
    struct limiter_lead lead;

    if (!upstream_is_joined(p, u))
        return false;
    lead = (struct limiter_lead){
        .streams = num_max(f->held, fleet_place_part(p->fleet, f, now_ns)),
        .pending = fleet_place_pending(p->fleet, f, now_ns),
        .doubt = f->plan.limits.doubt,
        .shown = f->plan.limits.shown,
        .start = f->plan.limits.start,
        .cold = f->plan.limits.cold,
        .in_streams = u->streams,
        .now_ns = now_ns,
        .elapsed_ns = now_ns - p->tick_ns,
    };
    limiter_follow(&u->limiter, &lead);
    return true;
}

void upstream_fleet_slide(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    double streams, pending;

    if (upstream_is_alone(p, u) &&
        fleet_place_slides(p->fleet, u->fleet, &streams, &pending, now_ns))
        limiter_put(&u->limiter, streams, pending);
}
