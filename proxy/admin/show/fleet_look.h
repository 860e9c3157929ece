/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_FLEET_LOOK_H
#define WEIR_ADMIN_FLEET_LOOK_H

#include "call/call.h"
#include "weir/fleet/fleet.h"

/*
 * The fleet as one: `status --fleet`, and the live page.  Where there are no others, or they are
 * not to be had, this node stands for it, and the sentence says so.
 */
struct fleet_look {
    const struct fleet_members *m; /* list NULL: see why; NULL: there is nobody to ask */
    size_t most;                   /* nodes that are listed; those that need a look come first */
};

/* As render_fn; arg: the look. */
void show_fleet_look(struct text *t, struct admin *a, const void *arg);
void show_fleet_look_json(struct text *t, struct admin *a, const void *arg);

/* One node, as an object. */
void json_fleet_member(struct json_out *j, const struct fleet_member *m);
/* Those that fell silent, as an array "lost", and a line for each. */
void json_fleet_lost(struct json_out *j, const struct fleet_members *m);
void show_fleet_lost(struct text *t, const struct fleet_members *m);

#endif
