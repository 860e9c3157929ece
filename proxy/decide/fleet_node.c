/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node of a fleet: what it may send by the plan and its permits, what it gives back, and how it
 * goes on alone.  The pool's side is pool_fleet.c.
 */
#include "weir/decide/fleet_node.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/num.h"

#define ARRIVED_NS  (5 * NS_PER_S)
#define PART_NS     (60 * NS_PER_S) /* a node that is alone has its whole part by then */
#define CALLS_AHEAD 2.0 /* arrivals of so many round trips are kept places for during a call */

void fleet_node_init(struct fleet_node *n, uint64_t self, uint32_t nodes, uint64_t now_ns)
{
    WEIR_ASSERT(self != 0);
    memset(n, 0, sizeof *n);
    n->self = self;
    n->nodes = nodes > 0 ? nodes : 1;
    n->since_ns = now_ns;
    n->arrived.at_ns = now_ns;
    for (size_t i = 0; i < POOL_UPSTREAMS_MAX; i++)
        fleet_place_init(&n->place[i]);
}

void fleet_place_init(struct fleet_place *f)
{
    memset(f, 0, sizeof *f);
    f->others.rank = FLEET_NO_RANK;
}

/* Arrivals a second. */
static double weight_of(const struct fleet_node *n, uint64_t now_ns)
{
    return n->arrived.per_s * num_decay(now_ns - n->arrived.at_ns, ARRIVED_NS);
}

void fleet_node_arrived(struct fleet_node *n, uint64_t now_ns)
{
    n->arrived.per_s = weight_of(n, now_ns) + 1 / num_s(ARRIVED_NS);
    n->arrived.at_ns = now_ns;
}

bool fleet_place_is_joined(const struct fleet_node *n, const struct fleet_place *f)
{
    return n->state == FLEET_JOINED && f->shared && f->plan.epoch > 0;
}

static double share_of(const struct fleet_node *n, const struct fleet_place *f, uint64_t now_ns)
{
    double weight = weight_of(n, now_ns), all = weight + f->others.weight;

    return all > 0 ? weight / all : 1.0 / n->nodes;
}

double fleet_place_part(const struct fleet_node *n, const struct fleet_place *f, uint64_t now_ns)
{
    return f->plan.total * share_of(n, f, now_ns);
}

double fleet_place_pending(const struct fleet_node *n, const struct fleet_place *f, uint64_t now_ns)
{
    return num_max(1, num_ceil(f->plan.limits.pending * share_of(n, f, now_ns)));
}

/* While a call is under way no more than it said it keeps. */
static uint32_t kept(const struct fleet_place *f)
{
    return f->asked_ns > 0 && f->claimed < f->held ? f->claimed : f->held;
}

/* Joined for a lease: all others that live have been heard of since. */
static bool is_settled(const struct fleet_node *n)
{
    return n->heard_ns >= n->since_ns + FLEET_LEASE_NS;
}

/* All could have twice as many as they have, and could for a lease; or before it was alone. */
static bool has_room(const struct fleet_node *n, const struct fleet_place *f)
{
    return is_settled(n) ? n->heard_ns >= f->crowded_ns + FLEET_LEASE_NS : f->left_room;
}

static void note_room(struct fleet_place *f, uint64_t now_ns)
{
    if (f->plan.epoch > 0 && 2.0 * f->held + 2.0 * f->others.held > f->plan.total)
        f->crowded_ns = now_ns;
}

/* Its part; what the others are worth is not known yet where not all have been heard of. */
static double known_part(const struct fleet_node *n, const struct fleet_place *f, uint64_t now_ns)
{
    return is_settled(n) || !f->left_room ? fleet_place_part(n, f, now_ns) : f->left_streams;
}

uint32_t fleet_place_permits(const struct fleet_node *n, const struct fleet_place *f,
                             uint64_t now_ns)
{
    uint32_t held = kept(f), part;

    if (now_ns - n->heard_ns < 2 * fleet_period_ns(n->nodes, 1) || !has_room(n, f))
        return held;
    part = num_floor(num_min(known_part(n, f, now_ns), (double)f->plan.total - f->others.held));
    return part > held ? part : held;
}

/* --- may it send? */

/* The one that it holds and has not sent, -1 = none. */
static int probe_held(const struct fleet_node *n, const struct fleet_place *f)
{
    for (int i = 0; i < FLEET_PROBES; i++)
        if (f->plan.probe[i] == n->self && f->plan.probe_number[i] != f->probed[i])
            return i;
    return -1;
}

bool fleet_place_take_probe(const struct fleet_node *n, struct fleet_place *f)
{
    int i = probe_held(n, f);

    if (i < 0)
        return false;
    f->probed[i] = f->plan.probe_number[i];
    f->count.probes_sent++;
    return true;
}

enum rule fleet_place_state(const struct fleet_node *n, const struct fleet_place *f)
{
    switch (f->plan.state) {
    case BREAKER_CLOSED:
    case BREAKER_RAMPING:
        return RULE_ROOM;
    case BREAKER_HALF_OPEN:
        return probe_held(n, f) >= 0 ? RULE_PROBE : RULE_HALF_OPEN;
    case BREAKER_OPEN:
    case BREAKER_DRAINED:
        break;
    }
    return RULE_BREAKER_OPEN;
}

static bool better_waits(const struct fleet_place *f, int rank, uint64_t now_ns)
{
    return f->others.rank < rank && f->better_ns > 0 && now_ns - f->better_ns < FLEET_RANK_NS;
}

enum rule fleet_place_ask(const struct fleet_node *n, struct fleet_place *f,
                          const struct fleet_demand *d)
{
    if (d->load >= fleet_place_permits(n, f, d->now_ns)) {
        f->bound_streams = f->wants = true;
        return RULE_FLEET_LIMIT;
    }
    if (d->pending >= num_ceil(f->plan.limits.pending)) {
        f->bound_pending = true;
        return RULE_PENDING_LIMIT;
    }
    if (better_waits(f, d->rank, d->now_ns)) {
        f->wants = true;
        return RULE_FLEET_RANK;
    }
    return RULE_ROOM;
}

void fleet_place_sent(const struct fleet_node *n, struct fleet_place *f, uint32_t load)
{
    f->wants = f->wants || (load >= kept(f) && has_room(n, f));
}

void fleet_place_ended(const struct fleet_node *n, struct fleet_place *f,
                       const struct fleet_demand *d)
{
    double all = (double)f->others.held + f->held;
    double part = fleet_divided(f->plan.total, f->plan.limits.pending, all, n->nodes) *
                  share_of(n, f, d->now_ns);
    bool keeps = f->held <= part && d->waiting > 0 && f->others.rank >= d->rank;
    uint32_t left = num_floor(num_max(d->load, num_floor(part)));

    if (f->asked_ns > 0 || f->others.rank == FLEET_NO_RANK || keeps || left >= f->held)
        return;
    f->held = left;
    f->wants = true;
}

void fleet_place_started(struct fleet_place *f)
{
    if (f->others.rank != FLEET_NO_RANK && f->plan.limits.pending < f->others.nodes)
        f->wants = true;
}

/* --- calls */

void fleet_place_begin(const struct fleet_node *n, struct fleet_place *f, struct fleet_ask *out,
                       const struct fleet_demand *d, uint32_t most)
{
    double weight = weight_of(n, d->now_ns);
    uint32_t ahead = num_floor(num_s(f->rtt_ns) * CALLS_AHEAD * weight + 0.5);
    uint32_t spare = f->held > d->load ? f->held - d->load : 0;

    f->claimed = d->load + (ahead < spare ? ahead : spare);
    f->asked_ns = d->now_ns;
    *out = (struct fleet_ask){
        .used = f->claimed,
        .pending = d->pending + f->claimed - d->load,
        .waiting = d->waiting > 0 ? d->waiting : f->missed,
        .rank = d->rank,
        .weight = weight,
        .most = most,
        .roomy = has_room(n, f),
    };
    f->wants = f->missed = false;
}

void fleet_place_answer(struct fleet_node *n, struct fleet_place *f, const struct fleet_answer *a,
                        uint64_t now_ns)
{
    struct fleet_others others = a->others;

    WEIR_ASSERT(f->asked_ns > 0);
    fleet_others_mend(&others);
    f->others = others;
    f->held = a->held > f->claimed ? a->held : f->claimed;
    if (others.rank != FLEET_NO_RANK)
        f->better_ns = now_ns;
    f->rtt_ns = now_ns - f->asked_ns;
    if (f->asked_ns > n->heard_ns)
        n->heard_ns = f->asked_ns;
    n->nodes = others.nodes;
    f->asked_ns = 0;
    note_room(f, now_ns);
}

/* It may have been counted or not; what it asked to keep is its own in both cases. */
void fleet_place_no_answer(struct fleet_place *f)
{
    f->held = kept(f);
    f->asked_ns = 0;
    f->wants = true;
}

bool fleet_place_apply(struct fleet_place *f, const struct fleet_plan *plan, uint32_t max_streams,
                       uint64_t now_ns)
{
    struct fleet_plan p = *plan;

    fleet_plan_mend(&p, max_streams);
    if (p.epoch <= f->plan.epoch)
        return false;
    f->plan = p;
    f->plan_ns = now_ns;
    return true;
}

bool fleet_place_is_stale(const struct fleet_place *f, uint64_t now_ns)
{
    return f->plan.epoch > 0 && now_ns - f->plan_ns >= FLEET_PLAN_NS;
}

void fleet_place_forget(struct fleet_place *f)
{
    f->plan.epoch = 0; /* whatever plan comes first counts */
}

/* --- alone */

bool fleet_node_is_lost(const struct fleet_node *n, uint64_t now_ns)
{
    return n->state == FLEET_JOINED && now_ns - n->heard_ns >= FLEET_LEASE_NS;
}

static double part_of(const struct fleet_node *n, double all)
{
    return num_max(1, all / n->nodes);
}

static void leave_place(const struct fleet_node *n, struct fleet_place *f, uint64_t now_ns)
{
    double part = num_floor(known_part(n, f, now_ns));

    f->left_held = f->held;
    f->left_total = f->plan.total;
    f->left_room = has_room(n, f);
    f->left_streams = 0;
    if (f->plan.epoch > 0) {
        f->left_streams = num_max(1, num_max(f->held, part));
        f->left_pending = fleet_place_pending(n, f, now_ns);
        f->alone_streams = part_of(n, f->plan.limits.streams);
        f->alone_pending = part_of(n, f->plan.limits.pending);
    }
    fleet_place_forget(f);
}

void fleet_node_leave(struct fleet_node *n, uint64_t now_ns)
{
    for (size_t i = 0; i < POOL_UPSTREAMS_MAX; i++)
        if (n->place[i].shared)
            leave_place(n, &n->place[i], now_ns);
    if (is_settled(n) || n->nodes > n->left_nodes)
        n->left_nodes = n->nodes;
    n->state = FLEET_ALONE;
    n->since_ns = now_ns;
    n->alone++;
}

/* How long it has not been heard. */
static uint64_t unheard_ns(const struct fleet_node *n, uint64_t now_ns)
{
    return n->heard_ns > 0 ? now_ns - n->heard_ns : UINT64_MAX;
}

uint32_t fleet_place_most(const struct fleet_node *n, const struct fleet_place *f,
                          uint32_t max_streams, uint64_t now_ns)
{
    double part = num_floor(part_of(n, max_streams));
    bool is_room = f->left_room || 2.0 * f->left_total <= max_streams; /* for twice as many */
    double most = num_min(part, is_room ? num_floor(f->left_streams) : f->left_held);
    uint64_t ns = unheard_ns(n, now_ns);

    if (ns >= PART_NS || f->left_streams <= 0) /* long ago, or it went by no plan */
        return num_floor(part);
    if (ns > FLEET_SLIDE_NS) /* what others have beyond their part ends meanwhile */
        most += (part - most) * num_s(ns - FLEET_SLIDE_NS) / num_s(PART_NS - FLEET_SLIDE_NS);
    return num_floor(most);
}

bool fleet_place_slides(const struct fleet_node *n, const struct fleet_place *f, double *streams,
                        double *pending, uint64_t now_ns)
{
    uint64_t ns = unheard_ns(n, now_ns);
    double done;

    if (f->left_streams <= 0 || ns >= FLEET_SLIDE_NS)
        return false;
    done = ns > FLEET_LEASE_NS ? num_s(ns - FLEET_LEASE_NS) / num_s(FLEET_SLIDE_NS - FLEET_LEASE_NS)
                               : 0;
    *streams = f->left_streams + done * (f->alone_streams - f->left_streams);
    *pending = f->left_pending + done * (f->alone_pending - f->left_pending);
    return true;
}
