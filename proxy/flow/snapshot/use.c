/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's use of a snapshot.  On the worker's thread, but for its making. */
#include "snapshot/use.h"

#include <stdlib.h>

struct snapshot_use *snapshot_use_create(struct snapshot *s)
{
    struct snapshot_use *u = calloc(1, sizeof *u);

    if (u == NULL)
        return NULL;
    snapshot_ref(s);
    u->snapshot = s;
    return u;
}

void snapshot_use_unref(struct snapshot_use **up)
{
    struct snapshot_use *u = *up;

    *up = NULL;
    if (--u->users == 0 && u->retired) {
        snapshot_unref(u->snapshot);
        free(u);
    }
}

void snapshot_use_retire(struct snapshot_use **up)
{
    (*up)->retired = true;
    (*up)->users++;
    snapshot_use_unref(up);
}
