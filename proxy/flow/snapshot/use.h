/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_SNAPSHOT_USE_H
#define WEIR_FLOW_SNAPSHOT_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/snapshot.h"

/*
 * A worker's use of a snapshot: counted on its thread, so that a request costs no atomic.  Freed
 * when it is not in force any more and its last user is gone.
 */
struct snapshot_use {
    struct snapshot *snapshot;
    uint32_t users;
    bool retired;
};

struct snapshot_use *snapshot_use_create(struct snapshot *s); /* NULL: out of memory */
static inline struct snapshot_use *snapshot_use_ref(struct snapshot_use *u)
{
    u->users++;
    return u;
}
void snapshot_use_unref(struct snapshot_use **u);
/* It is not in force any more: the worker lets it go. */
void snapshot_use_retire(struct snapshot_use **u);

#endif
