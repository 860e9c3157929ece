/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_HANDED_STATE_H
#define WEIR_FLOW_HANDED_STATE_H

#include "control/control_priv.h"
#include "weir/base/buf.h"

/*
 * What a running process hands to the next one, as bytes: the state file's (control/kept_file.h)
 * for what was learnt, and records for what only a running process knows.  A record that the reader
 * does not know, or whose numbers are out of range, is passed over; the others are used.
 */
enum { HANDED_STATE_MAX = 64 * 1024 * 1024 };

bool handed_state_write(struct control *c, struct buf *b); /* false: no memory */
/*
 * Before any request.  NULL: all of it is understood, and what fits the settings is in force.  Else
 * what is wrong, for "it ...".  Remembers the giver's numbers of pools and upstreams.
 */
const char *handed_state_read(struct control *c, struct slice bytes);

/* Places of the giver, by its numbers: one more is lent (its upstream; -1: no room), some end. */
int handed_state_lend(struct control *c, uint32_t pool);
void handed_state_give(struct control *c, uint32_t upstream, uint32_t n);
/* The giver is gone. */
void handed_state_alone(struct control *c);

#endif
