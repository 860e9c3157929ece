/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a snapshot by their names and places.  Any thread: a snapshot does not change. */
#include "snapshot/snapshot.h"
#include "weir/base/assert.h"

const struct snapshot_pool *snapshot_pool_named(const struct snapshot *s, struct slice name)
{
    for (size_t i = 0; i < s->settings->n_pools; i++) {
        if (slice_eq(name, slice_str(s->pools[i].conf->name)))
            return &s->pools[i];
    }
    return NULL;
}

const struct snapshot_upstream *snapshot_upstream_named(const struct snapshot_pool *p,
                                                        struct slice name)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (slice_eq(name, slice_str(p->upstreams[i].conf->name)))
            return &p->upstreams[i];
    }
    return NULL;
}

struct snapshot_upstream *snapshot_upstream_at(const struct snapshot_pool *p, int place)
{
    WEIR_ASSERT(place >= 0 && place < POOL_UPSTREAMS_MAX);
    return p->by_place[place] < 0 ? NULL : &p->upstreams[p->by_place[place]];
}
