/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_FLEET_H
#define WEIR_SIM_FLEET_H

#include "weir/decide/fleet_leader.h"
#include "weir/decide/pool_fleet.h"
#include "weir/decide/pool_leases.h"
#include "world.h"

/*
 * The proxies of a run as nodes of a fleet: a store that they reach over a simulated network, and
 * on each node what speaks with it.  Decisions are proxy/decide's; here is only how numbers travel.
 */

/* --- fleet_store.c: what the store holds, and what its scripts do, at the time they run */

struct store_node {
    uint64_t node, start, written_ns; /* 0: nobody */
    struct fleet_record record[SIM_ENGINES_MAX];
    struct fleet_ask ask[SIM_ENGINES_MAX];
    uint32_t held[SIM_ENGINES_MAX];
    uint64_t asked_ns[SIM_ENGINES_MAX]; /* when it last said that somebody waits; 0 = nobody */
};

struct store {
    size_t n_upstreams, n_nodes;
    struct store_node *node; /* by number of the proxy */
    uint64_t leader, leader_until_ns;
    struct fleet_plan plan[SIM_ENGINES_MAX];
    uint64_t plan_ns;
    uint64_t calls;
    uint32_t alive;
    struct leases leases;
};
void store_init(struct store *s, size_t nodes, size_t upstreams);
void store_fini(struct store *s);
/* Everything in it is gone. */
void store_empty(struct store *s);

struct store_answer {
    struct fleet_answer answer[SIM_ENGINES_MAX];
    struct fleet_plan plan[SIM_ENGINES_MAX];
    uint64_t plan_age_ns;
    bool leads;
};
/* One node's sync; its asks and records are in `with`. */
void store_sync(struct store *s, size_t who, const struct store_node *with,
                struct store_answer *out, uint64_t now_ns);
void store_ask(struct store *s, size_t who, size_t upstream, const struct fleet_ask *ask,
               struct fleet_answer *out, uint64_t now_ns);
/* What every call of a node carries of leases, and is answered. */
struct store_leases {
    struct lease_slot told[LEASE_SHARE_TOLD];
    uint64_t asked[LEASE_SHARE_ASKED], left_ns[LEASE_SHARE_ASKED];
    size_t n_told, n_asked;
};
void store_leases(struct store *s, struct store_leases *l, uint64_t now_ns);
void store_goodbye(struct store *s, size_t who);
/* False: another leads, or a newer plan is there. */
bool store_plan(struct store *s, uint64_t node, const struct fleet_plan *plans, uint64_t now_ns);

/* --- fleet_agent.c: what a node does */

enum agent_call { CALL_NONE, CALL_SYNC, CALL_ASK, CALL_READ, CALL_PLAN };

struct fleet_agent {
    struct fleet_node node;
    struct lease_share leases;
    struct store_leases carries; /* the call under way, if it is CALL_SYNC or CALL_ASK */
    uint64_t carried_ns;
    uint64_t start;
    bool lives, leaving, leads;
    enum agent_call call;
    uint32_t call_number;
    size_t upstream;        /* of CALL_ASK */
    struct store_node with; /* of CALL_SYNC */
    struct store_answer got;
    struct store_node *read; /* of CALL_READ */
    size_t n_read;
    uint64_t read_ns;
    struct fleet_plan plans[SIM_ENGINES_MAX];
    struct fleet_leader *leader;
    void *leader_mem;
    uint64_t sync_ns, ask_ns, wake_ns, born_ns;
    uint32_t failures;
    bool path_broken; /* nothing from this node reaches the engine */
    bool path_was_broken;
    uint64_t calls;
};

struct fleet_world {
    struct store store;
    struct fleet_agent *agent;
    struct rng dice;
    size_t active; /* proxies that get requests */
};

void fleet_init(struct world *w);
void fleet_fini(struct world *w);
void agent_event(struct proxy *p, int what, uint32_t number);
/* Somebody may want a permit: after every call of the gate. */
void agent_poke(struct proxy *p);
/* Before every tick, and of each proxy: looks at the sums. */
void fleet_watch(struct world *w);
void fleet_fault(struct world *w, int number, bool ends);
/* Nothing from this proxy reached the engine for a while. */
static inline bool fleet_path_was_broken(const struct proxy *p)
{
    return p->w->fleet != NULL && p->w->fleet->agent[p->index].path_was_broken;
}
/* The proxy that somebody's request goes to. */
int fleet_proxy_of(struct world *w, int proxy, double where);

#endif
