/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CONTROL_FLEET_H
#define WEIR_FLOW_CONTROL_FLEET_H

#include "control/control_priv.h"
#include "weir/decide/fleet_leader.h"
#include "weir/decide/pool_fleet.h"
#include "weir/decide/pool_leases.h"

/*
 * This weir as a node of a fleet: proxy/fleet asks and tells, and here is what it is applied to.
 * All on the control thread; without the block `fleet` nothing of it runs.
 *
 * --- control/fleet.c
 */
/* Begins, if the settings say so.  False: no memory. */
bool control_fleet_open(struct control *c);
/*
 * Before anything is accepted: waits for the first answer, for a second at most, so that a node
 * that starts in an overloaded fleet goes by the fleet's limits from its first request on.  A drain
 * or an end that comes meanwhile ends the waiting.
 */
void control_fleet_join(struct control *c);
void control_fleet_join_no_more(struct control *c);
/* The snapshot in force is another one than `old`. */
void control_fleet_reload(struct control *c, const struct snapshot *old);
/* The process ends: says goodbye.  True when there is nothing to wait for any more. */
bool control_fleet_is_done(struct control *c);
void control_fleet_close(struct control *c);

/* Of one pool, by its slot. */
struct fleet_pool {
    struct fleet_node node; /* under the pool's gate, as long as it is attached; as leases */
    struct lease_share leases;
    size_t asked_at;             /* of the users that the call under way asks for, its first */
    struct fleet_leader *leader; /* NULL: this node does not lead, or there is no memory */
    size_t places;               /* of leader */
};
static inline struct fleet_pool *control_fleet_pool(const struct control *c,
                                                    const struct snapshot_pool *p)
{
    return c->fleet.pools[p->slot];
}

/* --- control/fleet_pools.c */
/* The pools of the settings in force are parts of the fleet, by c->fleet.places. */
void control_fleet_attach(struct control *c);
/* Those of `from` are no more; kept: by slot, which are; NULL: none. */
void control_fleet_detach(struct control *c, const struct snapshot *from, const bool *kept);
void control_fleet_alone(struct control *c);
/* This node leads, and the settings are new. */
void control_fleet_lead_on(struct control *c);
/* It does not: what it kept from when it did goes by settings that are about to go. */
void control_fleet_lead_no_more(struct control *c);
/* A command to the ramp that holds for the fleet: where this node leads it is the fleet's ramp's.
 */
void control_fleet_ramp(struct control *c, const struct control_who *who,
                        const struct snapshot_pool *p, size_t i, enum pool_command o, double value,
                        uint64_t until_ns);
void control_fleet_view_upstream(const struct control *c, const struct snapshot_pool *p, size_t i,
                                 struct pool_fleet_view *v);
/* Of struct fleet_hooks. */
void control_fleet_ask(size_t i, struct fleet_record *r, struct fleet_ask *a, struct fleet_basis *b,
                       void *owner);
void control_fleet_answer(size_t i, const struct fleet_answer *a, void *owner);
void control_fleet_plan(size_t i, const struct fleet_plan *plan, uint64_t age_ns, void *owner);
int control_fleet_wants(void *owner);
void control_fleet_lead(uint32_t left, void *owner);
void control_fleet_hear(const struct fleet_seen *s, void *owner);
void control_fleet_goodbye(uint64_t node, void *owner);
void control_fleet_decide(struct fleet_plan *plans, void *owner);

/* --- control/fleet_leases.c, of struct fleet_hooks */
void control_fleet_leases(struct fleet_leases *l, struct lease_rooms rooms, void *owner);
void control_fleet_leases_answer(const uint64_t *left_ns, void *owner);

/* --- control/fleet_limits.c */
void control_fleet_limits_open(struct control *c);
/* The pools go by the fleet's limits, by their part or by their own, as it is now. */
void control_fleet_limits_set(struct control *c);
/* Those of `from` go by their own. */
void control_fleet_limits_drop(struct control *c, const struct snapshot *from);
/* Of struct fleet_hooks. */
enum fleet_limits_want control_fleet_limits_want(void *owner);
size_t control_fleet_limits_news(struct quota_news *out, size_t max, void *owner);
void control_fleet_limits_answers(const struct quota_answer *const *list, size_t n, void *owner);
void control_fleet_limits_hot(uint64_t id, void *owner);

/* --- control/fleet_orders.c */
/*
 * A command has been carried out here: the others are told, unless who said that it is for this
 * node, or it came from another one.  upstream SIZE_MAX: of the pool.
 */
void control_fleet_tell_command(struct control *c, const struct control_who *who, size_t pool,
                                size_t upstream, enum pool_command o, double value,
                                uint64_t until_ns);
void control_fleet_tell_mode(struct control *c, const struct control_who *who, size_t pool,
                             enum pool_rule_set set, bool enforce, uint64_t until_ns);
void control_fleet_tell_incident(struct control *c, const struct control_who *who, size_t pool,
                                 const char *text, uint64_t until_ns);
/* An order of another node. */
bool control_fleet_order(const struct fleet_order *o, void *owner);

#endif
