/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of points per pool and upstream, found by name, so that a reload keeps what stays. */
#include "web/history_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/clock.h"

struct history *history_create(void)
{
    return calloc(1, sizeof(struct history));
}

void history_destroy(struct history **hp)
{
    struct history *h = *hp;

    if (h == NULL)
        return;
    while (h->upstreams != NULL) {
        struct upstream_series *u = h->upstreams;
        h->upstreams = u->next;
        free(u);
    }
    while (h->pools != NULL) {
        struct pool_series *p = h->pools;
        h->pools = p->next;
        free(p);
    }
    free(h);
    *hp = NULL;
}

/* --- taking points */

static bool names_are(const char *a, const char *name)
{
    return strncmp(a, name, HISTORY_NAME_ROOM - 1) == 0;
}

struct upstream_series *history_upstream(struct history *h, const char *pool, const char *name)
{
    struct upstream_series **at = &h->upstreams, *s;

    for (; *at != NULL; at = &(*at)->next) {
        if (names_are((*at)->pool, pool) && names_are((*at)->name, name))
            return *at;
    }
    s = *at = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    (void)snprintf(s->pool, HISTORY_NAME_ROOM, "%s", pool);
    (void)snprintf(s->name, HISTORY_NAME_ROOM, "%s", name);
    s->first = h->tick;
    return s;
}

/* What was counted before the first point is not of its second. */
static void begin_counting(struct upstream_series *s, const struct upstream_sum *sum)
{
    s->counted = true;
    memcpy(s->outcomes, sum->outcomes, sizeof s->outcomes);
    for (int i = 0; i < HISTORY_QUANTILE_TICKS; i++)
        s->ttft[i] = sum->ttft;
}

struct pool_series *history_pool(struct history *h, const char *name)
{
    struct pool_series **at = &h->pools, *s;

    for (; *at != NULL; at = &(*at)->next) {
        if (names_are((*at)->name, name))
            return *at;
    }
    s = *at = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    (void)snprintf(s->name, HISTORY_NAME_ROOM, "%s", name);
    s->first = h->tick;
    return s;
}

static void take_quantiles(struct upstream_series *s, struct upstream_point *pt,
                           const struct histogram_sum *now, uint64_t tick)
{
    struct histogram_sum *then = &s->ttft[tick % HISTORY_QUANTILE_TICKS], since = *now;

    for (int i = 0; i < BUCKET_COUNT; i++)
        since.n[i] -= then->n[i];
    *then = *now;
    pt->p50_ms = (float)histogram_quantile_ms(&since, 500);
    pt->p99_ms = (float)histogram_quantile_ms(&since, 990);
}

static void take_upstream(struct history *h, const char *pool, const struct upstream_status *u)
{
    struct upstream_series *s = history_upstream(h, pool, u->name);
    struct upstream_point *pt;

    if (s == NULL)
        return;
    if (!s->counted)
        begin_counting(s, &u->sum);
    s->last = h->tick;
    pt = &s->points[h->tick % HISTORY_POINTS];
    pt->state = (uint8_t)u->v.state;
    pt->share = (float)u->v.share;
    pt->limit_streams = (float)u->v.limit_streams;
    pt->limit_pending = (float)u->v.limit_pending;
    pt->inflight = u->v.inflight;
    pt->pending = u->v.pending;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        pt->outcomes[i] = (uint32_t)(u->sum.outcomes[i] - s->outcomes[i]);
    memcpy(s->outcomes, u->sum.outcomes, sizeof s->outcomes);
    take_quantiles(s, pt, &u->sum.ttft, h->tick);
}

static void take_pool(struct history *h, const struct pool_status *p)
{
    struct pool_series *s = history_pool(h, p->name);
    struct pool_point *pt;

    if (s == NULL)
        return;
    if (!s->counted)
        memcpy(s->shed, &p->sum.shed[CAUSE_REFUSAL_FIRST], sizeof s->shed);
    s->counted = true;
    s->last = h->tick;
    pt = &s->points[h->tick % HISTORY_POINTS];
    pt->queued = p->v.queued;
    for (int i = 0; i < CAUSE_REFUSAL_COUNT; i++) {
        pt->shed[i] = (uint32_t)(p->sum.shed[CAUSE_REFUSAL_FIRST + i] - s->shed[i]);
        s->shed[i] = p->sum.shed[CAUSE_REFUSAL_FIRST + i];
    }
}

/* Frees what a reload took away. */
static void forget_ended(struct history *h)
{
    for (struct upstream_series **u = &h->upstreams; *u != NULL;) {
        struct upstream_series *s = *u;
        if (s->last == h->tick) {
            u = &s->next;
            continue;
        }
        *u = s->next;
        free(s);
    }
    for (struct pool_series **p = &h->pools; *p != NULL;) {
        struct pool_series *s = *p;
        if (s->last == h->tick) {
            p = &s->next;
            continue;
        }
        *p = s->next;
        free(s);
    }
}

void history_tick(struct history *h, const struct status_view *v)
{
    h->tick++;
    h->at_s[h->tick % HISTORY_POINTS] = v->now_wall_ns / NS_PER_S;
    for (size_t p = 0; p < v->n_pools; p++) {
        take_pool(h, &v->pools[p]);
        for (size_t u = 0; u < v->pools[p].n_upstreams; u++)
            take_upstream(h, v->pools[p].name, &v->pools[p].upstreams[u]);
    }
    forget_ended(h);
}

/* --- showing them */

struct column {
    const char *name;
    int decimals;
    double (*value)(const struct upstream_point *pt, int param);
    int param;
};

static double value_state(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->state;
}

static double value_share(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->share;
}

static double value_inflight(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->inflight;
}

static double value_limit(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->limit_streams;
}

static double value_pending(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->pending;
}

static double value_limit_pending(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->limit_pending;
}

static double value_p50(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->p50_ms;
}

static double value_p99(const struct upstream_point *pt, int param)
{
    (void)param;
    return pt->p99_ms;
}

static double value_outcome(const struct upstream_point *pt, int outcome)
{
    return pt->outcomes[outcome];
}

static const struct column columns[] = {
    {"state", 0, value_state, 0},
    {"share", 3, value_share, 0},
    {"inflight", 0, value_inflight, 0},
    {"limit", 1, value_limit, 0},
    {"pending", 0, value_pending, 0},
    {"pending_limit", 1, value_limit_pending, 0},
    {"p50", 0, value_p50, 0},
    {"p99", 0, value_p99, 0},
    {"ok", 0, value_outcome, OUTCOME_OK},
    {"failed", 0, value_outcome, OUTCOME_FAILED},
    {"connect_failed", 0, value_outcome, OUTCOME_CONNECT_FAILED},
    {"stalled", 0, value_outcome, OUTCOME_STALLED},
    {"refused", 0, value_outcome, OUTCOME_REFUSED},
    {"neutral", 0, value_outcome, OUTCOME_NEUTRAL},
};

static void json_column(struct json_out *j, const struct upstream_series *s,
                        const struct column *col, uint64_t from, uint64_t to)
{
    json_open_array(j, col->name);
    for (uint64_t t = from; t <= to; t++) {
        if (t < s->first)
            json_put_null(j, NULL);
        else
            json_num(j, NULL, col->value(&s->points[t % HISTORY_POINTS], col->param),
                     col->decimals);
    }
    json_close(j);
}

static void json_upstreams(struct json_out *j, const struct history *h, uint64_t from, uint64_t to)
{
    json_open_array(j, "upstreams");
    for (const struct upstream_series *s = h->upstreams; s != NULL; s = s->next) {
        json_open_object(j, NULL);
        json_cstr(j, "pool", s->pool);
        json_cstr(j, "name", s->name);
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
            json_column(j, s, &columns[i], from, to);
        json_close(j);
    }
    json_close(j);
}

static bool any_shed(const struct pool_series *s, int cause, uint64_t from, uint64_t to)
{
    for (uint64_t t = from > s->first ? from : s->first; t <= to; t++) {
        if (s->points[t % HISTORY_POINTS].shed[cause] > 0)
            return true;
    }
    return false;
}

static void json_shed(struct json_out *j, const struct pool_series *s, uint64_t from, uint64_t to)
{
    json_open_object(j, "shed");
    for (int c = 0; c < CAUSE_REFUSAL_COUNT; c++) {
        if (!any_shed(s, c, from, to))
            continue;
        json_open_array(j, cause_name((enum cause)(CAUSE_REFUSAL_FIRST + c)));
        for (uint64_t t = from; t <= to; t++)
            json_u64(j, NULL, t < s->first ? 0 : s->points[t % HISTORY_POINTS].shed[c]);
        json_close(j);
    }
    json_close(j);
}

static void json_pools(struct json_out *j, const struct history *h, uint64_t from, uint64_t to)
{
    json_open_array(j, "pools");
    for (const struct pool_series *s = h->pools; s != NULL; s = s->next) {
        json_open_object(j, NULL);
        json_cstr(j, "name", s->name);
        json_open_array(j, "queue");
        for (uint64_t t = from; t <= to; t++)
            json_u64(j, NULL, t < s->first ? 0 : s->points[t % HISTORY_POINTS].queued);
        json_close(j);
        json_shed(j, s, from, to);
        json_close(j);
    }
    json_close(j);
}

static void json_range(struct json_out *j, const struct history *h, uint64_t from, uint64_t to)
{
    json_open_array(j, "at");
    for (uint64_t t = from; t <= to; t++)
        json_u64(j, NULL, h->at_s[t % HISTORY_POINTS]);
    json_close(j);
    json_pools(j, h, from, to);
    json_upstreams(j, h, from, to);
}

void history_json(struct json_out *j, const struct history *h)
{
    json_u64(j, "points", HISTORY_POINTS);
    json_range(j, h, h->tick > HISTORY_POINTS ? h->tick - HISTORY_POINTS + 1 : 1, h->tick);
}

void history_newest_json(struct json_out *j, const struct history *h)
{
    json_range(j, h, h->tick == 0 ? 1 : h->tick, h->tick);
}
