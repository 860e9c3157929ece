/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_FLEET_NODE_H
#define WEIR_DECIDE_FLEET_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/fleet.h"
#include "weir/decide/rate.h"

/*
 * One node of a fleet: the plan and the permits it goes by, and what it does alone.  Part of a
 * pool (decide/pool_fleet.h), under its gate.  A pool without one does what it always did.
 *
 *     OFF ──first answer──► JOINED ──no answer for a lease──► ALONE ──an answer──► JOINED
 *      └──── never reached, and told so ────────────────────────┘
 */
enum fleet_state { FLEET_OFF, FLEET_JOINED, FLEET_ALONE };

/* What a node has of one upstream. */
struct fleet_place {
    bool shared;
    uint64_t heard_ns;      /* when the call was sent whose answer is in force; 0 = never */
    uint64_t plan_ns;       /* when the plan in force came */
    struct fleet_plan plan; /* epoch 0: none; the last good one stays */
    struct fleet_others others;
    uint64_t better_ns;                /* when a better rank was last seen to wait elsewhere */
    uint32_t held;                     /* permits */
    uint32_t claimed;                  /* while a call is under way: what it asked to keep */
    bool asking;                       /* a call is under way */
    bool wants;                        /* somebody found no permit since the last ask */
    bool bound_streams, bound_pending; /* since the last record */
    uint64_t asked_ns, rtt_ns;
    double alone_from;                 /* the limit with which it was left alone */
    uint32_t probed[FLEET_PROBES];     /* numbers of probes that were sent */
    uint64_t stream_ns, streams_at_ns; /* stream-time so far */
    struct fleet_record count;         /* the counters so far; nothing else of it is used */
};

struct fleet_node {
    uint64_t self; /* this node */
    enum fleet_state state;
    uint64_t since_ns;    /* of the state */
    uint32_t nodes;       /* alive when last known; as was set, if never; >= 1 */
    uint32_t alone;       /* times alone */
    uint64_t heard_ns;    /* when the last call was sent that was answered */
    uint64_t rejoined_ns; /* 0: it was never alone */
    struct rate arrived;
    struct fleet_place place[POOL_UPSTREAMS_MAX];
};

/* self: not 0.  nodes: as many as are assumed as long as nobody was reached. */
void fleet_node_init(struct fleet_node *n, uint64_t self, uint32_t nodes, uint64_t now_ns);

/* This node's part of the plan's total by its arrivals, t of the rules; and of P, at least 1. */
double fleet_node_part(const struct fleet_node *n, const struct fleet_place *f, double weight);
double fleet_node_pending(const struct fleet_node *n, const struct fleet_place *f, double weight);

/* Alone: the most it may have in flight of an upstream that bears max_streams. */
uint32_t fleet_node_most(const struct fleet_node *n, const struct fleet_place *f,
                         uint32_t max_streams, uint64_t now_ns);

#endif
