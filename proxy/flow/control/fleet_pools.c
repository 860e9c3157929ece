/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pools as parts of a fleet: what they report and ask, what they are answered; and, where this
 * node leads, what the fleet decides.  The rules are decide/'s (pool_fleet.h, fleet_leader.h); each
 * pool is touched under its gate, the leader's parts are control's alone.
 */
#include <stdlib.h>
#include <string.h>

#include "control/fleet.h"
#include "weir/base/hash.h"
#include "weir/base/memory.h"
#include "weir/decide/fleet_leader.h"
#include "weir/decide/pool_fleet.h"

static const struct snapshot_pool *pool_at(const struct control *c, const struct fleet_at *at)
{
    return &c->snapshot->pools[at->pool];
}

static size_t place_at(const struct control *c, const struct fleet_at *at)
{
    return (size_t)pool_at(c, at)->upstreams[at->upstream].place;
}

/* --- attaching */

static bool is_shared(const struct control *c, size_t pool, size_t upstream)
{
    for (size_t i = 0; i < c->fleet.n_places; i++) {
        if (c->fleet.places[i].pool == pool && c->fleet.places[i].upstream == upstream)
            return true;
    }
    return false;
}

static void attach(struct control *c, size_t index)
{
    const struct snapshot_pool *p = &c->snapshot->pools[index];
    struct fleet_pool *f = control_fleet_pool(c, p);
    struct pool *pool;
    uint64_t now;

    if (f == NULL) {
        f = calloc(1, sizeof *f);
        if (f == NULL) {
            log_error("out of memory: pool %s is in no fleet", p->conf->name);
            return;
        }
        c->fleet.pools[p->slot] = f;
        fleet_node_init(&f->node, fleet_self(c->fleet.node), c->snapshot->settings->fleet.nodes,
                        loop_now_ns(c->loop));
    }
    pool = gate_lock(p->gate);
    now = loop_refresh_now(c->loop);
    pool_fleet_attach(pool, &f->node, now);
    pool_leases_attach(pool, c->snapshot->fleet->has_secret ? &f->leases : NULL);
    for (size_t i = 0; i < p->n_upstreams; i++)
        pool_fleet_share(pool, (size_t)p->upstreams[i].place, is_shared(c, index, i), now);
    gate_unlock(p->gate);
}

void control_fleet_attach(struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++)
        attach(c, i);
}

void control_fleet_detach(struct control *c, const struct snapshot *from, const bool *kept)
{
    for (size_t i = 0; i < from->settings->n_pools; i++) {
        const struct snapshot_pool *p = &from->pools[i];
        struct fleet_pool *f = control_fleet_pool(c, p);
        struct pool *pool;

        if (f == NULL || (kept != NULL && kept[p->slot]))
            continue;
        pool = gate_lock(p->gate);
        pool_leases_attach(pool, NULL);
        pool_fleet_attach(pool, NULL, loop_refresh_now(c->loop));
        gate_unlock(p->gate);
        free(f->leader);
        free(f);
        c->fleet.pools[p->slot] = NULL;
    }
}

/* --- asking and being answered */

void control_fleet_ask(size_t i, struct fleet_record *r, struct fleet_ask *a, struct fleet_basis *b,
                       void *owner)
{
    struct control *c = owner;
    const struct fleet_at *at = &c->fleet.places[i];
    const struct snapshot_pool *p = pool_at(c, at);
    size_t place = place_at(c, at);
    struct fleet_pool *f = control_fleet_pool(c, p);
    const struct fleet_place *has;
    struct pool *pool;
    uint64_t now;

    a->rank = FLEET_NO_RANK;
    if (f == NULL)
        return;
    has = &f->node.place[place];
    pool = gate_lock(p->gate);
    now = loop_refresh_now(c->loop);
    if (r != NULL)
        pool_fleet_report(pool, place, r, now);
    pool_fleet_ask(pool, place, a, now);
    *b = (struct fleet_basis){.epoch = has->plan.epoch,
                              .total = has->plan.total,
                              .held = has->held,
                              .pending = has->plan.limits.pending};
    gate_unlock(p->gate);
}

void control_fleet_answer(size_t i, const struct fleet_answer *a, void *owner)
{
    struct control *c = owner;
    const struct snapshot_pool *p = pool_at(c, &c->fleet.places[i]);
    struct pool *pool;
    uint64_t now;

    if (control_fleet_pool(c, p) == NULL)
        return;
    pool = gate_lock(p->gate);
    now = loop_refresh_now(c->loop);
    if (a != NULL)
        pool_fleet_answer(pool, place_at(c, &c->fleet.places[i]), a, now);
    else
        pool_fleet_no_answer(pool, place_at(c, &c->fleet.places[i]), now);
    gate_unlock(p->gate);
}

void control_fleet_plan(size_t i, const struct fleet_plan *plan, uint64_t age_ns, void *owner)
{
    struct control *c = owner;
    const struct snapshot_pool *p = pool_at(c, &c->fleet.places[i]);

    if (control_fleet_pool(c, p) == NULL)
        return;
    c->fleet.plan_at_ns[i] = loop_now_ns(c->loop) - age_ns;
    c->fleet.plans[i] = *plan;
    pool_fleet_apply(gate_lock(p->gate), place_at(c, &c->fleet.places[i]), plan,
                     loop_refresh_now(c->loop));
    gate_unlock(p->gate);
}

int control_fleet_wants(void *owner)
{
    struct control *c = owner;
    int wants = -1;

    for (size_t k = 0; k < c->snapshot->settings->n_pools && wants < 0; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];
        int place;

        if (control_fleet_pool(c, p) == NULL)
            continue;
        place = pool_fleet_wants(gate_lock(p->gate), loop_refresh_now(c->loop));
        gate_unlock(p->gate);
        for (size_t i = 0; place >= 0 && i < c->fleet.n_places; i++) {
            if (c->fleet.places[i].pool == k && place_at(c, &c->fleet.places[i]) == (size_t)place)
                wants = (int)i;
        }
    }
    return wants;
}

void control_fleet_alone(struct control *c)
{
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];

        if (control_fleet_pool(c, p) == NULL)
            continue;
        pool_fleet_alone(gate_lock(p->gate), loop_refresh_now(c->loop));
        gate_unlock(p->gate);
    }
}

void control_fleet_view_upstream(const struct control *c, const struct snapshot_pool *p, size_t i,
                                 struct pool_fleet_view *v)
{
    *v = (struct pool_fleet_view){.share = 1};
    if (control_fleet_pool(c, p) == NULL)
        return;
    pool_fleet_view(gate_lock(p->gate), (size_t)p->upstreams[i].place, v, loop_now_ns(c->loop));
    gate_unlock(p->gate);
}

/* --- leading */

/* Who has gone in good order is not waited for, though the last plan counts it. */
static void restore(struct control *c, struct fleet_pool *f, size_t pool, uint32_t left,
                    uint64_t now)
{
    for (size_t i = 0; i < c->fleet.n_places; i++) {
        struct fleet_plan plan = c->fleet.plans[i];

        if (c->fleet.places[i].pool != pool || plan.epoch == 0)
            continue;
        plan.nodes = plan.nodes > left ? plan.nodes - left : 1;
        fleet_leader_restore(f->leader, place_at(c, &c->fleet.places[i]), &plan,
                             now - c->fleet.plan_at_ns[i], now);
    }
}

static size_t places_of(const struct snapshot_pool *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_upstreams; i++)
        n = (size_t)p->upstreams[i].place + 1 > n ? (size_t)p->upstreams[i].place + 1 : n;
    return n;
}

static struct fleet_leader *new_leader(const struct snapshot_pool *p, size_t places, uint64_t now)
{
    void *mem = memory_lines(fleet_leader_bytes(FLEET_NODES_MAX, places));
    uint64_t seed;

    if (mem == NULL) {
        log_error("out of memory: this node cannot lead the fleet for pool %s", p->conf->name);
        return NULL;
    }
    random_bytes(&seed, sizeof seed);
    return fleet_leader_init(mem, &p->conf->decide, FLEET_NODES_MAX, places, seed, now);
}

static void set_upstreams(struct control *c, struct fleet_pool *f, size_t pool, uint64_t now)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];

    for (size_t i = 0; i < p->n_upstreams; i++)
        fleet_leader_set_upstream(f->leader, (size_t)p->upstreams[i].place,
                                  (uint32_t)p->upstreams[i].slot + 1,
                                  p->conf->upstreams[i].max_streams, is_shared(c, pool, i), now);
}

/* afresh: elected; else with other settings, and what was learnt stays. */
static void lead_pool(struct control *c, size_t pool, bool afresh, uint32_t left)
{
    const struct snapshot_pool *p = &c->snapshot->pools[pool];
    struct fleet_pool *f = control_fleet_pool(c, p);
    uint64_t now = loop_now_ns(c->loop);

    if (f == NULL)
        return;
    if (!afresh && f->leader != NULL && places_of(p) <= f->places) {
        fleet_leader_set_conf(f->leader, &p->conf->decide);
        set_upstreams(c, f, pool, now);
        return;
    }
    free(f->leader);
    f->places = places_of(p);
    f->leader = new_leader(p, f->places, now);
    if (f->leader == NULL)
        return;
    set_upstreams(c, f, pool, now);
    fleet_leader_begin(f->leader, now);
    restore(c, f, pool, left, now);
}

void control_fleet_lead(uint32_t left, void *owner)
{
    struct control *c = owner;

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++)
        lead_pool(c, k, true, left);
}

void control_fleet_lead_on(struct control *c)
{
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++)
        lead_pool(c, k, false, 0);
}

void control_fleet_lead_no_more(struct control *c)
{
    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        struct fleet_pool *f = control_fleet_pool(c, &c->snapshot->pools[k]);

        if (f == NULL)
            continue;
        free(f->leader);
        f->leader = NULL;
    }
}

void control_fleet_hear(const struct fleet_seen *s, void *owner)
{
    struct control *c = owner;

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        struct fleet_pool *f = control_fleet_pool(c, &c->snapshot->pools[k]);
        const struct fleet_record *records[POOL_UPSTREAMS_MAX] = {NULL};
        const struct fleet_heard heard = {s->node, s->start, s->age_ns, records};

        if (f == NULL || f->leader == NULL)
            continue;
        for (size_t i = 0; i < c->fleet.n_places; i++) {
            if (c->fleet.places[i].pool == k)
                records[place_at(c, &c->fleet.places[i])] = s->records[i];
        }
        (void)fleet_leader_hear(f->leader, &heard, loop_now_ns(c->loop));
    }
}

void control_fleet_goodbye(uint64_t node, void *owner)
{
    struct control *c = owner;

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        struct fleet_pool *f = control_fleet_pool(c, &c->snapshot->pools[k]);

        if (f != NULL && f->leader != NULL)
            fleet_leader_goodbye(f->leader, node, loop_now_ns(c->loop));
    }
}

static void say_events(struct control *c, const struct snapshot_pool *p, struct fleet_leader *l)
{
    struct pool_event ev;

    while (fleet_leader_next_event(l, &ev)) {
        const struct snapshot_upstream *u =
            ev.upstream < 0 ? NULL : snapshot_upstream_at(p, ev.upstream);

        if (u != NULL)
            control_say(c, c->names.pools[p->slot], c->names.upstreams[u->slot], "fleet_plan",
                        "fleet: %s/%s: %s -> %s on all nodes, %s, share %.0f %%", p->conf->name,
                        u->conf->name, breaker_state_name(ev.from), breaker_state_name(ev.to),
                        ev.cause, 100 * ev.share);
    }
}

void control_fleet_decide(struct fleet_plan *plans, void *owner)
{
    struct control *c = owner;
    struct fleet_plan by_place[POOL_UPSTREAMS_MAX];

    for (size_t k = 0; k < c->snapshot->settings->n_pools; k++) {
        const struct snapshot_pool *p = &c->snapshot->pools[k];
        struct fleet_pool *f = control_fleet_pool(c, p);

        if (f == NULL || f->leader == NULL)
            continue;
        memset(by_place, 0, sizeof by_place);
        fleet_leader_tick(f->leader, by_place, loop_now_ns(c->loop));
        for (size_t i = 0; i < c->fleet.n_places; i++) {
            if (c->fleet.places[i].pool == k)
                plans[i] = by_place[place_at(c, &c->fleet.places[i])];
        }
        say_events(c, p, f->leader);
    }
}

void control_fleet_ramp(struct control *c, const struct control_who *who,
                        const struct snapshot_pool *p, size_t i, enum pool_command o, double value,
                        uint64_t until_ns)
{
    struct fleet_pool *f = control_fleet_pool(c, p);

    if (f != NULL && f->leader != NULL && !who->here)
        (void)fleet_leader_ramp(f->leader, (size_t)p->upstreams[i].place, o, value, until_ns,
                                loop_now_ns(c->loop));
}
