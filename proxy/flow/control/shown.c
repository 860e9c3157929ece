/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this node tells its fleet of itself, for people to see: made once a second.  Control thread.
 */
#include <stdio.h>
#include <string.h>

#include "control/control_priv.h"
#include "control/fleet.h"

static const bool is_failure[OUTCOME_COUNT] = {
#define ROW(e, name, failure, means) [e] = failure,
    WEIR_OUTCOMES(ROW)
#undef ROW
};

static uint32_t at_most(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* The totals now go into the ring; *u gets what came since those of FLEET_LATELY_S seconds ago. */
static void lately(struct control *c, int slot, struct fleet_shown_upstream *u)
{
    struct outcome_totals *ring = c->upstreams[slot].outcomes, now = {0}, then;
    struct upstream_sum sum;

    control_sum_upstream(c, slot, &sum);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        now.failed += is_failure[o] ? sum.outcomes[o] : 0;
    now.ok = sum.outcomes[OUTCOME_OK];
    now.refused = sum.outcomes[OUTCOME_REFUSED];
    ring[c->clock.seconds % (FLEET_LATELY_S + 1)] = now;
    then = ring[(c->clock.seconds + 1) % (FLEET_LATELY_S + 1)]; /* zeros at the start */
    u->ok = at_most(now.ok - then.ok);
    u->failed = at_most(now.failed - then.failed);
    u->refused = at_most(now.refused - then.refused);
}

static void show_pool(struct control *c, const struct snapshot_pool *p,
                      struct fleet_shown_pool *out)
{
    uint64_t now = loop_now_ns(c->loop), refused = 0;
    struct pool_view v;

    pool_view(gate_lock(p->gate), &v, now);
    gate_unlock(p->gate);
    for (int i = 0; i < CAUSE_COUNT; i++)
        refused += control_shed_in(c, p->slot, FLEET_LATELY_S, (enum cause)i);
    (void)snprintf(out->name, sizeof out->name, "%s", p->conf->name);
    out->state = c->pools[p->slot].state;
    out->waiting = v.queued;
    out->admitted = at_most(control_admitted_in(c, p->slot, FLEET_LATELY_S));
    out->refused = at_most(refused);
    out->limited = v.limits_reached;
}

static void show_upstream(struct control *c, const struct snapshot_pool *p, size_t i,
                          struct fleet_shown_upstream *out)
{
    const struct snapshot_upstream *u = &p->upstreams[i];
    struct pool_fleet_view f;
    struct upstream_view v;

    pool_upstream_view(gate_lock(p->gate), (size_t)u->place, &v, loop_now_ns(c->loop));
    gate_unlock(p->gate);
    control_fleet_view_upstream(c, p, i, &f);
    (void)snprintf(out->name, sizeof out->name, "%s/%s", p->conf->name, u->conf->name);
    out->state = v.state;
    out->shared = f.shared;
    out->limit = (uint32_t)v.limit_streams;
    out->held = f.held;
    out->used = v.inflight;
    out->pending = v.pending;
    lately(c, u->slot, out);
}

void control_shown_second(struct control *c)
{
    struct fleet_shown *out = &c->shown;
    static struct fleet_shown_upstream beyond; /* its totals are kept all the same */

    out->state = c->service.state;
    out->n_pools = out->n_upstreams = 0;
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];

        if (out->n_pools < FLEET_SHOWN_POOLS)
            show_pool(c, p, &out->pools[out->n_pools++]);
        for (size_t i = 0; i < p->n_upstreams; i++)
            show_upstream(c, p, i,
                          out->n_upstreams < FLEET_SHOWN_UPSTREAMS
                              ? &out->upstreams[out->n_upstreams++]
                              : &beyond);
    }
}

const struct fleet_shown *control_shown(const struct control *c)
{
    return &c->shown;
}
