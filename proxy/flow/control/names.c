/* SPDX-License-Identifier: Apache-2.0 */
/* Names, places and times as the operator sees them.  Control thread. */
#include "control/control_priv.h"

#include <stdio.h>
#include <string.h>

uint64_t control_wall(const struct control *c, uint64_t mono_ns)
{
    return mono_ns == 0 ? 0 : mono_ns + c->clock.wall_minus_mono_ns;
}

void control_index(const struct control *c, int16_t *pool, int16_t *upstream)
{
    int16_t pool_slot = *pool, upstream_slot = *upstream;

    *pool = *upstream = -1;
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];

        if (p->slot != pool_slot)
            continue;
        *pool = (int16_t)k;
        for (size_t i = 0; i < p->n_upstreams; i++) {
            if (p->upstreams[i].slot == upstream_slot)
                *upstream = (int16_t)i;
        }
    }
}

bool control_keep_names(struct control *c, const struct snapshot *s)
{
    for (size_t k = 0; k < s->settings->n_pools; k++) {
        const struct snapshot_pool *p = &s->pools[k];

        if (c->names.pools[p->slot] == NULL)
            c->names.pools[p->slot] = strdup(p->conf->name);
        if (c->names.pools[p->slot] == NULL)
            return false;
        for (size_t i = 0; i < p->n_upstreams; i++) {
            char **name = &c->names.upstreams[p->upstreams[i].slot];
            if (*name == NULL && (*name = strdup(p->upstreams[i].conf->name)) == NULL)
                return false;
        }
    }
    return true;
}

const char *limit_name(const struct quota_refusal *no, char mem[LIMIT_NAME_MAX])
{
    const char *name = quota_limit_name((enum quota_limit)no->limit);

    if (no->most == 0)
        return NULL;
    if (no->rule == 0)
        (void)snprintf(mem, LIMIT_NAME_MAX, "users.%s", name);
    else
        (void)snprintf(mem, LIMIT_NAME_MAX, "limits[%d].%s", no->rule - 1, name);
    return mem;
}
