/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_POOL_FLEET_H
#define WEIR_DECIDE_POOL_FLEET_H

#include "weir/decide/fleet_node.h"

/*
 * A pool as a node of a fleet.  All calls under the pool's gate, as those of decide/pool.h; after
 * each that may serve the queue pool_next_woken is to be asked.
 *
 *     pool_fleet_attach, pool_fleet_share      once, and by a reload
 *     each period, one call to the store:
 *         pool_fleet_report and pool_fleet_ask for each shared upstream, then the call, then
 *         pool_fleet_answer or pool_fleet_no_answer for each, and pool_fleet_apply with the plan
 *     between them, where pool_fleet_wants names an upstream: pool_fleet_ask, the call, its answer
 */

/*
 * node: the caller's, initialized, must outlive the pool or the next attach; NULL: no fleet.  What
 * runs stays; nothing of the fleet holds before the first answer.
 */
void pool_fleet_attach(struct pool *p, struct fleet_node *node, uint64_t now_ns);
/* All nodes reach the same server by this upstream (setting `shared`); false is the beginning. */
void pool_fleet_share(struct pool *p, size_t upstream, bool shared, uint64_t now_ns);

/* For the leader. */
void pool_fleet_report(struct pool *p, size_t upstream, struct fleet_record *out, uint64_t now_ns);

/* Begins a call for this upstream: until its answer no more is let in than the ask keeps. */
void pool_fleet_ask(struct pool *p, size_t upstream, struct fleet_ask *out, uint64_t now_ns);
/* Ends it.  a is mended here.  Serves the queue. */
void pool_fleet_answer(struct pool *p, size_t upstream, const struct fleet_answer *a,
                       uint64_t now_ns);
/* It came to nothing, or nobody knows. */
void pool_fleet_no_answer(struct pool *p, size_t upstream, uint64_t now_ns);

/*
 * A plan: mended here, ignored if its epoch is not newer, or the node is not joined and no call is
 * under way.  What comes before the answer that joins binds with it.  Serves the queue.
 */
void pool_fleet_apply(struct pool *p, size_t upstream, const struct fleet_plan *plan,
                      uint64_t now_ns);
/* The store could not be reached before the first answer: alone from now on. */
void pool_fleet_alone(struct pool *p, uint64_t now_ns);
/* A shared upstream for which an ask would help now, or any while there are users to ask about
 * (decide/pool_leases.h); -1 = none. */
int pool_fleet_wants(const struct pool *p, uint64_t now_ns);

enum fleet_state pool_fleet_state(const struct pool *p);

/* What status shows of one upstream. */
struct pool_fleet_view {
    enum fleet_state state;
    bool shared;
    uint32_t limit, held, used; /* limit: the plan's total */
    double share;
    enum breaker_state breaker;   /* the fleet's */
    bool own_path;                /* the fleet is well there, and this node's own breaker is not */
    bool probes;                  /* this node holds a probe */
    uint64_t probe[FLEET_PROBES]; /* the nodes that may send one, by the plan; 0 = nobody */
    uint32_t waiting_elsewhere;   /* nodes */
    uint32_t nodes;
};
void pool_fleet_view(const struct pool *p, size_t upstream, struct pool_fleet_view *v,
                     uint64_t now_ns);

#endif
