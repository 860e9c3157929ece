/* SPDX-License-Identifier: Apache-2.0 */
/* The permits of a fleet, and how often its nodes speak.  Of nobody; pure. */
#include "weir/decide/fleet.h"

#include "weir/decide/num.h"

#define STORE_NS          UINT64_C(15000) /* of the store, for a call, and ... */
#define STORE_UPSTREAM_NS UINT64_C(10000) /* ... for each upstream in it */
#define STORE_BUSY_PART   4u              /* at most one part in so many of its time */
#define PERIOD_MIN_NS     (250 * NS_PER_MS)
#define PERIOD_MAX_NS     (2 * NS_PER_S)
#define ASK_MIN_NS        (50 * NS_PER_MS)
#define ASK_NODE_NS       (100 * NS_PER_US)
#define LEADER_MIN_NS     (1 * NS_PER_S)
#define LEADER_PERIODS_X2 5u   /* two and a half: one sync may be lost */
#define DIVIDED           1.25 /* where P binds, a permit passed on costs a first token's time */
#define SPARE_PART        2 /* of its part of what is free, a node holds one in so many unasked */

uint64_t fleet_period_ns(uint32_t nodes, uint32_t upstreams)
{
    uint64_t ns = nodes * (STORE_NS + STORE_UPSTREAM_NS * upstreams) * STORE_BUSY_PART;

    if (ns < PERIOD_MIN_NS)
        return PERIOD_MIN_NS;
    return ns < PERIOD_MAX_NS ? ns : PERIOD_MAX_NS;
}

uint64_t fleet_ask_gap_ns(uint32_t nodes)
{
    uint64_t ns = nodes * ASK_NODE_NS;

    return ns > ASK_MIN_NS ? ns : ASK_MIN_NS;
}

uint64_t fleet_leader_ttl_ns(uint32_t nodes, uint32_t upstreams)
{
    uint64_t ns = fleet_period_ns(nodes, upstreams) * LEADER_PERIODS_X2 / 2;

    return ns > LEADER_MIN_NS ? ns : LEADER_MIN_NS;
}

/* Of one: this node's arrivals of all.  Where nobody knows of any, all are alike. */
static double share_of(const struct fleet_others *o, const struct fleet_ask *ask)
{
    double all = o->weight + ask->weight;

    return all > 0 ? ask->weight / all : 1.0 / (o->nodes > 0 ? o->nodes : 1);
}

/* Permits that the others hold for what may come. */
static double unused_of(const struct fleet_others *o)
{
    return o->held > o->used ? o->held - o->used : 0;
}

/*
 * Requests that may still be sent without a first token: P less those that wait for theirs, and
 * less every permit that is not used yet, for it may be in a moment.
 */
static double open_of(double pending, const struct fleet_others *o, const struct fleet_ask *ask)
{
    return num_ceil(pending) - (double)o->pending - unused_of(o) - ask->pending;
}

/*
 * Places that it holds for what may come, so that nothing of it has to wait for an answer: its part
 * of half of what is free, and one at least where there is one for every node.  Where half of all
 * is free those that the others hold are counted with it: each has one then.
 */
static double spare_of(double free, double open, double share, bool over, bool roomy,
                       const struct fleet_others *o)
{
    double spare = num_floor(num_max(0, num_min(free / SPARE_PART, open) * share));
    double left = num_min(free, open), held = roomy && left >= 1 ? unused_of(o) : 0;

    if (o->better > 0 || (o->equal > 0 && over))
        return 0;
    return spare < 1 && o->equal == 0 && left + held >= o->nodes ? 1 : spare;
}

double fleet_divided(uint32_t total, double pending, double held, uint32_t nodes)
{
    return num_min(total, DIVIDED * (held + num_max(num_ceil(pending), nodes)));
}

uint32_t fleet_permits(uint32_t total, double pending, const struct fleet_others *o,
                       const struct fleet_ask *ask)
{
    double free = (double)total - o->held - ask->used, share = share_of(o, ask);
    double open = open_of(pending, o, ask);
    double fair = fleet_divided(total, pending, (double)o->held + ask->used, o->nodes) * share;
    double spare = spare_of(free, open, share, ask->used >= fair, 2 * free >= total, o);
    double room = num_min(free, open) - spare, held;

    if (ask->used > fair)
        room -= o->equal;
    if (o->better > 0)
        room = num_min(room, free - o->better);
    held = ask->used + spare + num_clamp(ask->waiting, 0, num_max(0, room));
    return num_floor(num_max(ask->used, num_min(held, ask->most)));
}
