/* SPDX-License-Identifier: Apache-2.0 */
/* The state of pools and of the whole, in one word each; and the public status page. */
#include <stdlib.h>

#include "control/control_priv.h"
#include "weir/base/words.h"

#define SHEDDING_NS (10 * NS_PER_S)
enum { STATUS_MAX = 64 * 1024 };

static void say_waits(struct control *c, const struct snapshot_pool *p, size_t i, bool waits)
{
    struct upstream_watch *w = &c->upstreams[p->upstreams[i].slot];
    const char *pool = c->names.pools[p->slot];
    const char *upstream = c->names.upstreams[p->upstreams[i].slot];

    if (waits && !w->waits_first)
        control_say(c, pool, upstream, "health_check",
                    "%s/%s: health checks pass, waiting for the first request", pool, upstream);
    w->waits_first = waits;
}

/* A dead upstream is half-open every few seconds: it is coming back when a probe was answered. */
static enum service_state judge_pool(struct control *c, const struct snapshot_pool *p,
                                     double *share, double *full_s)
{
    uint64_t now = loop_now_ns(c->loop);
    int closed = 0, coming = 0;
    struct pool *pool = gate_lock(p->gate);
    struct pool_view v;
    bool waits[POOL_UPSTREAMS_MAX];

    pool_view(pool, &v, now);
    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream_view u;

        pool_upstream_view(pool, (size_t)p->upstreams[i].place, &u, now);
        closed += u.state == BREAKER_CLOSED;
        coming += u.probes_good > 0 || u.waits_first || u.state == BREAKER_RAMPING;
        waits[i] = u.waits_first;
    }
    gate_unlock(p->gate);
    for (size_t i = 0; i < p->n_upstreams; i++)
        say_waits(c, p, i, waits[i]);
    *share = v.share;
    *full_s = v.expected_full_s;
    if (closed + coming == 0)
        return SERVICE_DOWN;
    if (closed == 0)
        return SERVICE_RECOVERING;
    return v.last_shed_ns != 0 && now - v.last_shed_ns < SHEDDING_NS ? SERVICE_SHEDDING
                                                                     : SERVICE_SERVING;
}

static void enter_state(struct control *c, enum service_state s)
{
    if (c->service.state == s)
        return;
    for (int i = 7; i > 0; i--)
        c->service.history[i] = c->service.history[i - 1];
    c->service.history[0] = (struct history){wall_now_ns(), s};
    if (c->service.n_history < 8)
        c->service.n_history++;
    c->service.state = s;
    c->service.since_wall_ns = c->service.history[0].at_wall_ns;
    control_publish(c);
}

void control_judge(struct control *c)
{
    enum service_state worst = SERVICE_SERVING;

    c->service.share = 1;
    c->service.full_s = 0;
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        struct pool_watch *w = &c->pools[c->snapshot->pools[i].slot];
        double share, full_s;
        enum service_state s = judge_pool(c, &c->snapshot->pools[i], &share, &full_s);

        if (w->state != s) {
            w->state = s;
            w->since_wall_ns = wall_now_ns();
        }
        if (s > worst)
            worst = s;
        if (share < c->service.share)
            c->service.share = share;
        if (full_s > c->service.full_s || full_s < 0)
            c->service.full_s = full_s;
    }
    enter_state(c, c->phase.draining ? SERVICE_DRAINING : worst);
}

static const char *first_incident(const struct control *c)
{
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        const char *text = c->pools[c->snapshot->pools[i].slot].incident;
        if (text != NULL)
            return text;
    }
    return NULL;
}

static struct public_status *make_status(const struct control *c)
{
    struct public_status *s = calloc(1, sizeof *s);
    struct status_facts f = {
        .state = service_state_name(c->service.state),
        .since_wall_ns = c->service.since_wall_ns,
        .share = c->service.share,
        .expected_full_s = c->service.full_s,
        .incident = first_incident(c),
        .updated_wall_ns = wall_now_ns(),
        .n_history = c->service.n_history,
        .pages = c->snapshot->pages,
    };

    if (s == NULL)
        return NULL;
    for (int i = 0; i < c->service.n_history; i++) {
        f.history[i].at_wall_ns = c->service.history[i].at_wall_ns;
        f.history[i].state = service_state_name(c->service.history[i].state);
    }
    s->refs = (uint32_t)c->workers.n;
    if (status_json_body(&f, &s->json, STATUS_MAX) != WEIR_OK)
        log_warn("the public status is longer than %d bytes", STATUS_MAX);
    for (uint8_t l = 0; l < language_count(); l++) {
        if (status_page_body(&f, l, &s->html[l], STATUS_MAX) != WEIR_OK)
            log_warn("the public status page is longer than %d bytes", STATUS_MAX);
    }
    return s;
}

/* Makes the public page anew and hands it to the workers. */
void control_publish(struct control *c)
{
    struct public_status *s;

    if (c->snapshot->settings->pages.status_path[0] == '\0')
        return;
    s = make_status(c);
    if (s == NULL)
        return;
    for (int i = 0; i < c->workers.n; i++)
        worker_set_status(c->workers.list[i], s);
}
