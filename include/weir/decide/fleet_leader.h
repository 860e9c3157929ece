/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_FLEET_LEADER_H
#define WEIR_DECIDE_FLEET_LEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/decide/fleet.h"
#include "weir/decide/settings.h"

/*
 * The leader of a fleet, for one pool: one limiter, one breaker and one ramp for each upstream, fed
 * with what all nodes count (docs/decisions.md, "The fleet").  Pure: no clock, no I/O, no
 * allocation.  Of whoever calls it, on one thread; no gate is needed.
 *
 *     fleet_leader_begin                       elected
 *     fleet_leader_restore                     the last plan that is found, if any
 *     each period, once for each node that is read:  fleet_leader_hear
 *     then                                     fleet_leader_tick ──► plans to publish
 *
 * A node is forgotten when it was not heard for FLEET_LEASE_NS, or said goodbye.
 */
struct fleet_leader;

/* Bytes for so many nodes and upstreams, aligned to 64. */
size_t fleet_leader_bytes(size_t nodes, size_t upstreams);
/*
 * Makes one in mem (zeroed, aligned to 64, the caller's).  conf is borrowed until the next
 * fleet_leader_set_conf.  nodes: at most so many are known at once, FLEET_NODES_MAX at most.
 */
struct fleet_leader *fleet_leader_init(void *mem, const struct decide_conf *conf, size_t nodes,
                                       size_t upstreams, uint64_t seed, uint64_t now_ns);
void fleet_leader_set_conf(struct fleet_leader *f, const struct decide_conf *conf);
/*
 * The upstream of this place: its id (as pool_name), its max_streams.  Another id than before:
 * nothing is known of it.  shared false: no plan is made for it.
 */
void fleet_leader_set_upstream(struct fleet_leader *f, size_t upstream, uint32_t id,
                               uint32_t max_streams, bool shared, uint64_t now_ns);

/* This node leads from now on: nothing is known of nodes and upstreams. */
void fleet_leader_begin(struct fleet_leader *f, uint64_t now_ns);
/*
 * The last plan that was published, `age_ns` ago: the limiter, breaker and ramp go on from it. Only
 * between begin and the first tick; without it the leader goes on from what the nodes echo and
 * bring.
 */
void fleet_leader_restore(struct fleet_leader *f, size_t upstream, const struct fleet_plan *plan,
                          uint64_t age_ns, uint64_t now_ns);

/* A node as it was read: one record for each upstream, by place; NULL: none of that one. */
struct fleet_heard {
    uint64_t node, start;
    uint64_t age_ns;                           /* since it wrote */
    const struct fleet_record *const *records; /* mended */
};
/* False: no place for one more node. */
bool fleet_leader_hear(struct fleet_leader *f, const struct fleet_heard *h, uint64_t now_ns);
/* It went in good order: its part is the others' at once. */
void fleet_leader_goodbye(struct fleet_leader *f, uint64_t node, uint64_t now_ns);

/*
 * One period: plans has one entry for each upstream; of one that is not shared it is zeroed. Epochs
 * are above all epochs that were restored or echoed.  Not twice for one time.
 */
void fleet_leader_tick(struct fleet_leader *f, struct fleet_plan *plans, uint64_t now_ns);

/*
 * An operator's command (OPERATOR_RAMP_*; value: of SET, 0.01 to 1) to the fleet's ramp; held until
 * until_ns, 0 = without an end.  The plans carry it, so that the next leader goes on with it.
 * False: it makes no sense in this state, or is no command to a ramp.
 */
bool fleet_leader_ramp(struct fleet_leader *f, size_t upstream, enum pool_command what,
                       double value, uint64_t until_ns, uint64_t now_ns);

/* Nodes heard within the lease. */
uint32_t fleet_leader_nodes(const struct fleet_leader *f);

/* Takes the oldest change of the fleet's breakers not yet taken, as pool_next_event. */
bool fleet_leader_next_event(struct fleet_leader *f, struct pool_event *ev);

#endif
