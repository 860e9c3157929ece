/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing in small groups; users are keyed hashes already, so their bits are the index. */
#include "weir/decide/lease.h"

#include <stddef.h>

#include "weir/base/assert.h"

static struct lease_slot *group_of(const struct leases *t, uint64_t user)
{
    return (struct lease_slot *)&t->slot[user % LEASE_SLOTS / LEASE_GROUP * LEASE_GROUP];
}

static struct lease_slot *find(const struct leases *t, uint64_t user)
{
    struct lease_slot *g = group_of(t, user);

    for (int i = 0; i < LEASE_GROUP; i++)
        if (g[i].user == user)
            return &g[i];
    return NULL;
}

static struct lease_slot *oldest(const struct leases *t, uint64_t user)
{
    struct lease_slot *g = group_of(t, user), *old = g;

    for (int i = 1; i < LEASE_GROUP; i++)
        if (g[i].until_ns < old->until_ns)
            old = &g[i];
    return old;
}

void lease_renew(struct leases *t, uint64_t user, uint64_t until_ns)
{
    struct lease_slot *s = find(t, user);

    WEIR_ASSERT(user != 0);
    if (s == NULL)
        s = oldest(t, user);
    s->user = user;
    s->until_ns = until_ns;
}

uint64_t lease_left_ns(const struct leases *t, uint64_t user, uint64_t now_ns)
{
    const struct lease_slot *s = user != 0 ? find(t, user) : NULL;

    return s != NULL && now_ns < s->until_ns ? s->until_ns - now_ns : 0;
}

bool lease_is_in_force(const struct leases *t, uint64_t user, uint64_t now_ns)
{
    return lease_left_ns(t, user, now_ns) > 0;
}
