/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CONTROL_FLEET_H
#define WEIR_FLOW_CONTROL_FLEET_H

#include "control/control_priv.h"

/*
 * This weir as a node of a fleet: proxy/fleet asks and tells, and here is what it is applied to.
 * All on the control thread; without the block `fleet` nothing of it runs.
 *
 * --- control/fleet.c
 */
/* Begins, if the settings say so.  False: no memory. */
bool control_fleet_open(struct control *c);
/* The snapshot in force is another one than `old`. */
void control_fleet_reload(struct control *c, const struct snapshot *old);
/* The process ends: says goodbye.  True when there is nothing to wait for any more. */
bool control_fleet_is_done(struct control *c);
void control_fleet_close(struct control *c);

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
