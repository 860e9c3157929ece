/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CONTROL_TAKEOVER_H
#define WEIR_FLOW_CONTROL_TAKEOVER_H

#include "control/control_priv.h"
#include "weir/flow/takeover.h"

/* The new process of a hot restart, as control sees it; t NULL: an ordinary start, nothing to do.
 */

/*
 * Everything is made: tells the old one so, waits until it accepts no more, and takes over what it
 * knows.  False: the old one went back, a sentence in why.
 */
bool takeover_switch(struct takeover *t, struct control *c, char *why, size_t room);
/* The workers run. */
bool takeover_started(struct takeover *t, struct control *c);

#endif
