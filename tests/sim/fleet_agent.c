/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What speaks for a node of a simulated fleet: one call under way at a time, a sync each period, an
 * ask where somebody waits for a permit, and on the leader the reading of all records and the plan.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_sim.h"
#include "weir/base/assert.h"

enum { WAKE, ARRIVES, ANSWERED, LATE }; /* what an event of an agent says */
#define TIMEOUT_NS MS(500)
#define JOIN_NS    S(1)

static struct fleet_agent *agent_of(const struct proxy *p)
{
    return &p->w->fleet->agent[p->index];
}

static void push(struct proxy *p, uint64_t at_ns, int what, uint32_t number)
{
    heap_push(&p->w->heap, at_ns, EVENT_AGENT, p, what, number);
}

static void wake_at(struct proxy *p, uint64_t at_ns)
{
    struct fleet_agent *a = agent_of(p);

    if (at_ns < p->w->now_ns)
        at_ns = p->w->now_ns;
    if (a->wake_ns > p->w->now_ns && a->wake_ns <= at_ns)
        return;
    a->wake_ns = at_ns;
    push(p, at_ns, WAKE, 0);
}

/* One way through the network. */
static uint64_t way_ns(struct world *w)
{
    const struct fleet_setup *f = &w->sc->fleet;
    double ms = f->rtt_ms * (1 + f->jitter * rng_unit(&w->fleet->dice));

    return num_ns(ms / 2e3);
}

static const struct fleet_trouble *trouble_of(const struct proxy *p)
{
    const struct fleet_setup *f = &p->w->sc->fleet;
    double s = world_s(p->w);

    for (size_t i = 0; i < f->n_troubles; i++) {
        const struct fleet_trouble *t = &f->trouble[i];
        bool reaches = t->kind == STORE_DOWN || t->kind == STORE_FROZEN ||
                       (t->kind == STORE_CUT && p->index % 2 == 1);
        if (reaches && s >= t->at_s && s < t->at_s + t->seconds)
            return t;
    }
    return NULL;
}

static void begin_call(struct proxy *p, enum agent_call call)
{
    struct fleet_agent *a = agent_of(p);
    struct world *w = p->w;
    const struct fleet_trouble *t = trouble_of(p);

    a->call = call;
    a->call_number++;
    a->calls++;
    if (t != NULL && t->kind == STORE_DOWN) { /* refused at once */
        push(p, w->now_ns + MS(1), LATE, a->call_number);
        return;
    }
    push(p, w->now_ns + TIMEOUT_NS, LATE, a->call_number);
    if (t == NULL)
        push(p, w->now_ns + way_ns(w), ARRIVES, a->call_number);
}

static void carry_leases(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    struct pool *pool = p->weir->pool;
    struct lease_rooms rooms = lease_share_rooms(a->node.nodes, p->w->now_ns - a->carried_ns);

    a->carried_ns = p->w->now_ns;
    a->carries.n_told = pool_leases_tell(pool, a->carries.told, rooms.tell);
    a->carries.n_asked = pool_leases_ask(pool, a->carries.asked, rooms.ask);
}

static void begin_sync(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    struct pool *pool = p->weir->pool;
    uint64_t now_ns = p->w->now_ns;

    a->with.node = a->node.self;
    a->with.start = a->start;
    for (size_t u = 0; u < p->w->sc->n_engines; u++) {
        pool_fleet_report(pool, u, &a->with.record[u], now_ns);
        pool_fleet_ask(pool, u, &a->with.ask[u], now_ns);
    }
    carry_leases(p);
    a->sync_ns = now_ns + fleet_period_ns(a->node.nodes, (uint32_t)p->w->sc->n_engines);
    begin_call(p, CALL_SYNC);
}

static void begin_ask(struct proxy *p, size_t upstream)
{
    struct fleet_agent *a = agent_of(p);

    a->upstream = upstream;
    pool_fleet_ask(p->weir->pool, upstream, &a->with.ask[upstream], p->w->now_ns);
    carry_leases(p);
    a->ask_ns = p->w->now_ns + fleet_ask_gap_ns(a->node.nodes);
    begin_call(p, CALL_ASK);
}

void agent_poke(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    uint64_t now_ns = p->w->now_ns;
    int upstream;

    if (!a->lives || a->call != CALL_NONE || now_ns >= a->sync_ns)
        return;
    upstream = pool_fleet_wants(p->weir->pool, now_ns);
    if (upstream < 0)
        return;
    if (now_ns >= a->ask_ns)
        begin_ask(p, (size_t)upstream);
    else
        wake_at(p, a->ask_ns < a->sync_ns ? a->ask_ns : a->sync_ns);
}

/* --- at the store */

static void read_all(struct world *w, struct fleet_agent *a)
{
    struct store *s = &w->fleet->store;

    s->calls++;
    a->n_read = 0;
    for (size_t i = 0; i < s->n_nodes; i++)
        if (s->node[i].node != 0)
            a->read[a->n_read++] = s->node[i];
    a->read_ns = w->now_ns;
}

static void arrives(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    struct world *w = p->w;
    struct store *s = &w->fleet->store;
    size_t who = (size_t)p->index;

    switch (a->call) {
    case CALL_SYNC:
        store_sync(s, who, &a->with, &a->got, w->now_ns);
        store_leases(s, &a->carries, w->now_ns);
        break;
    case CALL_ASK:
        store_ask(s, who, a->upstream, &a->with.ask[a->upstream], &a->got.answer[a->upstream],
                  w->now_ns);
        store_leases(s, &a->carries, w->now_ns);
        break;
    case CALL_READ:
        read_all(w, a);
        break;
    case CALL_PLAN:
        (void)store_plan(s, a->node.self, a->plans, w->now_ns);
        break;
    case CALL_NONE:
        return;
    }
    push(p, w->now_ns + way_ns(w), ANSWERED, a->call_number);
}

/* --- back at the node */

static void make_leader(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    const struct scenario *sc = p->w->sc;
    uint64_t now_ns = p->w->now_ns;

    if (a->leader == NULL) {
        size_t bytes = fleet_leader_bytes(sc->n_proxies, sc->n_engines);
        a->leader_mem = aligned_alloc(64, bytes);
        a->read = calloc(sc->n_proxies, sizeof *a->read);
        WEIR_ASSERT(a->leader_mem != NULL && a->read != NULL);
        memset(a->leader_mem, 0, bytes);
        a->leader = fleet_leader_init(a->leader_mem, &p->weir->conf, sc->n_proxies, sc->n_engines,
                                      sc->seed + (uint64_t)p->index, now_ns);
        for (size_t u = 0; u < sc->n_engines; u++)
            fleet_leader_set_upstream(a->leader, u, (uint32_t)u + 1, p->weir->max_streams[u], true,
                                      now_ns);
    } else {
        fleet_leader_begin(a->leader, now_ns);
    }
    for (size_t u = 0; u < sc->n_engines; u++)
        if (a->got.plan[u].epoch > 0)
            fleet_leader_restore(a->leader, u, &a->got.plan[u], a->got.plan_age_ns, now_ns);
}

static void lead(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    struct pool_event ev;
    uint64_t now_ns = p->w->now_ns;

    for (size_t i = 0; i < a->n_read; i++) {
        struct store_node *n = &a->read[i];
        const struct fleet_record *records[SIM_ENGINES_MAX];
        struct fleet_heard h = {n->node, n->start, a->read_ns - n->written_ns, records};
        for (size_t u = 0; u < p->w->sc->n_engines; u++)
            records[u] = &n->record[u];
        (void)fleet_leader_hear(a->leader, &h, now_ns);
    }
    fleet_leader_tick(a->leader, a->plans, now_ns);
    while (fleet_leader_next_event(a->leader, &ev)) {
        p->w->res->opened_else += ev.to == BREAKER_OPEN;
        if (p->w->sc->trace)
            (void)printf("%6.1f fleet %s -> %s (%s)\n", world_s(p->w), breaker_state_name(ev.from),
                         breaker_state_name(ev.to), ev.cause);
    }
    if (p->w->sc->trace)
        (void)printf("%6.1f leader %d nodes %u %s total %u P %.1f L %.1f\n", world_s(p->w),
                     p->index, fleet_leader_nodes(a->leader), breaker_state_name(a->plans[0].state),
                     a->plans[0].total, a->plans[0].limits.pending, a->plans[0].limits.streams);
}

static void on_synced(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    struct pool *pool = p->weir->pool;
    uint64_t now_ns = p->w->now_ns;

    pool_leases_answer(pool, a->carries.left_ns, now_ns);
    for (size_t u = 0; u < p->w->sc->n_engines; u++) {
        pool_fleet_answer(pool, u, &a->got.answer[u], now_ns);
        if (a->got.plan[u].epoch > 0)
            pool_fleet_apply(pool, u, &a->got.plan[u], now_ns);
    }
    if (a->got.leads && !a->leads)
        make_leader(p);
    a->leads = a->got.leads;
    if (a->leads)
        begin_call(p, CALL_READ);
}

static void on_answer(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    enum agent_call call = a->call;

    a->call = CALL_NONE;
    a->failures = 0;
    switch (call) {
    case CALL_SYNC:
        on_synced(p);
        break;
    case CALL_ASK:
        pool_leases_answer(p->weir->pool, a->carries.left_ns, p->w->now_ns);
        pool_fleet_answer(p->weir->pool, a->upstream, &a->got.answer[a->upstream], p->w->now_ns);
        break;
    case CALL_READ:
        lead(p);
        begin_call(p, CALL_PLAN);
        break;
    case CALL_PLAN:
    case CALL_NONE:
        break;
    }
    proxy_collect(p);
}

/* Nothing came back: the connection is dropped, and tried again later. */
static void on_failure(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);
    double s = 0.2 * (double)(1u << (a->failures < 5 ? a->failures : 5));
    double back_s = num_min(5, s) * (0.5 + 0.5 * rng_unit(&p->w->fleet->dice));

    a->call = CALL_NONE;
    a->leads = false;
    a->failures++;
    a->sync_ns = p->w->now_ns + num_ns(back_s);
    a->ask_ns = a->sync_ns;
    for (size_t u = 0; u < p->w->sc->n_engines; u++)
        pool_fleet_no_answer(p->weir->pool, u, p->w->now_ns);
    pool_leases_no_answer(p->weir->pool);
    if (a->node.state == FLEET_OFF && p->w->now_ns - a->born_ns >= JOIN_NS)
        pool_fleet_alone(p->weir->pool, p->w->now_ns);
    proxy_collect(p);
}

static void leave(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);

    store_goodbye(&p->w->fleet->store, (size_t)p->index);
    a->lives = false;
}

static void look(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);

    if (!a->lives || a->call != CALL_NONE)
        return;
    if (a->leaving && p->n_live == 0 && pool_is_empty(p->weir->pool)) {
        leave(p);
        return;
    }
    if (p->w->now_ns >= a->sync_ns)
        begin_sync(p);
    else
        agent_poke(p);
    if (a->call == CALL_NONE)
        wake_at(p, a->sync_ns);
}

void agent_event(struct proxy *p, int what, uint32_t number)
{
    struct fleet_agent *a = agent_of(p);

    if (!a->lives || (what != WAKE && (a->call == CALL_NONE || number != a->call_number)))
        return;
    if (what == WAKE)
        a->wake_ns = 0;
    else if (what == ARRIVES)
        arrives(p);
    else if (what == ANSWERED)
        on_answer(p);
    else if (what == LATE)
        on_failure(p);
    look(p);
}

/* --- the fleet */

static void agent_start(struct proxy *p)
{
    struct world *w = p->w;
    struct fleet_agent *a = agent_of(p);

    a->start = rng_next(&w->fleet->dice);
    a->lives = true;
    a->leaving = a->leads = false;
    a->call = CALL_NONE;
    a->call_number++;
    a->born_ns = w->now_ns;
    fleet_node_init(&a->node, UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(p->index + 1), 1,
                    w->now_ns);
    pool_fleet_attach(p->weir->pool, &a->node, w->now_ns);
    memset(&a->leases, 0, sizeof a->leases);
    pool_leases_attach(p->weir->pool, w->sc->fleet.own_leases ? NULL : &a->leases);
    for (size_t u = 0; u < w->sc->n_engines; u++)
        pool_fleet_share(p->weir->pool, u, true, w->now_ns);
    a->sync_ns = w->now_ns + num_ns(0.25 * rng_unit(&w->fleet->dice));
    a->wake_ns = 0;
    wake_at(p, a->sync_ns);
}

void fleet_init(struct world *w)
{
    const struct scenario *sc = w->sc;

    w->fleet = calloc(1, sizeof *w->fleet);
    WEIR_ASSERT(w->fleet != NULL);
    w->fleet->agent = calloc(sc->n_proxies, sizeof *w->fleet->agent);
    WEIR_ASSERT(w->fleet->agent != NULL);
    rng_seed(&w->fleet->dice, sc->seed * 31 + 7);
    store_init(&w->fleet->store, sc->n_proxies, sc->n_engines);
    w->fleet->active = sc->fleet.first > 0 ? sc->fleet.first : sc->n_proxies;
    for (size_t i = 0; i < w->fleet->active && sc->fleet.on; i++)
        agent_start(&w->proxy[i]);
}

void fleet_fini(struct world *w)
{
    for (size_t i = 0; i < w->sc->n_proxies; i++) {
        free(w->fleet->agent[i].leader_mem);
        free(w->fleet->agent[i].read);
    }
    free(w->fleet->agent);
    store_fini(&w->fleet->store);
    free(w->fleet);
}

/* What was promised of permits, whenever it is looked at. */
void fleet_watch(struct world *w)
{
    uint32_t used = 0;

    for (size_t i = 0; i < w->sc->n_proxies; i++) {
        const struct pool *pool = w->proxy[i].weir->pool;
        used += pool->upstream[0].inflight;
        if (pool->upstream[0].inflight > w->proxy[i].weir->max_streams[0])
            broken(w, "F1", "proxy %zu has %u in flight", i, pool->upstream[0].inflight);
    }
    if (used > w->res->used_most)
        w->res->used_most = used;
    w->res->store_calls = w->fleet->store.calls;
}

static void kill_node(struct proxy *p)
{
    struct fleet_agent *a = agent_of(p);

    a->lives = false;
    while (!list_empty(&p->live))
        proxy_abort(LIST_OBJECT(p->live.next, struct job, live));
}

void fleet_fault(struct world *w, int number, bool ends)
{
    const struct fleet_trouble *t = &w->sc->fleet.trouble[number];
    size_t was = w->fleet->active, to;

    if (ends && t->kind != NODE_PATH)
        return;
    switch (t->kind) {
    case STORE_EMPTIED:
        store_empty(&w->fleet->store);
        return;
    case NODES_ARE:
        to = (size_t)t->value;
        for (size_t i = was; i < to; i++)
            if (w->sc->fleet.on)
                agent_start(&w->proxy[i]);
        for (size_t i = to; i < was; i++)
            w->fleet->agent[i].leaving = true;
        w->fleet->active = to;
        return;
    case NODE_KILLED:
        w->fleet->active = was - 1;
        kill_node(&w->proxy[was - 1]);
        return;
    case NODE_PATH:
        w->fleet->agent[(size_t)t->value].path_broken = !ends;
        w->fleet->agent[(size_t)t->value].path_was_broken = true;
        return;
    case STORE_DOWN:
    case STORE_FROZEN:
    case STORE_CUT:
        return;
    }
}

/* All alike, or the first with a share of its own; one that left gets nothing. */
int fleet_proxy_of(struct world *w, int proxy, double where)
{
    size_t n = w->fleet->active;
    double heavy = w->sc->fleet.heavy > 0 ? w->sc->fleet.heavy : 1;
    double at = where * ((double)n - 1 + heavy) - heavy;

    if (proxy >= 0)
        return (size_t)proxy < n ? proxy : (int)((size_t)proxy % n);
    if (at < 0 || n == 1)
        return 0;
    return 1 + (int)num_min(at, (double)n - 2);
}
