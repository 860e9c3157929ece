/* SPDX-License-Identifier: Apache-2.0 */
/* The view of everything now, for admin and metrics. */
#include <stdio.h>
#include <stdlib.h>

#include "control/control_priv.h"
#include "control/fleet.h"
#include "upstream/health.h"
#include "weir/base/memory.h"

static const char *const override_names[OVERRIDE_COUNT] = {
    [OVERRIDE_BREAKER_OPEN] = "breaker open",   [OVERRIDE_BREAKER_CLOSE] = "breaker close",
    [OVERRIDE_RAMP_HOLD] = "ramp hold",         [OVERRIDE_DRAIN] = "drain",
    [OVERRIDE_LIMIT_STREAMS] = "limit streams",
};

static void put_by(char out[64], const struct command_by *by)
{
    if (by->known)
        (void)snprintf(out, 64, "uid %u%s%s", by->uid, by->node[0] == '\0' ? "" : " at ", by->node);
    else
        (void)snprintf(out, 64, "unknown");
}

static void view_overrides(const struct control *c, const struct upstream_watch *w,
                           struct upstream_status *u)
{
    u->n_overrides = 0;
    for (int o = 0; o < OVERRIDE_COUNT; o++) {
        struct override_view *v = &u->overrides[u->n_overrides];

        if (!u->v.override_on[o])
            continue;
        if (o == OVERRIDE_LIMIT_STREAMS)
            (void)snprintf(v->what, sizeof v->what, "limit streams %.0f", w->limit_value);
        else
            (void)snprintf(v->what, sizeof v->what, "%s", override_names[o]);
        if (o == OVERRIDE_DRAIN && strcmp(u->v.cause, "canary") == 0)
            (void)snprintf(v->by, sizeof v->by, "the canary");
        else
            put_by(v->by, &w->by[o]);
        v->until_wall_ns = control_wall(c, u->v.override_until_ns[o]);
        u->n_overrides++;
    }
}

static void subtract(struct histogram_sum *a, const struct histogram_sum *b)
{
    for (int i = 0; i < BUCKET_COUNT; i++)
        a->n[i] -= b->n[i];
    a->sum_us -= b->sum_us;
}

/* What came since the oldest snapshot kept: 50 to 60 s. */
static struct histogram_sum last_minute(const struct control *c, const struct histogram_sum *now,
                                        const struct histogram_sum *ring)
{
    uint64_t tens = c->clock.seconds / 10;
    struct histogram_sum h = *now;

    if (tens >= TENS_KEPT - 1)
        subtract(&h, &ring[(tens + 2) % TENS_KEPT]);
    return h;
}

static void view_upstream(struct control *c, const struct snapshot_pool *p, size_t i,
                          struct upstream_status *u, const struct upstream_view *v)
{
    const struct upstream_watch *w = &c->upstreams[p->upstreams[i].slot];
    struct histogram_sum h;

    u->name = p->conf->upstreams[i].name;
    u->url = p->conf->upstreams[i].url;
    u->v = *v;
    view_overrides(c, w, u);
    control_fleet_view_upstream(c, p, i, &u->fleet);
    control_sum_upstream(c, p->upstreams[i].slot, &u->sum);
    h = last_minute(c, &u->sum.ttft, w->ttft);
    u->ttft_p50_ms = histogram_quantile_ms(&h, 500);
    u->ttft_p90_ms = histogram_quantile_ms(&h, 900);
    u->ttft_p99_ms = histogram_quantile_ms(&h, 990);
    h = last_minute(c, &u->sum.interval, w->interval);
    u->pace_p50_ms = histogram_quantile_ms(&h, 500);
    (void)snprintf(u->addresses, sizeof u->addresses, "%s", w->text);
    (void)snprintf(u->check, sizeof u->check, "%s", health_error(w->health));
}

static const char *const set_names[SET_COUNT] = {
    [SET_BREAKER] = "breaker",
    [SET_LIMITER] = "limiter",
    [SET_RAMP] = "ramp",
    [SET_QUEUE] = "queue",
};

static void view_modes(const struct control *c, const struct pool_watch *w, struct pool_status *p)
{
    p->n_overrides = 0;
    for (int i = 0; i < SET_COUNT; i++) {
        struct override_view *v = &p->overrides[p->n_overrides];

        if (!w->modes[i].on)
            continue;
        (void)snprintf(v->what, sizeof v->what, "mode %s %s", set_names[i],
                       w->modes[i].enforce ? "enforce" : "observe");
        put_by(v->by, &w->modes[i].by);
        v->until_wall_ns = control_wall(c, w->modes[i].until_ns);
        p->n_overrides++;
    }
}

static void view_pool(struct control *c, int index, struct pool_status *s,
                      struct upstream_status *upstreams)
{
    struct snapshot_pool *p = &c->snapshot->pools[index];
    struct pool_watch *w = &c->pools[p->slot];
    struct upstream_view views[POOL_UPSTREAMS_MAX];
    uint64_t now = loop_now_ns(c->loop), shed = 0;
    struct pool *pool = gate_lock(p->gate);

    pool_view(pool, &s->v, now);
    for (size_t i = 0; i < p->n_upstreams; i++)
        pool_upstream_view(pool, (size_t)p->upstreams[i].place, &views[i], now);
    for (int i = 0; i < SET_COUNT; i++)
        s->enforce[i] = pool_enforces(pool, (enum pool_rule_set)i);
    gate_unlock(p->gate);

    s->name = p->conf->name;
    s->state = w->state;
    s->since_wall_ns = w->since_wall_ns;
    for (int i = 0; i < CAUSE_COUNT; i++) {
        s->shed_last_minute[i] = control_shed_in(c, p->slot, SECONDS_KEPT - 1, (enum cause)i);
        shed += control_shed_in(c, p->slot, 10, (enum cause)i);
    }
    s->shed_per_s = (double)shed / 10.0;
    s->admitted_per_s = (double)control_admitted_in(c, p->slot, 10) / 10.0;
    s->incident = w->incident;
    s->incident_until_wall_ns = control_wall(c, w->incident_until_ns);
    view_modes(c, w, s);
    s->admitted_last_minute = control_admitted_in(c, p->slot, SECONDS_KEPT - 1);
    s->voted = w->vote.total;
    s->lead = w->vote.lead;
    control_sum_pool(c, p->slot, &s->sum);
    control_view_hour(c, p->slot, s);
    control_view_canary(c, p, &s->canary);
    s->upstreams = upstreams;
    s->n_upstreams = p->n_upstreams;
    for (size_t i = 0; i < p->n_upstreams; i++)
        view_upstream(c, p, i, &upstreams[i], &views[i]);
}

static int64_t certificate_ends_s(const struct snapshot *s)
{
    int64_t soonest = 0;

    for (size_t i = 0; i < s->settings->n_listeners; i++) {
        const struct tls_server *tls = s->listeners[i].tls;
        int64_t at = tls == NULL ? 0 : tls_server_ends_s(tls);

        if (at != 0 && (soonest == 0 || at < soonest))
            soonest = at;
    }
    return soonest;
}

static void view_process(const struct control *c, struct process_status *p)
{
    *p = (struct process_status){
        .memory_most = c->memory.most,
        .state_error = c->keeper == NULL ? 0 : file_sink_error(c->keeper),
        .certificate_ends_s = certificate_ends_s(c->snapshot),
        .clock_jumps = c->clock.jumps,
        .clock_jump_ns = c->clock.jump_ns,
        .clock_jump_wall_ns = c->clock.jump_wall_ns,
    };
}

const struct status_view *control_status(struct control *c)
{
    struct status_view *v = &c->view.status;
    struct upstream_status *at = c->view.upstreams;

    (void)loop_refresh_now(c->loop);
    v->state = c->service.state;
    v->since_wall_ns = c->service.since_wall_ns;
    v->now_wall_ns = wall_now_ns();
    v->now_ns = loop_now_ns(c->loop);
    v->started_wall_ns = c->clock.started_wall_ns;
    v->incident = NULL;
    v->pools = c->view.pools;
    v->n_pools = c->snapshot->settings->n_pools;
    for (size_t i = 0; i < v->n_pools; i++) {
        view_pool(c, (int)i, &v->pools[i], at);
        at += v->pools[i].n_upstreams;
        if (v->incident == NULL)
            v->incident = v->pools[i].incident;
    }
    control_sum_pool(c, 0, &v->no_pool);
    control_sum_workers(c, &v->workers);
    v->n_workers = (uint32_t)c->workers.n;
    v->access_log_error = c->log.error;
    view_process(c, &v->process);
    v->fleet = c->fleet.node == NULL ? NULL : &c->fleet.view;
    if (c->fleet.node != NULL)
        fleet_view(c->fleet.node, &c->fleet.view);
    v->tracing = (struct tracing_status){c->snapshot->collector.on, c->export.sent,
                                         c->export.dropped, c->export.error};
    return v;
}

/* --- live requests */

struct sessions_ask {
    struct control *c;
    void (*fn)(const struct live_request *list, size_t n, void *arg);
    void *arg;
    int missing;
    struct session_list *lists[WORKERS_MAX];
};

enum { SESSIONS_MAX = 10000 };

static void answer_sessions(struct sessions_ask *a, int n)
{
    struct live_request *all = calloc(SESSIONS_MAX, sizeof *all);
    size_t used = 0;

    for (int w = 0; w < n; w++) {
        struct session_list *l = a->lists[w];
        for (size_t i = 0; all != NULL && l != NULL && i < l->n && used < SESSIONS_MAX; i++) {
            all[used] = l->list[i];
            control_index(a->c, &all[used].pool, &all[used].upstream);
            used++;
        }
        free(l);
    }
    a->fn(all, used, a->arg);
    free(all);
    free(a);
}

static void on_list(struct session_list *l)
{
    struct sessions_ask *a = l->arg;

    if (--a->missing == 0)
        answer_sessions(a, a->c->workers.n);
}

bool control_sessions(struct control *c,
                      void (*fn)(const struct live_request *list, size_t n, void *arg), void *arg)
{
    size_t max = SESSIONS_MAX / (size_t)c->workers.n + 1;
    struct sessions_ask *a = calloc(1, sizeof *a);

    if (a == NULL || !memory_is_there((SESSIONS_MAX + max) * sizeof(struct live_request))) {
        free(a);
        return false;
    }
    a->c = c;
    a->fn = fn;
    a->arg = arg;
    for (int w = 0; w < c->workers.n; w++) {
        struct session_list *l = calloc(1, sizeof *l + max * sizeof l->list[0]);
        if (l == NULL)
            continue;
        l->fn = on_list;
        l->arg = a;
        l->max = max;
        a->lists[w] = l;
        a->missing++;
    }
    if (a->missing == 0) {
        free(a);
        return false;
    }
    for (int w = 0; w < c->workers.n; w++) {
        if (a->lists[w] == NULL || worker_list_sessions(c->workers.list[w], a->lists[w], c->loop))
            continue;
        free(a->lists[w]);
        a->lists[w] = NULL;
        a->missing--;
    }
    if (a->missing > 0)
        return true;
    free(a);
    return false;
}
