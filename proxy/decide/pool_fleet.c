/* SPDX-License-Identifier: Apache-2.0 */
/* A pool as a node of a fleet: what the rules of fleet_node.c mean for its upstreams and queue. */
#include "weir/decide/pool_fleet.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/fleet_expect.h"
#include "weir/decide/pool_priv.h"

#define OTHERS_NS (10 * NS_PER_S) /* the longest pause between two tries to connect, twice */

void pool_fleet_attach(struct pool *p, struct fleet_node *node, uint64_t now_ns)
{
    WEIR_ASSERT(p->n_upstreams <= POOL_UPSTREAMS_MAX);
    p->fleet = node;
    for (size_t i = 0; i < p->n_upstreams; i++)
        p->upstream[i].fleet = node != NULL ? &node->place[i] : NULL;
    pool_serve_queue(p, now_ns);
}

static struct fleet_place *place_of(const struct pool *p, size_t upstream)
{
    WEIR_ASSERT(p->fleet != NULL && upstream < p->n_upstreams);
    return p->upstream[upstream].fleet;
}

void pool_fleet_share(struct pool *p, size_t upstream, bool shared, uint64_t now_ns)
{
    struct fleet_place *f = place_of(p, upstream);

    if (f->shared == shared)
        return;
    fleet_place_init(f);
    f->shared = shared;
    pool_serve_queue(p, now_ns);
}

enum fleet_state pool_fleet_state(const struct pool *p)
{
    return p->fleet != NULL ? p->fleet->state : FLEET_OFF;
}

/* --- what the fleet says to a request */

bool upstream_is_joined(const struct pool *p, const struct upstream *u)
{
    return p->fleet != NULL && !p->handed && fleet_place_is_joined(p->fleet, u->fleet);
}

bool upstream_is_alone(const struct pool *p, const struct upstream *u)
{
    return p->fleet != NULL && u->fleet->shared && p->fleet->state == FLEET_ALONE;
}

/*
 * Of its own breaker a node keeps OPEN and its probes.  How fast the upstream gets its load back is
 * the fleet's to say, which knows of all of it; but what an operator has set here stands, unless
 * the fleet's ramp is held.
 */
enum rule upstream_fleet_state(const struct pool *p, const struct upstream *u, enum rule own)
{
    enum rule fleet;

    if (!upstream_is_joined(p, u))
        return own;
    if (own == RULE_RAMP && (!u->breaker.by_hand || u->fleet->plan.held))
        own = RULE_ROOM;
    if (own != RULE_ROOM && own != RULE_PROBE)
        return own;
    fleet = fleet_place_state(p->fleet, u->fleet);
    return fleet == RULE_ROOM ? own : fleet;
}

static int best_waiting(const struct pool *p)
{
    for (int rank = 0; rank < POOL_RANKS; rank++)
        if (!list_empty(&p->queue.rank[rank]))
            return rank;
    return FLEET_NO_RANK;
}

static struct fleet_demand demand_of(const struct pool *p, const struct upstream *u, int rank,
                                     uint64_t now_ns)
{
    return (struct fleet_demand){upstream_load(u), u->pending, rank, p->queue.length, now_ns};
}

enum rule upstream_fleet_ask(const struct pool *p, struct upstream *u, const struct pool_request *r,
                             uint64_t now_ns)
{
    struct fleet_demand d = demand_of(p, u, r->rank, now_ns);
    uint32_t most = u->limiter.most;

    if (u->limiter.override > 0 && u->limiter.override < most)
        most = u->limiter.override;
    if (d.load >= most)
        return RULE_STREAM_LIMIT;
    return fleet_place_ask(p->fleet, u->fleet, &d);
}

/* For a lease after it was alone. */
static bool is_just_back(const struct fleet_node *n, uint64_t now_ns)
{
    return n->rejoined_ns > 0 && now_ns - n->rejoined_ns < FLEET_LEASE_NS;
}

/* Of max_streams places are kept for nodes that are alone; of a limit that was learnt none. */
static bool is_divided(const struct upstream *u)
{
    return 2 * u->fleet->left_total > u->limiter.most;
}

/*
 * Joined just now, and no plan is there yet: neither the fleet's rules hold nor those of a node
 * that is alone.  Who is new goes by the permits, which the store has counted with those of the
 * others; who is back exceeds neither what it carried nor its part of max_streams.
 */
static uint32_t most_without_plan(const struct pool *p, const struct upstream *u, uint64_t now_ns)
{
    const struct fleet_node *n = p->fleet;
    uint32_t nodes = n->left_nodes > 0 ? n->left_nodes : 1;

    if (n->rejoined_ns == 0)
        return fleet_place_permits(n, u->fleet, now_ns);
    return num_floor(num_max(1, num_min(u->fleet->own_streams, u->limiter.most / nodes)));
}

bool upstream_is_beyond_part(const struct pool *p, const struct upstream *u, uint64_t now_ns)
{
    const struct fleet_node *n = p->fleet;

    if (upstream_is_alone(p, u))
        return upstream_load(u) >= fleet_place_most(n, u->fleet, u->limiter.most, now_ns);
    return n != NULL && n->state == FLEET_JOINED && u->fleet->shared && u->fleet->plan.epoch == 0 &&
           now_ns - n->since_ns < FLEET_LEASE_NS &&
           upstream_load(u) >= most_without_plan(p, u, now_ns);
}

uint64_t upstream_fleet_until(const struct pool *p, const struct upstream *u)
{
    if (!upstream_is_joined(p, u) || u->fleet->plan.state != BREAKER_OPEN)
        return 0;
    return u->fleet->plan_ns + u->fleet->plan.left_ns;
}

uint32_t upstream_used_elsewhere(const struct pool *p, const struct upstream *u)
{
    return upstream_is_joined(p, u) ? u->fleet->others.used : 0;
}

uint32_t upstream_pending_elsewhere(const struct pool *p, const struct upstream *u)
{
    return upstream_is_joined(p, u) ? u->fleet->others.pending : 0;
}

/* --- what happens on a request's way */

void pool_fleet_arrived(struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    if (p->fleet != NULL && !request_is_system(r))
        fleet_node_arrived(p->fleet, now_ns);
}

void upstream_fleet_sent(struct pool *p, struct upstream *u, struct pool_request *r)
{
    struct fleet_place *f = u->fleet;

    r->fleet_probe = r->fleet_lone = false;
    if (p->fleet == NULL)
        return;
    r->fleet_generation = f->plan.generation;
    r->fleet_sent = f->plan.sent;
    f->count.sent++;
    if (!upstream_is_joined(p, u))
        return;
    if (f->plan.state == BREAKER_HALF_OPEN)
        r->fleet_probe = fleet_place_take_probe(p->fleet, f);
    fleet_place_sent(p->fleet, f, upstream_load(u) + 1);
}

void upstream_fleet_started(struct pool *p, struct upstream *u, const struct pool_request *r)
{
    if (p->fleet == NULL)
        return;
    if (r->stream && r->sent_ns > u->fleet->passed_at_ns)
        u->fleet->passed_at_ns = r->sent_ns;
    if (upstream_is_joined(p, u))
        fleet_place_started(u->fleet);
}

bool upstream_was_passed_elsewhere(const struct upstream *u, const struct pool_request *r)
{
    const struct fleet_place *f = u->fleet;

    return f != NULL && f->plan.epoch > 0 && f->plan.passed_ns < f->plan_ns &&
           f->plan_ns - f->plan.passed_ns > r->sent_ns;
}

uint64_t upstream_sent_elsewhere(const struct upstream *u, const struct pool_request *r)
{
    const struct fleet_place *f = u->fleet;

    if (f == NULL || f->plan.epoch == 0 || r->fleet_sent == 0 || f->plan.sent < r->fleet_sent)
        return 0;
    return f->plan.sent - r->fleet_sent;
}

void upstream_fleet_ended(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    struct fleet_demand d;

    if (!upstream_is_joined(p, u))
        return;
    d = demand_of(p, u, best_waiting(p), now_ns);
    fleet_place_ended(p->fleet, u->fleet, &d);
}

/* --- calls to the store */

/*
 * A node sends one at a time at the least; where the fleet's limit was less than one for each node,
 * that one is more than the node's share of it, and the sum would be more than the fleet's limit.
 */
static double brought(double limit, double fleet, uint32_t nodes)
{
    double share = fleet / nodes;

    return share > 0 && share < 1 ? share + num_max(0, limit - 1) : limit;
}

static void note_own(const struct pool *p, const struct upstream *u, double *streams,
                     double *pending)
{
    const struct fleet_limits *fleet = &u->fleet->plan.limits;

    *streams = brought(u->limiter.streams, fleet->streams, p->fleet->nodes);
    *pending = brought(u->limiter.pending, fleet->pending, p->fleet->nodes);
}

/* What it brings: while it is alone its own limits, and for a lease after it. */
static void report_own(const struct pool *p, const struct upstream *u, struct fleet_record *out,
                       uint64_t now_ns)
{
    const struct fleet_node *n = p->fleet;

    if (n->state == FLEET_ALONE) {
        note_own(p, u, &out->own_streams, &out->own_pending);
    } else if (is_just_back(n, now_ns)) {
        out->own_streams = u->fleet->own_streams;
        out->own_pending = u->fleet->own_pending;
    }
}

/*
 * Its own breaker opened while the fleet sent requests there.  When the fleet comes back from OPEN
 * the own breakers of many nodes still wait for a probe, which says nothing.
 */
static bool note_open(const struct upstream *u)
{
    const struct breaker *b = &u->breaker;
    struct fleet_place *f = u->fleet;

    if (b->generation != f->own_generation && !b->by_hand && breaker_lets_through(f->plan.state))
        f->tripped = f->plan.generation + 1;
    f->own_generation = b->generation;
    return f->tripped == f->plan.generation + 1 &&
           (b->state == BREAKER_OPEN || b->state == BREAKER_HALF_OPEN);
}

static uint64_t quiet_ns(const struct upstream *u, uint64_t now_ns)
{
    uint64_t at_ns = u->content_ns > u->sign_ns ? u->content_ns : u->sign_ns;

    return now_ns - at_ns;
}

void pool_fleet_report(struct pool *p, size_t upstream, struct fleet_record *out, uint64_t now_ns)
{
    struct fleet_place *f = place_of(p, upstream);
    struct upstream *u = &p->upstream[upstream];

    upstream_count_streams(u, now_ns);
    *out = f->count;
    out->events = u->events > u->firsts ? u->events - u->firsts : 0;
    out->gaps_ns = u->gaps_ns;
    out->used = upstream_load(u);
    out->pending = u->pending;
    out->stuck = u->stuck;
    out->streams = u->streams;
    out->waiting = p->queue.length;
    out->override = u->limiter.override;
    out->passed_ns = now_ns - f->passed_at_ns;
    out->quiet_ns = quiet_ns(u, now_ns);
    out->silence = upstream_silence(p, u, now_ns);
    out->unary = upstream_is_unary(p, u, now_ns);
    out->shown = u->limiter.doubt.shown;
    out->open = note_open(u);
    out->bound_streams = f->bound_streams;
    out->bound_pending = f->bound_pending;
    f->bound_streams = f->bound_pending = false;
    report_own(p, u, out, now_ns);
    fleet_expect_tell(&u->learnt[KIND_GENERATION].predict, &out->expect);
    f->told = out->expect;
    out->alone = p->fleet->alone;
    out->nodes = p->fleet->nodes;
    out->epoch = f->plan.epoch;
    out->plan_streams = f->plan.limits.streams;
    out->plan_pending = f->plan.limits.pending;
    fleet_record_mend(out, u->limiter.most);
}

/* Others that were there may still be alone: each looks for the store in its own time. */
static bool is_back_early(const struct fleet_node *n, const struct upstream *u, uint64_t now_ns)
{
    return n->rejoined_ns > 0 && n->nodes < n->left_nodes && now_ns - n->rejoined_ns < OTHERS_NS &&
           is_divided(u);
}

/*
 * While it is alone, for a lease after it, and until the others are back, it takes nothing beyond
 * what it carried.
 */
static uint32_t most_of(const struct pool *p, const struct upstream *u, uint64_t now_ns)
{
    const struct fleet_node *n = p->fleet;
    uint32_t part;
    double own;

    if (n->state == FLEET_ALONE)
        own = u->limiter.streams;
    else if (is_just_back(n, now_ns) || is_back_early(n, u, now_ns))
        own = u->fleet->own_streams;
    else
        return UINT32_MAX;
    part = fleet_place_most(n, u->fleet, u->limiter.most, now_ns);
    return num_floor(num_min(own, part));
}

void pool_fleet_ask(struct pool *p, size_t upstream, struct fleet_ask *out, uint64_t now_ns)
{
    struct fleet_place *f = place_of(p, upstream);
    struct upstream *u = &p->upstream[upstream];
    struct fleet_demand d = demand_of(p, u, best_waiting(p), now_ns);

    fleet_place_begin(p->fleet, f, out, &d, most_of(p, u, now_ns));
}

/* Back from being alone: what it carries is its own until the leader has heard of it. */
static void join(struct pool *p, uint64_t now_ns)
{
    struct fleet_node *n = p->fleet;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream *u = &p->upstream[i];
        u->fleet->own_streams = u->fleet->own_pending = 0;
        if (n->state == FLEET_ALONE)
            note_own(p, u, &u->fleet->own_streams, &u->fleet->own_pending);
    }
    if (n->state == FLEET_ALONE)
        n->rejoined_ns = now_ns;
    n->state = FLEET_JOINED;
    n->since_ns = now_ns;
}

void pool_fleet_answer(struct pool *p, size_t upstream, const struct fleet_answer *a,
                       uint64_t now_ns)
{
    struct fleet_place *f = place_of(p, upstream);

    if (f->asked_ns == 0 || !f->shared)
        return;
    fleet_place_answer(p->fleet, f, a, now_ns);
    if (p->fleet->state != FLEET_JOINED)
        join(p, now_ns);
    pool_serve_queue(p, now_ns);
}

void pool_fleet_no_answer(struct pool *p, size_t upstream, uint64_t now_ns)
{
    struct fleet_place *f = place_of(p, upstream);

    if (f->asked_ns == 0)
        return;
    fleet_place_no_answer(f);
    pool_serve_queue(p, now_ns);
}

void pool_fleet_apply(struct pool *p, size_t upstream, const struct fleet_plan *plan,
                      uint64_t now_ns)
{
    struct fleet_place *f = place_of(p, upstream);
    struct upstream *u = &p->upstream[upstream];
    bool hears = p->fleet->state == FLEET_JOINED || f->asked_ns > 0; /* its answer comes, too */

    if (!f->shared || !hears || !fleet_place_apply(f, plan, u->limiter.most, now_ns))
        return;
    fleet_expect_follow(&u->learnt[KIND_GENERATION].predict, &f->told, &f->plan.expect);
    upstream_resolve_guesses(p, u, KIND_GENERATION, upstream_is_unary(p, u, now_ns));
    pool_serve_queue(p, now_ns);
}

int pool_fleet_wants(const struct pool *p, uint64_t now_ns)
{
    bool leases = pool_lease_wants(p);

    (void)now_ns;
    if (p->fleet == NULL)
        return -1;
    for (size_t n = 0; n < p->n_upstreams; n++) {
        size_t i = (p->rotate + n) % p->n_upstreams;
        const struct upstream *u = &p->upstream[i];
        if (upstream_is_joined(p, u) && u->membership == MEMBER && (u->fleet->wants || leases) &&
            u->fleet->asked_ns == 0 && fleet_place_state(p->fleet, u->fleet) == RULE_ROOM)
            return (int)i;
    }
    return -1;
}

void pool_fleet_view(const struct pool *p, size_t upstream, struct pool_fleet_view *v,
                     uint64_t now_ns)
{
    const struct upstream *u = &p->upstream[upstream];
    const struct fleet_place *f = u->fleet;

    WEIR_ASSERT(upstream < p->n_upstreams);
    (void)now_ns;
    *v = (struct pool_fleet_view){.state = pool_fleet_state(p), .used = upstream_load(u)};
    if (p->fleet == NULL)
        return;
    v->shared = f->shared;
    v->nodes = p->fleet->nodes;
    v->breaker = BREAKER_CLOSED;
    v->share = 1;
    if (!upstream_is_joined(p, u))
        return;
    v->limit = f->plan.total;
    v->held = f->held;
    v->share = f->plan.share;
    v->breaker = f->plan.state;
    v->own_path = v->breaker == BREAKER_CLOSED &&
                  (u->breaker.state == BREAKER_OPEN || u->breaker.state == BREAKER_HALF_OPEN);
    v->probes = fleet_place_state(p->fleet, f) == RULE_PROBE;
    memcpy(v->probe, f->plan.probe, sizeof v->probe);
    v->waiting_elsewhere = f->others.better + f->others.equal;
}
