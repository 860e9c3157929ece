/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SNAPSHOT_LIMITS_H
#define WEIR_FLOW_SNAPSHOT_LIMITS_H

#include "snapshot/snapshot.h"

/* Fills p->limits from p->conf; false: there is no memory.  s->user_key is known. */
bool snapshot_limits_make(const struct snapshot *s, struct snapshot_pool *p);

#endif
