/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what the process before this one knew.  Its bytes are looked at as a stranger's are: every
 * length against what is left, every number against its range.
 */
#include <stdlib.h>
#include <string.h>

#include "control/handed_priv.h"
#include "control/handed_state.h"
#include "control/kept_file.h"
#include "weir/base/pack.h"
#include "weir/decide/running.h"
#include "weir/decide/succession.h"

enum { PLACES_MAX = 1000000 };

struct reader {
    struct control *c;
    struct unpacker in;
    uint64_t now_ns;
};

/* --- whom it is about; NULL: the settings have none of it any more */

static const struct snapshot_pool *pool_numbered(const struct control *c, uint64_t theirs)
{
    for (size_t k = 0; theirs <= SNAPSHOT_POOLS_MAX && k < c->snapshot->settings->n_pools; k++) {
        if (c->snapshot->pools[k].slot == c->handed.pool[theirs])
            return &c->snapshot->pools[k];
    }
    return NULL;
}

static const struct snapshot_upstream *upstream_named(const struct snapshot_pool *p,
                                                      struct slice name, uint64_t url)
{
    const struct snapshot_upstream *u = p == NULL ? NULL : snapshot_upstream_named(p, name);

    return u != NULL && url == kept_url(u->conf->url) ? u : NULL;
}

/* --- records */

static void read_key(struct reader *r)
{
    uint64_t k0 = unpack_number(&r->in, 8), k1 = unpack_number(&r->in, 8);

    if (!r->in.bad)
        snapshot_rekey(r->c->snapshot, (struct hash_key){k0, k1});
}

static void read_learnt(struct reader *r)
{
    struct slice file = unpack_bytes(&r->in, r->in.rest.len);

    r->in.bad = r->in.bad || !control_keep_read(r->c, file, "upgrade: what the old process learnt");
}

static void read_modes(struct reader *r, const struct snapshot_pool *p)
{
    for (int i = 0; i < SET_COUNT; i++) {
        struct mode_override m = {.on = unpack_number(&r->in, 1) != 0,
                                  .enforce = unpack_number(&r->in, 1) != 0};

        m.by = (struct command_by){.uid = (unsigned)unpack_number(&r->in, 4), .known = true};
        m.until_ns = unpack_number(&r->in, 8);
        if (r->in.bad || p == NULL || !m.on)
            continue;
        r->c->pools[p->slot].modes[i] = m;
        pool_set_mode(gate_lock(p->gate), (enum pool_rule_set)i, m.enforce);
        gate_unlock(p->gate);
    }
}

static void read_pool(struct reader *r)
{
    const struct snapshot_pool *p = snapshot_pool_named(r->c->snapshot, unpack_text(&r->in));
    uint64_t theirs = unpack_number(&r->in, 4), self[RUNNING_OF_POOL], until_ns;
    struct slice incident;

    unpack_numbers(&r->in, self, RUNNING_OF_POOL);
    if (p != NULL && !r->in.bad && theirs <= SNAPSHOT_POOLS_MAX) {
        r->c->handed.pool[theirs] = (int16_t)p->slot;
        r->in.bad = !pool_restore_self(gate_lock(p->gate), self, r->now_ns);
        gate_unlock(p->gate);
    }
    read_modes(r, p);
    until_ns = unpack_number(&r->in, 8);
    incident = unpack_text(&r->in);
    if (p != NULL && !r->in.bad && incident.len > 0)
        control_incident_restore(r->c, p, incident, until_ns);
}

static void read_overrides(struct reader *r, struct upstream_watch *watch)
{
    for (int i = 0; i < OVERRIDE_COUNT; i++) {
        watch->by[i].known = unpack_number(&r->in, 1) != 0;
        watch->by[i].uid = (unsigned)unpack_number(&r->in, 4);
    }
    watch->limit_value = unpack_real(&r->in, 0, UINT32_MAX);
}

static void use_running(struct reader *r, const struct snapshot_pool *p,
                        const struct snapshot_upstream *u, const struct running *running,
                        const struct upstream_watch *by)
{
    struct upstream_watch *watch = &r->c->upstreams[u->slot];
    bool ok = pool_restore_running(gate_lock(p->gate), (size_t)u->place, running, r->now_ns);

    gate_unlock(p->gate);
    if (!ok) {
        log_info("upgrade: states of %s/%s are not used: a number is out of range", p->conf->name,
                 u->conf->name);
        return;
    }
    memcpy(watch->by, by->by, sizeof watch->by);
    watch->limit_value = by->limit_value;
}

static void read_upstream(struct reader *r)
{
    const struct snapshot_pool *p = snapshot_pool_named(r->c->snapshot, unpack_text(&r->in));
    struct slice name = unpack_text(&r->in), cause;
    const struct snapshot_upstream *u = upstream_named(p, name, unpack_number(&r->in, 8));
    uint64_t theirs = unpack_number(&r->in, 4), places = unpack_number(&r->in, 4);
    struct upstream_watch by = {0};
    struct running running;

    read_overrides(r, &by);
    cause = unpack_bytes(&r->in, sizeof running.cause);
    running.n = (uint32_t)unpack_number(&r->in, 4);
    if (r->in.bad || running.n > RUNNING_MAX) {
        r->in.bad = true;
        return;
    }
    memcpy(running.cause, cause.p, sizeof running.cause);
    unpack_numbers(&r->in, running.number, running.n);
    r->in.bad = r->in.bad || places > PLACES_MAX;
    if (r->in.bad || u == NULL || theirs >= SNAPSHOT_UPSTREAMS_MAX)
        return;
    r->c->handed.upstream[theirs] = (int16_t)u->slot;
    pool_add_elsewhere(gate_lock(p->gate), (size_t)u->place, (uint32_t)places);
    gate_unlock(p->gate);
    use_running(r, p, u, &running, &by);
}

typedef bool restore_fn(struct pool *p, const uint64_t *in, uint64_t now_ns);

static void read_list(struct reader *r, size_t each, restore_fn *restore)
{
    const struct snapshot_pool *p = pool_numbered(r->c, unpack_number(&r->in, 4));
    uint64_t one[RUNNING_OF_QUOTA];

    while (p != NULL && !r->in.bad && r->in.rest.len > 0) {
        unpack_numbers(&r->in, one, each);
        if (r->in.bad)
            return;
        r->in.bad = !restore(gate_lock(p->gate), one, r->now_ns);
        gate_unlock(p->gate);
    }
    (void)unpack_bytes(&r->in, r->in.rest.len);
}

static void read_record(struct reader *r, enum handed_kind kind)
{
    switch (kind) {
    case HANDED_KEY:
        read_key(r);
        return;
    case HANDED_LEARNT:
        read_learnt(r);
        return;
    case HANDED_POOL:
        read_pool(r);
        return;
    case HANDED_UPSTREAM:
        read_upstream(r);
        return;
    case HANDED_USERS_WITH_MINUTES:
        (void)unpack_bytes(&r->in, r->in.rest.len);
        return;
    case HANDED_QUOTAS:
        read_list(r, RUNNING_OF_QUOTA, pool_restore_quota);
        return;
    case HANDED_USERS:
        read_list(r, RUNNING_OF_USER, pool_restore_user);
        return;
    case HANDED_LEASES:
        read_list(r, RUNNING_OF_LEASE, pool_restore_lease);
        return;
    case HANDED_EVENTS:
        handed_events_read(r->c, &r->in);
        return;
    case HANDED_REFUSALS:
        handed_refusals_read(r->c, &r->in);
        return;
    case HANDED_ADMIN:
        handed_admin_read(r->c, &r->in);
        return;
    }
}

const char *handed_state_read(struct control *c, struct slice bytes)
{
    struct reader all = {.c = c, .in.rest = bytes};
    const char *wrong = NULL;

    memset(&c->handed, -1, sizeof c->handed);
    while (all.in.rest.len > 0) {
        uint64_t kind = unpack_number(&all.in, 2), version = unpack_number(&all.in, 2);
        struct reader r = {.c = c, .now_ns = loop_refresh_now(c->loop)};

        r.in.rest = unpack_bytes(&all.in, (size_t)unpack_number(&all.in, 4));
        if (all.in.bad)
            return "is cut short";
        if (version == HANDED_VERSION)
            read_record(&r, (enum handed_kind)kind);
        if (version != HANDED_VERSION || kind > HANDED_QUOTAS || kind == 0)
            wrong = "has parts of another version of weir";
        else if (r.in.bad)
            wrong = "has numbers that are out of range";
    }
    return wrong;
}

/* --- places of the process before this one */

static const struct snapshot_upstream *upstream_numbered(const struct control *c, uint32_t theirs,
                                                         const struct snapshot_pool **pool)
{
    int slot = theirs < SNAPSHOT_UPSTREAMS_MAX ? c->handed.upstream[theirs] : -1;

    for (size_t k = 0; slot >= 0 && k < c->snapshot->settings->n_pools; k++) {
        *pool = &c->snapshot->pools[k];
        for (size_t i = 0; i < (*pool)->n_upstreams; i++) {
            if ((*pool)->upstreams[i].slot == slot)
                return &(*pool)->upstreams[i];
        }
    }
    return NULL;
}

void handed_state_give(struct control *c, uint32_t upstream, uint32_t n)
{
    const struct snapshot_pool *p;
    const struct snapshot_upstream *u = upstream_numbered(c, upstream, &p);

    if (u == NULL)
        return;
    pool_end_elsewhere(gate_lock(p->gate), (size_t)u->place, n, loop_now_ns(c->loop));
    gate_unlock(p->gate);
}

static int their_number(const struct control *c, int slot)
{
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++) {
        if (c->handed.upstream[i] == slot)
            return i;
    }
    return -1;
}

int handed_state_lend(struct control *c, uint32_t pool)
{
    const struct snapshot_pool *p = pool_numbered(c, pool);
    const struct snapshot_upstream *u;
    int place, theirs;

    if (p == NULL)
        return -1;
    place = pool_lend_place(gate_lock(p->gate), loop_now_ns(c->loop));
    gate_unlock(p->gate);
    u = place < 0 ? NULL : snapshot_upstream_at(p, place);
    theirs = u == NULL ? -1 : their_number(c, u->slot);
    if (place >= 0 && theirs < 0) { /* one that the other process does not have */
        pool_end_elsewhere(gate_lock(p->gate), (size_t)place, 1, loop_now_ns(c->loop));
        gate_unlock(p->gate);
    }
    return theirs;
}

void handed_state_alone(struct control *c)
{
    for (uint32_t i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        handed_state_give(c, i, UINT32_MAX);
    memset(&c->handed, -1, sizeof c->handed);
}
