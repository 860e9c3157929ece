/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_TARGET_H
#define WEIR_ADMIN_TARGET_H

#include "call/call.h"

/* POOL or POOL/UPSTREAM as indexes into the settings; SIZE_MAX stands for all. */
struct target {
    size_t pool, upstream;
};
#define TARGET_ALL ((struct target){SIZE_MAX, SIZE_MAX})

/* From the call's arguments; false after call_fail with the names there are. */
bool target_find(struct call *c, struct target *out);

static inline bool target_holds(const struct target *t, size_t pool, size_t upstream)
{
    return (t->pool == SIZE_MAX || t->pool == pool) &&
           (t->upstream == SIZE_MAX || t->upstream == upstream);
}

/* "chat/a", "chat" */
const char *target_name(const struct call *c, const struct target *t, char out[160]);

#endif
