/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_RETIRE_H
#define WEIR_FLOW_RETIRE_H

#include "control/control_priv.h"

/* How a process retires that another one has replaced (docs/architecture.md, "Hot restart"). */

/* Nothing is accepted, and no place at an upstream is used beyond those in use and a reserve. */
void retire_prepare(struct control *c);
/* The other one did not begin: as before. */
void retire_take_back(struct control *c);
/* It has begun: this one drains, and nobody notices. */
void retire(struct control *c);
/* Places that were asked for, by the slot of their upstream. */
void retire_lent(struct control *c, uint32_t upstream, uint32_t places);

#endif
