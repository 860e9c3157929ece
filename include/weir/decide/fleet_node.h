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
    struct fleet_plan plan;            /* in force; epoch 0: none yet, or it was alone since */
    uint64_t plan_ns;                  /* when it came */
    struct fleet_others others;        /* by the last answer */
    uint64_t better_ns;                /* when a rank was last seen to wait elsewhere */
    uint32_t held;                     /* permits */
    uint32_t claimed;                  /* while a call is under way: what it asked to keep */
    uint64_t asked_ns;                 /* when it began; 0: none is under way */
    uint64_t rtt_ns;                   /* of the last one that was answered */
    bool wants;                        /* somebody found no permit, or one is to be given back */
    bool missed;                       /* ... while nobody waits here: it was refused at once */
    bool bound_streams;                /* since the last record the permits refused somebody, or */
    bool bound_pending;                /* ... this node's part of P did */
    double left_streams, left_pending; /* its limits when it was left alone, and where ... */
    double alone_streams, alone_pending; /* ... they go from there; 0: by themselves */
    uint32_t left_held, left_total;      /* permits at that time, and the fleet's */
    bool left_room;                      /* half of the places were free for a lease */
    uint64_t crowded_ns;                 /* when more than half of the places were last given out */
    double own_streams, own_pending;     /* its limits when it came back */
    uint32_t probed[FLEET_PROBES];       /* the last number of a probe that was sent */
    uint32_t own_generation;             /* of the own breaker when it was last reported */
    uint32_t tripped;          /* one more than the plan's when the own breaker opened; 0 = never */
    uint64_t passed_at_ns;     /* when the last one was sent that has its first token; 0 = none */
    uint64_t streams_at_ns;    /* count.stream_ns is known up to here */
    struct fleet_expect told;  /* as it was last reported */
    struct fleet_record count; /* its counters so far; nothing else of it is used */
};

struct fleet_node {
    uint64_t self; /* this node */
    enum fleet_state state;
    uint64_t since_ns;    /* of the state */
    uint64_t heard_ns;    /* when the last call began that was answered; 0 = never */
    uint64_t rejoined_ns; /* 0: it was never alone */
    uint32_t nodes;       /* alive when last known; as was set, if never; >= 1 */
    uint32_t left_nodes;  /* alive when it was left alone */
    uint32_t alone;       /* times alone */
    struct rate arrived;  /* at the gate, memory 5 s */
    struct fleet_place place[POOL_UPSTREAMS_MAX];
};

/* self: not 0.  nodes: as many as are assumed as long as nobody was reached. */
void fleet_node_init(struct fleet_node *n, uint64_t self, uint32_t nodes, uint64_t now_ns);
/* Another upstream has this place. */
void fleet_place_init(struct fleet_place *f);

/* One request came: by how many come, this node has its part. */
void fleet_node_arrived(struct fleet_node *n, uint64_t now_ns);

/* The fleet's rules hold for this upstream: it is shared, the node is joined, and has a plan. */
bool fleet_place_is_joined(const struct fleet_node *n, const struct fleet_place *f);

/* This node's part of the plan's total, and of P (at least 1), by its arrivals. */
double fleet_place_part(const struct fleet_node *n, const struct fleet_place *f, uint64_t now_ns);
double fleet_place_pending(const struct fleet_node *n, const struct fleet_place *f,
                           uint64_t now_ns);
/*
 * Requests that may be in flight by the permits; while a call is under way no more than it keeps.
 * Where calls have no answer, and half of the places or more were free for a lease, its part of
 * them: nobody waits for the store.
 */
uint32_t fleet_place_permits(const struct fleet_node *n, const struct fleet_place *f,
                             uint64_t now_ns);

/*
 * Joined: does the fleet take one more?  RULE_ROOM, RULE_PROBE (this node holds a probe), or
 * RULE_BREAKER_OPEN, RULE_HALF_OPEN.
 */
enum rule fleet_place_state(const struct fleet_node *n, const struct fleet_place *f);
/* ... and this node of it?  RULE_ROOM, RULE_FLEET_LIMIT, RULE_PENDING_LIMIT or RULE_FLEET_RANK. */
struct fleet_demand {
    uint32_t load, pending; /* in flight, and without a first token, on this node */
    int rank;               /* of the request */
    uint32_t waiting;       /* in the queue */
    uint64_t now_ns;
};
enum rule fleet_place_ask(const struct fleet_node *n, struct fleet_place *f,
                          const struct fleet_demand *d);
/*
 * A request goes, `load` are in flight with it.  Where half of the places were free for a lease,
 * another permit is asked for with the last one: the next request finds it.
 */
void fleet_place_sent(const struct fleet_node *n, struct fleet_place *f, uint32_t load);
/* A request goes while the fleet is HALF_OPEN; true: a probe that this node held is spent on it. */
bool fleet_place_take_probe(const struct fleet_node *n, struct fleet_place *f);
/* One has its first token: where fewer may be without one than there are nodes, others wait for
 * that. */
void fleet_place_started(struct fleet_place *f);
/* A request ended, `load` are left; rank: the best that waits here. */
void fleet_place_ended(const struct fleet_node *n, struct fleet_place *f,
                       const struct fleet_demand *d);

/* A call begins, ends with an answer, or comes to nothing.  most: see fleet_ask. */
void fleet_place_begin(const struct fleet_node *n, struct fleet_place *f, struct fleet_ask *out,
                       const struct fleet_demand *d, uint32_t most);
void fleet_place_answer(struct fleet_node *n, struct fleet_place *f, const struct fleet_answer *a,
                        uint64_t now_ns);
void fleet_place_no_answer(struct fleet_place *f);

/* A plan that is newer than the one in force; false: it is not. */
bool fleet_place_apply(struct fleet_place *f, const struct fleet_plan *plan, uint32_t max_streams,
                       uint64_t now_ns);

/*
 * A plan is in force and was not renewed for FLEET_PLAN_NS, though calls may be answered: whoever
 * leads has other settings of the upstream, or does not share it.  Forgotten, it binds no longer.
 */
bool fleet_place_is_stale(const struct fleet_place *f, uint64_t now_ns);
void fleet_place_forget(struct fleet_place *f);

/* Joined, and no answer came for FLEET_LEASE_NS. */
bool fleet_node_is_lost(const struct fleet_node *n, uint64_t now_ns);
/* From joined, or before the first answer, to alone: with these limits of its own at first. */
void fleet_node_leave(struct fleet_node *n, uint64_t now_ns);

/*
 * Alone: the most it may have in flight.  Of max_streams its part, for others may be alone, too.
 * Where more than half of the places was given out shortly before, until FLEET_SLIDE_NS no more
 * than it held, for those that are not alone may have the rest; then slowly more, for what ran
 * elsewhere beyond its part ends slowly.  Where it went by no plan, its part.
 */
uint32_t fleet_place_most(const struct fleet_node *n, const struct fleet_place *f,
                          uint32_t max_streams, uint64_t now_ns);
/* Alone: its limits go from what they were to a node's share until FLEET_SLIDE_NS; false: they are
 * its own limiter's. */
bool fleet_place_slides(const struct fleet_node *n, const struct fleet_place *f, double *streams,
                        double *pending, uint64_t now_ns);

#endif
