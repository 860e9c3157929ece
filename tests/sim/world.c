/* SPDX-License-Identifier: Apache-2.0 */
/* A run from its beginning to its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_sim.h"
#include "weir/base/assert.h"

#define START_NS S(100000) /* never 0, as a real clock is not */
#define TICK_NS  MS(100)
#define DRAIN_S  700.0 /* for everything to end after the last arrival */

struct scenario scenario_of(const struct backend *b, double load, double seconds, uint64_t seed)
{
    return (struct scenario){
        .backend = b,
        .n_engines = 1,
        .n_proxies = 1,
        .rule = RULE_WEIR,
        .fixed = b->best_fixed,
        .load = load,
        .seconds = seconds,
        .warm_s = 60,
        .seed = seed,
    };
}

void broken(struct world *w, const char *invariant, const char *fmt, ...)
{
    va_list ap;

    if (w->broken)
        return; /* the first one is what matters */
    w->broken = true;
    (void)fprintf(stderr, "%s broken at %.3f s, seed %llu, backend %s: ", invariant, world_s(w),
                  (unsigned long long)w->sc->seed, w->sc->backend->name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

static void push_at(struct world *w, double at_s, enum event_kind kind, void *about, int arg)
{
    heap_push(&w->heap, w->start_ns + num_ns(at_s), kind, about, arg, 0);
}

static void world_init(struct world *w, const struct scenario *sc, struct result *res)
{
    memset(w, 0, sizeof *w);
    memset(res, 0, sizeof *res);
    w->sc = sc;
    w->res = res;
    w->now_ns = w->start_ns = START_NS;
    rng_seed(&w->arrivals, 3 * sc->seed);
    rng_seed(&w->clients, 3 * sc->seed + 1);
    rng_seed(&w->ticks, 3 * sc->seed + 2);
    rng_seed(&w->heavy, ~sc->seed);
    for (size_t i = 0; i < sc->n_engines; i++)
        engine_init(&w->engine[i], w, (int)i, sc->backend);
    for (size_t i = 0; i < sc->n_proxies; i++) {
        struct proxy *p = &w->proxy[i];
        p->w = w;
        p->index = (int)i;
        p->ops = sc->rule == RULE_WEIR ? &weir_ops : &rival_ops;
        list_init(&p->live);
        p->ops->init(p);
        /* proxies do not tick together */
        push_at(w, 0.1 * (double)(i + 1) / (double)sc->n_proxies, EVENT_TICK, p, 0);
        push_at(w, 0.5, EVENT_SCAN, p, 0);
    }
    if (sc->fleet.used)
        fleet_init(w);
}

static void schedule(struct world *w)
{
    const struct scenario *sc = w->sc;

    for (size_t i = 0; i < sc->n_faults; i++) {
        push_at(w, sc->fault[i].at_s, EVENT_FAULT, NULL, (int)i);
        if (sc->fault[i].seconds > 0)
            push_at(w, sc->fault[i].at_s + sc->fault[i].seconds, EVENT_FAULT_END, NULL, (int)i);
    }
    for (size_t i = 0; i < sc->n_orders; i++)
        push_at(w, sc->order[i].at_s, EVENT_ORDER, NULL, (int)i);
    for (size_t i = 0; i < sc->fleet.n_troubles; i++) {
        const struct fleet_trouble *t = &sc->fleet.trouble[i];
        push_at(w, t->at_s, EVENT_TROUBLE, NULL, (int)i);
        push_at(w, t->at_s + t->seconds, EVENT_TROUBLE_END, NULL, (int)i);
    }
    if (sc->reload)
        push_at(w, sc->seconds / 2, EVENT_RELOAD, NULL, 0);
    if (sc->random_modes)
        push_at(w, sc->seconds / 3, EVENT_MODE, NULL, 0);
    clients_start(w);
}

/* A tick in time, or late, or missed altogether. */
static uint64_t next_tick_ns(struct world *w)
{
    double u = rng_unit(&w->ticks);

    if (!w->sc->rough_ticks)
        return TICK_NS;
    if (u < 0.02)
        return MS(200) + (uint64_t)(rng_unit(&w->ticks) * (double)MS(400));
    if (u < 0.022)
        return MS(600) + (uint64_t)(rng_unit(&w->ticks) * (double)S(2));
    return MS(90) + (uint64_t)(rng_unit(&w->ticks) * (double)MS(20));
}

static void sample_inflight(struct world *w)
{
    double n = 0;

    if (world_s(w) < w->sc->warm_s || w->closing)
        return;
    for (size_t i = 0; i < w->sc->n_engines; i++)
        n += engine_open(&w->engine[i]);
    w->res->inflight_sum += n;
    w->res->inflight_sq += n * n;
    w->res->inflight_n += 1;
}

/* One line every two seconds: what the first upstream of a pool is held to, and what it holds. */
static void trace(const struct world *w, const struct proxy *p)
{
    const struct pool *pool = p->weir->pool;
    const struct upstream *u = &pool->upstream[0];

    if ((w->now_ns / TICK_NS) % 20 != 0)
        return;
    (void)printf("%6.1f proxy %d %-9s share %.2f P %6.1f L %6.1f in flight %3u pending %3u "
                 "streams %3u waiting %3u pace %4.0f of %4.0f ms\n",
                 world_s(w), p->index, breaker_state_name(u->breaker.state),
                 breaker_share(&u->breaker), u->limiter.pending, limiter_streams(&u->limiter),
                 u->inflight, u->pending, u->streams, pool->queue.length, 1e3 * u->pace.now_s,
                 1e3 * u->pace.target_s);
}

static void on_tick(struct world *w, struct proxy *p)
{
    p->ops->tick(p);
    proxy_collect(p);
    if (p->index == 0)
        sample_inflight(w);
    if (p->index == 0 && w->fleet != NULL)
        fleet_watch(w);
    if (w->sc->trace && p->ops == &weir_ops)
        trace(w, p);
    heap_push(&w->heap, w->now_ns + next_tick_ns(w), EVENT_TICK, p, 0, 0);
}

static void on_expiry(struct proxy *p)
{
    p->expiry_ns = 0;
    p->ops->expire(p);
    proxy_collect(p);
}

static void on_fault(struct world *w, const struct event *ev)
{
    const struct fault *f = ev->arg >= 0 ? &w->sc->fault[ev->arg] : NULL;
    struct engine *e = f != NULL ? &w->engine[f->engine] : ev->about;

    if (ev->kind == EVENT_FAULT)
        engine_fault(e, f);
    else
        engine_fault_end(e, f);
}

static void on_order(struct world *w, int i)
{
    const struct sim_order *o = &w->sc->order[i];
    struct proxy *p = &w->proxy[0];
    uint64_t until_ns = o->for_s > 0 ? w->now_ns + num_ns(o->for_s) : 0;
    const char *why;

    watch_before(p);
    if (pool_command(p->weir->pool, (size_t)o->upstream, o->order, o->value, until_ns, w->now_ns,
                     &why) == WEIR_OK) {
        p->weir->t.by_hand[o->upstream] = true;
        p->weir->t.operator_ns = w->now_ns;
    }
    proxy_collect(p);
    watch_after(p);
}

static void on_mode(struct world *w)
{
    for (size_t i = 0; i < w->sc->n_proxies; i++)
        pool_set_mode(w->proxy[i].weir->pool, (enum pool_rule_set)(rng_next(&w->ticks) % SET_COUNT),
                      (int)(rng_next(&w->ticks) % 3) - 1);
    push_at(w, world_s(w) + 20, EVENT_MODE, NULL, 0);
}

static void on_reload(struct world *w)
{
    for (size_t i = 0; i < w->sc->n_proxies; i++) {
        struct weir_gate *g = w->proxy[i].weir;
        g->other_conf = g->conf;
        g->other_conf.queue.max_length = 64;
        g->other_conf.breaker.window_ns = S(8);
        for (size_t u = 0; u < w->sc->n_engines; u++)
            g->max_streams[u] = 512;
        pool_set_conf(g->pool, &g->other_conf, g->max_streams, w->now_ns);
    }
}

static void dispatch_job(const struct event *ev)
{
    struct job *j = ev->about;

    if (j->gen != ev->gen)
        return; /* it is over already */
    if (ev->kind == EVENT_SERVED && j->engine != NULL)
        engine_served(j->engine, j);
    else if (ev->kind == EVENT_OUTCOME)
        proxy_outcome(j, j->verdict, j->status, j->retry_after_ms);
    else if (ev->kind == EVENT_ABORT)
        proxy_abort(j);
}

static void dispatch(struct world *w, const struct event *ev)
{
    switch (ev->kind) {
    case EVENT_ARRIVAL:
        client_arrival(w, ev->arg);
        return;
    case EVENT_COMEBACK:
        client_comes(w, ev->about);
        return;
    case EVENT_CROWD:
        client_crowd(w);
        return;
    case EVENT_TALK:
        client_talk_turn(w, ev->about);
        return;
    case EVENT_VIRTUAL_USER:
        client_virtual_user(w, ev->arg);
        return;
    case EVENT_STEP:
        engine_step(ev->about);
        return;
    case EVENT_SERVED:
    case EVENT_OUTCOME:
    case EVENT_ABORT:
        dispatch_job(ev);
        return;
    case EVENT_TICK:
        on_tick(w, ev->about);
        return;
    case EVENT_EXPIRY:
        on_expiry(ev->about);
        return;
    case EVENT_SCAN:
        proxy_scan(ev->about);
        heap_push(&w->heap, w->now_ns + MS(500), EVENT_SCAN, ev->about, 0, 0);
        return;
    case EVENT_FAULT:
    case EVENT_FAULT_END:
        on_fault(w, ev);
        return;
    case EVENT_DEATH:
        engine_die(ev->about);
        return;
    case EVENT_ORDER:
        on_order(w, ev->arg);
        return;
    case EVENT_RELOAD:
        on_reload(w);
        return;
    case EVENT_MODE:
        on_mode(w);
        return;
    case EVENT_AGENT:
        agent_event(ev->about, ev->arg, ev->gen);
        return;
    case EVENT_TROUBLE:
    case EVENT_TROUBLE_END:
        fleet_fault(w, ev->arg, ev->kind == EVENT_TROUBLE_END);
        return;
    }
}

bool world_step(struct world *w, uint64_t end_ns)
{
    struct event ev;

    if (w->broken || !heap_pop(&w->heap, &ev))
        return false;
    if (ev.at_ns >= end_ns) {
        heap_push(&w->heap, ev.at_ns, ev.kind, ev.about, ev.arg, ev.gen);
        return false;
    }
    w->now_ns = ev.at_ns;
    w->res->events++;
    dispatch(w, &ev);
    return true;
}

/* No more clients, no more faults: everything must come to its end and give everything back. */
static void drain_out(struct world *w)
{
    uint64_t end_ns = w->start_ns + num_ns(w->sc->seconds + DRAIN_S);

    w->closing = true;
    for (size_t i = 0; i < w->sc->n_engines; i++) {
        w->engine[i].fault = NULL;
        w->engine[i].frozen = false;
        w->engine[i].fragile = false;
        if (!w->engine[i].stepping)
            engine_step(&w->engine[i]);
    }
    while (w->n_over != w->n_asked && world_step(w, end_ns))
        ;
    if (!w->broken && w->n_over != w->n_asked)
        broken(w, "I2", "%llu tries never ended", (unsigned long long)(w->n_asked - w->n_over));
    for (size_t i = 0; i < w->sc->n_proxies && !w->broken; i++)
        if (w->proxy[i].ops == &weir_ops)
            watch_drained(&w->proxy[i]);
}

static void free_pending_events(struct world *w)
{
    struct event ev;

    while (heap_pop(&w->heap, &ev)) {
        if (ev.kind == EVENT_COMEBACK) {
            struct ask *a = ev.about;
            free(a->talk);
            free(a);
        } else if (ev.kind == EVENT_TALK) {
            free(ev.about);
        }
    }
}

static void world_fini(struct world *w)
{
    free_pending_events(w);
    heap_fini(&w->heap);
    for (size_t i = 0; i < w->n_jobs; i++) {
        struct ask *a = w->all_jobs[i]->ask;
        if (a != NULL && w->all_jobs[i]->phase != JOB_OVER) {
            free(a->talk);
            free(a);
        }
        free(w->all_jobs[i]);
    }
    free(w->all_jobs);
    if (w->fleet != NULL)
        fleet_fini(w);
    for (size_t i = 0; i < w->sc->n_proxies; i++)
        w->proxy[i].ops->fini(&w->proxy[i]);
}

/* Everything in one thread. */
static void run_alone(struct world *w, uint64_t end_ns)
{
    while (world_step(w, end_ns))
        ;
}

bool sim_run_by(const struct scenario *sc, struct result *res, world_runner_fn *run)
{
    struct world *w = calloc(1, sizeof *w);
    bool held;

    WEIR_ASSERT(w != NULL);
    WEIR_ASSERT(sc->n_engines >= 1 && sc->n_engines <= SIM_ENGINES_MAX);
    WEIR_ASSERT(sc->n_proxies >= 1 && sc->n_proxies <= SIM_PROXIES_MAX);
    WEIR_ASSERT(sc->seconds < SIM_SECONDS_MAX);
    world_init(w, sc, res);
    schedule(w);
    run(w, w->start_ns + num_ns(sc->seconds));
    if (!w->broken && sc->check)
        drain_out(w);
    held = !w->broken;
    world_fini(w);
    free(w);
    return held;
}

bool sim_run(const struct scenario *sc, struct result *res)
{
    return sim_run_by(sc, res, run_alone);
}
