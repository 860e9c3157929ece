/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of the pools as parts of the fleet's: proxy/fleet carries what decide/pool_limits.h
 * asks and is answered.  A worker whose request has to wait rings the bell; each pool is touched
 * under its gate.  Control thread.
 */
#include <string.h>

#include "control/fleet.h"
#include "weir/base/hash.h"
#include "weir/decide/pool_limits.h"

static void on_bell(struct loop_message *m)
{
    struct gate_bell *b = LIST_OBJECT(m, struct gate_bell, message);
    struct control_fleet *f = LIST_OBJECT(b, struct control_fleet, bell);

    atomic_store_explicit(&b->rings, false, memory_order_release);
    if (f->node != NULL)
        fleet_look(f->node);
}

void control_fleet_limits_open(struct control *c)
{
    c->fleet.bell.loop = c->loop;
    c->fleet.bell.message.deliver = on_bell;
}

/* --- by what the pools go */

static enum quota_mode mode_of(const struct control *c)
{
    if (c->fleet.node == NULL || !c->snapshot->fleet->has_secret)
        return QUOTA_OWN;
    return fleet_answers(c->fleet.node) ? QUOTA_ASKS : QUOTA_PART;
}

static void set_pool(struct control *c, const struct snapshot_pool *p, enum quota_mode mode)
{
    struct pool_limits_fleet f = {.mode = mode, .nodes = 1};

    if (mode != QUOTA_OWN) {
        f.nodes = fleet_nodes(c->fleet.node);
        f.pool = hash_keyed(fleet_means_key(c->snapshot->fleet, "pools"), slice_str(p->conf->name));
        f.patience_ns = c->snapshot->settings->fleet.timeout_ns;
    }
    gate_set_bell(p->gate, mode == QUOTA_OWN ? NULL : &c->fleet.bell);
    pool_limits_set(gate_lock(p->gate), &f, loop_refresh_now(c->loop));
    gate_unlock(p->gate);
}

void control_fleet_limits_set(struct control *c)
{
    for (size_t k = 0; c->fleet.node != NULL && k < c->snapshot->settings->n_pools; k++)
        set_pool(c, &c->snapshot->pools[k], mode_of(c));
}

void control_fleet_limits_drop(struct control *c, const struct snapshot *from)
{
    if (c->fleet.node == NULL)
        return;
    for (size_t k = 0; k < from->settings->n_pools; k++)
        set_pool(c, &from->pools[k], QUOTA_OWN);
}

/* --- calls */

enum fleet_limits_want control_fleet_limits_want(void *owner)
{
    struct control *c = owner;
    enum fleet_limits_want want = FLEET_LIMITS_OFF;

    if (mode_of(c) != QUOTA_ASKS || c->fleet.n_limits > 0)
        return FLEET_LIMITS_OFF;
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];
        enum fleet_limits_want one = FLEET_LIMITS_IDLE;

        if (!p->counts)
            continue;
        switch (pool_limits_want(gate_lock(p->gate))) {
        case LIMITS_NOTHING:
            break;
        case LIMITS_TELL:
            one = FLEET_LIMITS_TELL;
            break;
        case LIMITS_ASK:
            one = FLEET_LIMITS_ASK;
            break;
        }
        gate_unlock(p->gate);
        want = one > want ? one : want;
    }
    return want;
}

size_t control_fleet_limits_news(struct quota_news *out, size_t max, void *owner)
{
    struct control *c = owner;
    size_t pools = c->snapshot->settings->n_pools, total = 0;

    for (size_t k = 0; k < pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[(c->fleet.limits_turn + k) % pools];
        struct fleet_limits_part *part = &c->fleet.limits[c->fleet.n_limits];

        part->n = pool_limits_news(gate_lock(p->gate), out + total, max - total,
                                   loop_refresh_now(c->loop));
        gate_unlock(p->gate);
        if (part->n == 0)
            continue;
        total += part->n;
        part->gate = p->gate;
        gate_ref(part->gate);
        c->fleet.n_limits++;
    }
    c->fleet.limits_turn++;
    return total;
}

void control_fleet_limits_answers(const struct quota_answer *const *list, size_t n, void *owner)
{
    struct control *c = owner;
    size_t at = 0;

    for (size_t i = 0; i < c->fleet.n_limits; i++) {
        struct fleet_limits_part *part = &c->fleet.limits[i];
        struct pool *pool = gate_lock(part->gate);
        uint64_t now = loop_refresh_now(c->loop);

        for (size_t k = 0; k < part->n; k++, at++)
            pool_limits_answer(pool, k, at < n ? list[at] : NULL, now);
        pool_limits_end(pool, now);
        gate_unlock(part->gate);
        gate_unref(&part->gate);
    }
    c->fleet.n_limits = 0;
}

void control_fleet_limits_hot(uint64_t id, void *owner)
{
    struct control *c = owner;

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];

        if (!p->counts)
            continue;
        pool_limits_hot(gate_lock(p->gate), id, loop_refresh_now(c->loop));
        gate_unlock(p->gate);
    }
}
