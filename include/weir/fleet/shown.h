/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_SHOWN_H
#define WEIR_FLEET_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/words.h"

/*
 * What a node tells the others of itself for people to see, and the sums of it over a fleet.
 * Nothing is decided by these numbers.  Those called "lately" are of the last FLEET_LATELY_S. Pure.
 */
enum {
    FLEET_LATELY_S = 10,
    FLEET_SHOWN_POOLS = 32,     /* of one node; what is beyond is not told */
    FLEET_SHOWN_UPSTREAMS = 64, /* the same */
    FLEET_SUM_POOLS = 64,       /* of all nodes, whose settings may differ */
    FLEET_SUM_UPSTREAMS = 128,
};

struct fleet_shown_pool {
    char name[64];
    enum service_state state;
    uint32_t waiting;           /* in the queue */
    uint32_t admitted, refused; /* lately */
    uint32_t limited;           /* users and shared limits that are at their limit */
};

struct fleet_shown_upstream {
    char name[130];           /* "pool/upstream" */
    enum breaker_state state; /* of the node's own breaker */
    bool shared;
    uint32_t limit, held; /* the node's own limit of streams; its permits */
    uint32_t used, pending;
    uint32_t ok, failed, refused; /* lately; failed: of every kind */
};

struct fleet_shown {
    enum service_state state;
    size_t n_pools, n_upstreams;
    struct fleet_shown_pool pools[FLEET_SHOWN_POOLS];
    struct fleet_shown_upstream upstreams[FLEET_SHOWN_UPSTREAMS];
};

/* A state, and where it is. */
struct fleet_worst {
    uint32_t nodes; /* that are in it */
    char at[33];    /* one of them */
};

struct fleet_sum_pool {
    char name[64];
    uint32_t nodes;           /* that have it */
    enum service_state state; /* the worst of theirs */
    struct fleet_worst worst;
    uint64_t waiting, admitted, refused, limited;
};

struct fleet_sum_upstream {
    char name[130];
    uint32_t nodes;
    bool shared;              /* at any of them */
    enum breaker_state state; /* the worst of the nodes' own */
    struct fleet_worst worst;
    uint64_t limit, held, used, pending, ok, failed, refused;
};

struct fleet_sum {
    uint32_t nodes; /* that told */
    enum service_state state;
    struct fleet_worst worst;
    uint64_t waiting, admitted, refused, used;
    size_t n_pools, n_upstreams;
    bool cut; /* there were more than have a place */
    struct fleet_sum_pool pools[FLEET_SUM_POOLS];
    struct fleet_sum_upstream upstreams[FLEET_SUM_UPSTREAMS];
};

/* Zeroed is ready.  The pools and upstreams of the first that is added stand first. */
void fleet_sum_add(struct fleet_sum *s, const char *node, const struct fleet_shown *n);

#endif
