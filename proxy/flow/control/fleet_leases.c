/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases of users on their way between the pools and the fleet.  A pool knows a user by a hash that
 * is the same on all nodes (fleet.secret_file); outside goes another hash of it and the pool's
 * name.
 */
#include "control/fleet.h"

static uint64_t key_of(struct hash_key key, uint64_t pool, uint64_t user)
{
    const uint64_t both[2] = {pool, user};

    return hash_keyed(key, slice_of((const char *)both, sizeof both));
}

static void add_pool(struct control *c, const struct snapshot_pool *p, struct lease_rooms rooms,
                     struct fleet_leases *l)
{
    struct hash_key key = fleet_means_key(c->snapshot->fleet, "leases");
    uint64_t name = hash_keyed(key, slice_str(p->conf->name)), now = loop_refresh_now(c->loop);
    struct lease_slot told[LEASE_SHARE_TOLD];
    uint64_t asked[LEASE_SHARE_ASKED];
    struct pool *pool = gate_lock(p->gate);
    size_t n_told = pool_leases_tell(pool, told, rooms.tell - l->n_told);
    size_t n_asked = pool_leases_ask(pool, asked, rooms.ask - l->n_asked);

    gate_unlock(p->gate);
    control_fleet_pool(c, p)->asked_at = l->n_asked;
    for (size_t i = 0; i < n_told; i++)
        l->told[l->n_told++] = (struct fleet_lease){
            key_of(key, name, told[i].user), told[i].until_ns > now ? told[i].until_ns - now : 0};
    for (size_t i = 0; i < n_asked; i++)
        l->asked[l->n_asked++] = key_of(key, name, asked[i]);
}

void control_fleet_leases(struct fleet_leases *l, struct lease_rooms rooms, void *owner)
{
    struct control *c = owner;
    size_t n = c->snapshot->settings->n_pools;

    if (!c->snapshot->fleet->has_secret)
        return;
    for (size_t k = 0; k < n; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[(c->fleet.leases_of + k) % n];

        if (control_fleet_pool(c, p) != NULL)
            add_pool(c, p, rooms, l);
    }
    c->fleet.leases_of++;
}

void control_fleet_leases_answer(const uint64_t *left_ns, void *owner)
{
    struct control *c = owner;

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];
        struct fleet_pool *f = control_fleet_pool(c, p);
        struct pool *pool;

        if (f == NULL)
            continue;
        pool = gate_lock(p->gate);
        if (left_ns != NULL)
            pool_leases_answer(pool, left_ns + f->asked_at, loop_refresh_now(c->loop));
        else
            pool_leases_no_answer(pool);
        gate_unlock(p->gate);
    }
}
