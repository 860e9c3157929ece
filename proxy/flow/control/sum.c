/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the workers' counters, the rings of the last minute, and the sum that is told at the end.
 */
#include "control/control_priv.h"
#include "control/export.h"
#include "weir/base/text.h"

static void add(uint64_t *out, const _Atomic uint64_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += counter_get(&in[i]);
}

/* Both sides of every shape are arrays of 64-bit numbers (flow/counters.h). */
#define ADD_ROW(shape, field, metric, labels, help)                                                \
    _Static_assert(sizeof out->field == sizeof in->field, metric);                                 \
    add((uint64_t *)&out->field, (const _Atomic uint64_t *)&in->field,                             \
        sizeof out->field / sizeof(uint64_t));

void control_sum_pool(const struct control *c, int slot, struct pool_sum *out)
{
    *out = (struct pool_sum){0};
    for (int w = 0; w < c->workers.n; w++) {
        const struct pool_counters *in = worker_pool_counters(c->workers.list[w], slot);
        WEIR_POOL_COUNTERS(ADD_ROW)
    }
}

void control_sum_upstream(const struct control *c, int slot, struct upstream_sum *out)
{
    *out = (struct upstream_sum){0};
    for (int w = 0; w < c->workers.n; w++) {
        const struct upstream_counters *in = worker_upstream_counters(c->workers.list[w], slot);
        WEIR_UPSTREAM_COUNTERS(ADD_ROW)
    }
}

void control_sum_workers(const struct control *c, struct worker_sum *out)
{
    *out = (struct worker_sum){0};
    for (int w = 0; w < c->workers.n; w++) {
        const struct worker_counters *k = worker_counters(c->workers.list[w]);
#define WEIR_SUM_ROW(field, metric, type, help) out->field += counter_get(&k->field);
        WEIR_WORKER_COUNTERS(WEIR_SUM_ROW)
#undef WEIR_SUM_ROW
    }
    out->log_dropped += c->log.dropped;
}

/* Where the totals of `seconds` whole seconds ago are, at most SECONDS_KEPT - 1; -1: nowhere. */
static int slot_ago(const struct control *c, int seconds)
{
    uint64_t newest = c->clock.seconds;

    return newest > (uint64_t)seconds ? (int)((newest - (uint64_t)seconds) % SECONDS_KEPT) : -1;
}

uint64_t control_shed_in(const struct control *c, int pool, int seconds, enum cause cause)
{
    const struct pool_watch *p = &c->pools[pool];
    int then = slot_ago(c, seconds);

    return p->shed[c->clock.seconds % SECONDS_KEPT][cause] - (then < 0 ? 0 : p->shed[then][cause]);
}

uint64_t control_admitted_in(const struct control *c, int pool, int seconds)
{
    const struct pool_watch *p = &c->pools[pool];
    int then = slot_ago(c, seconds);

    return p->admitted[c->clock.seconds % SECONDS_KEPT] - (then < 0 ? 0 : p->admitted[then]);
}

static void keep_pool(struct control *c, int index)
{
    struct pool_watch *p = &c->pools[c->snapshot->pools[index].slot];
    size_t now = c->clock.seconds % SECONDS_KEPT;
    struct pool_sum sum;

    control_sum_pool(c, c->snapshot->pools[index].slot, &sum);
    memcpy(p->shed[now], sum.shed, sizeof sum.shed);
    p->admitted[now] = 0;
    for (int k = 0; k < CLASS_COUNT; k++)
        p->admitted[now] += sum.requests[k][DECISION_ADMITTED] + sum.requests[k][DECISION_QUEUED];
    control_keep_hour(c, index, &sum);
}

static void keep_histograms(struct control *c, const struct snapshot_pool *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream_watch *u = &c->upstreams[p->upstreams[i].slot];
        struct upstream_sum sum;

        control_sum_upstream(c, p->upstreams[i].slot, &sum);
        u->ttft[c->clock.seconds / 10 % TENS_KEPT] = sum.ttft;
        u->interval[c->clock.seconds / 10 % TENS_KEPT] = sum.interval;
    }
}

void control_second(struct control *c)
{
    c->clock.seconds++;
    access_log_watch(c);
    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        keep_pool(c, (int)i);
        if (c->clock.seconds % 10 == 0)
            keep_histograms(c, &c->snapshot->pools[i]);
    }
    control_limits_second(c);
    control_shown_second(c);
    control_keep_second(c);
    control_upstreams_second(c);
    control_incidents_second(c);
    export_second(c);
    control_publish(c);
    if (c->start.second != NULL)
        c->start.second(c->start.arg);
}

static uint64_t sum_decision(const struct control *c, enum decision d)
{
    uint64_t n = 0;

    for (int slot = 0; slot <= SNAPSHOT_POOLS_MAX; slot++) {
        for (int w = 0; w < c->workers.n; w++) {
            const struct pool_counters *p = worker_pool_counters(c->workers.list[w], slot);
            for (int k = 0; k < CLASS_COUNT; k++)
                n += counter_get(&p->requests[k][d]);
        }
    }
    return n;
}

void control_say_sum(const struct control *c)
{
    struct worker_sum workers;
    char mem[256];
    struct text t;
    uint64_t all = 0;

    text_init(&t, mem, sizeof mem);
    for (int d = 0; d < DECISION_COUNT; d++) {
        uint64_t n = sum_decision(c, (enum decision)d);
        text_printf(&t, "%s%s %llu", d == 0 ? "" : ", ", decision_name((enum decision)d),
                    (unsigned long long)n);
        all += n;
    }
    control_sum_workers(c, &workers);
    log_info("the end: %llu requests (%s), %llu lines of the access log dropped",
             (unsigned long long)all, mem, (unsigned long long)workers.log_dropped);
}
