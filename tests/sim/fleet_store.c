/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a simulated fleet: permits, records and the plan, and what its scripts do. */
#include <stdlib.h>
#include <string.h>

#include "fleet_sim.h"
#include "weir/base/assert.h"

void store_init(struct store *s, size_t nodes, size_t upstreams)
{
    memset(s, 0, sizeof *s);
    s->n_nodes = nodes;
    s->n_upstreams = upstreams;
    s->node = calloc(nodes, sizeof *s->node);
    WEIR_ASSERT(s->node != NULL);
}

void store_fini(struct store *s)
{
    free(s->node);
}

void store_empty(struct store *s)
{
    memset(s->node, 0, s->n_nodes * sizeof *s->node);
    memset(s->plan, 0, sizeof s->plan);
    memset(&s->leases, 0, sizeof s->leases);
    s->leader = s->plan_ns = 0;
    s->alive = 0;
}

static void expire(struct store *s, uint64_t now_ns)
{
    s->alive = 0;
    for (size_t i = 0; i < s->n_nodes; i++) {
        if (s->node[i].node != 0 && now_ns - s->node[i].written_ns >= FLEET_LEASE_NS)
            memset(&s->node[i], 0, sizeof s->node[i]);
        s->alive += s->node[i].node != 0;
    }
    if (s->plan_ns > 0 && now_ns - s->plan_ns >= FLEET_PLAN_NS) {
        memset(s->plan, 0, sizeof s->plan);
        s->plan_ns = 0;
    }
}

static struct fleet_others others_of(const struct store *s, size_t who, size_t u, int rank,
                                     uint64_t now_ns)
{
    uint64_t lately_ns = 2 * fleet_ask_gap_ns(s->alive);
    struct fleet_others o = {.nodes = s->alive > 0 ? s->alive : 1, .rank = FLEET_NO_RANK};

    for (size_t i = 0; i < s->n_nodes; i++) {
        const struct store_node *n = &s->node[i];
        bool waits = n->asked_ns[u] > 0 && now_ns - n->asked_ns[u] < lately_ns;
        if (i == who || n->node == 0)
            continue;
        o.held += n->held[u];
        o.used += n->ask[u].used;
        o.pending += n->ask[u].pending;
        o.weight += n->ask[u].weight;
        if (!waits)
            continue;
        o.better += n->ask[u].rank < rank;
        o.equal += n->ask[u].rank == rank;
        o.rank = n->ask[u].rank < o.rank ? n->ask[u].rank : o.rank;
    }
    return o;
}

static void permits(struct store *s, size_t who, size_t u, const struct fleet_ask *ask,
                    struct fleet_answer *out, uint64_t now_ns)
{
    struct store_node *n = &s->node[who];
    uint32_t total = s->plan_ns > 0 ? s->plan[u].total : 0;
    double pending = s->plan_ns > 0 ? s->plan[u].limits.pending : 1;

    out->others = others_of(s, who, u, ask->rank, now_ns);
    out->held = fleet_permits(total, pending, &out->others, ask);
    n->ask[u] = *ask;
    n->held[u] = out->held;
    n->asked_ns[u] = ask->waiting > 0 && out->held < ask->used + ask->waiting ? now_ns : 0;
}

void store_sync(struct store *s, size_t who, const struct store_node *with,
                struct store_answer *out, uint64_t now_ns)
{
    struct store_node *n = &s->node[who];

    expire(s, now_ns);
    s->calls++;
    n->node = with->node;
    n->start = with->start;
    n->written_ns = now_ns;
    memcpy(n->record, with->record, sizeof n->record);
    if (s->leader == 0 || now_ns >= s->leader_until_ns)
        s->leader = with->node;
    out->leads = s->leader == with->node;
    if (out->leads)
        s->leader_until_ns = now_ns + fleet_leader_ttl_ns(s->alive, (uint32_t)s->n_upstreams);
    for (size_t u = 0; u < s->n_upstreams; u++)
        permits(s, who, u, &with->ask[u], &out->answer[u], now_ns);
    memcpy(out->plan, s->plan, sizeof out->plan);
    out->plan_age_ns = s->plan_ns > 0 ? now_ns - s->plan_ns : 0;
}

void store_ask(struct store *s, size_t who, size_t upstream, const struct fleet_ask *ask,
               struct fleet_answer *out, uint64_t now_ns)
{
    s->calls++;
    if (s->node[who].node != 0)
        s->node[who].written_ns = now_ns;
    permits(s, who, upstream, ask, out, now_ns);
}

void store_leases(struct store *s, struct store_leases *l, uint64_t now_ns)
{
    for (size_t i = 0; i < l->n_told; i++)
        lease_renew(&s->leases, l->told[i].user, l->told[i].until_ns);
    for (size_t i = 0; i < l->n_asked; i++)
        l->left_ns[i] = lease_left_ns(&s->leases, l->asked[i], now_ns);
}

void store_goodbye(struct store *s, size_t who)
{
    s->calls++;
    memset(&s->node[who], 0, sizeof s->node[who]);
}

bool store_plan(struct store *s, uint64_t node, const struct fleet_plan *plans, uint64_t now_ns)
{
    s->calls++;
    if (s->leader != node || now_ns >= s->leader_until_ns || plans[0].epoch <= s->plan[0].epoch)
        return false;
    memcpy(s->plan, plans, sizeof s->plan);
    s->plan_ns = now_ns;
    return true;
}
