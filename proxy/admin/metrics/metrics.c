/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of each metric, from the view of the moment.  Control thread. */
#include "metrics/metrics.h"

#include <stdio.h>
#include <string.h>

#include "call/call.h"
#include "metrics/tally.h"
#include "weir/base/clock.h"

#define LABELS(...)                                                                                \
    (struct metric_label[])                                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

/* --- once per process */

static void write_build_info(struct metric_out *o, struct admin *a)
{
    (void)a;
    metric_u64(o, LABELS({"version", WEIR_VERSION}), 1, 1);
}

static void write_event_log_dropped(struct metric_out *o, struct admin *a)
{
    (void)a;
    metric_u64(o, NULL, 0, log_dropped());
}

static void write_spans(struct metric_out *o, struct admin *a)
{
    const struct tracing_status *t = &a->status->tracing;

    if (!t->on)
        return;
    metric_u64(o, LABELS({"fate", "sent"}), 1, t->sent);
    metric_u64(o, LABELS({"fate", "dropped"}), 1, t->dropped);
}

static void write_state(struct metric_out *o, struct admin *a)
{
    for (int s = 0; s < SERVICE_STATE_COUNT; s++)
        metric_u64(o, LABELS({"state", service_state_name((enum service_state)s)}), 1,
                   a->status->state == (enum service_state)s);
}

static void write_transitions(struct metric_out *o, struct admin *a)
{
    const struct tally_row *r;
    size_t n = tally_rows(a->tally, &r);

    for (size_t i = 0; i < n; i++)
        metric_u64(o,
                   LABELS({"pool", r[i].pool}, {"upstream", r[i].upstream},
                          {"from", breaker_state_name(r[i].from)},
                          {"to", breaker_state_name(r[i].to)}, {"cause", r[i].cause}),
                   5, r[i].n);
}

/* --- per pool */

#define EACH_POOL(p, a)                                                                            \
    for (const struct pool_status *p = (a)->status->pools, *end_ = p + (a)->status->n_pools;       \
         p < end_; p++)

static void write_pool_state(struct metric_out *o, struct admin *a)
{
    EACH_POOL(p, a)
    {
        for (int s = 0; s < SERVICE_STATE_COUNT; s++)
            metric_u64(
                o, LABELS({"pool", p->name}, {"state", service_state_name((enum service_state)s)}),
                2, p->state == (enum service_state)s);
    }
}

static void write_queue_length(struct metric_out *o, struct admin *a)
{
    EACH_POOL(p, a)
    {
        for (int c = 0; c < CLASS_COUNT; c++)
            metric_u64(o, LABELS({"pool", p->name}, {"class", class_name((enum request_class)c)}),
                       2, p->v.queued_by_class[c]);
    }
}

/* Rules that refuse, always there, so that a rate begins at 0. */
static void write_observed(struct metric_out *o, struct admin *a)
{
    EACH_POOL(p, a)
    {
        for (int r = 0; r < RULE_COUNT; r++) {
            enum cause cause = rule_cause((enum rule)r);
            if (cause != CAUSE_NONE)
                metric_u64(o,
                           LABELS({"pool", p->name}, {"rule", rule_name((enum rule)r)},
                                  {"cause", cause_name(cause)}),
                           3, p->v.observed_rule[r]);
        }
    }
}

static void write_queue_oldest(struct metric_out *o, struct admin *a)
{
    uint64_t now = a->status->now_ns;

    EACH_POOL(p, a)
    {
        uint64_t age = p->v.oldest_ns == 0 || p->v.oldest_ns > now ? 0 : now - p->v.oldest_ns;
        metric_num(o, LABELS({"pool", p->name}), 1, (double)age / (double)NS_PER_S);
    }
}

static void write_limits_reached(struct metric_out *o, struct admin *a)
{
    EACH_POOL(p, a)
    metric_u64(o, LABELS({"pool", p->name}), 1, p->v.limits_reached);
}

static void write_overrides(struct metric_out *o, struct admin *a)
{
    EACH_POOL(p, a)
    {
        int n = p->n_overrides;
        for (size_t u = 0; u < p->n_upstreams; u++)
            n += p->upstreams[u].n_overrides;
        metric_u64(o, LABELS({"pool", p->name}), 1, (uint64_t)n);
    }
}

static void write_incident(struct metric_out *o, struct admin *a)
{
    EACH_POOL(p, a)
    metric_u64(o, LABELS({"pool", p->name}), 1, p->incident != NULL);
}

/* --- per upstream */

typedef void upstream_fn(struct metric_out *o, const struct metric_label *two,
                         const struct upstream_status *u);

static void each_upstream(struct metric_out *o, struct admin *a, upstream_fn *fn)
{
    EACH_POOL(p, a)
    {
        for (size_t i = 0; i < p->n_upstreams; i++)
            fn(o, LABELS({"pool", p->name}, {"upstream", p->upstreams[i].name}), &p->upstreams[i]);
    }
}

#define PER_UPSTREAM(metric, write)                                                                \
    static void one_##metric(struct metric_out *o, const struct metric_label *two,                 \
                             const struct upstream_status *u)                                      \
    {                                                                                              \
        write;                                                                                     \
    }                                                                                              \
    static void write_##metric(struct metric_out *o, struct admin *a)                              \
    {                                                                                              \
        each_upstream(o, a, one_##metric);                                                         \
    }

PER_UPSTREAM(share, metric_num(o, two, 2, u->v.share))
PER_UPSTREAM(known_good, metric_num(o, two, 2, u->v.known_good))
PER_UPSTREAM(pending, metric_u64(o, two, 2, u->v.pending))
PER_UPSTREAM(inflight, metric_u64(o, two, 2, u->v.inflight))

static void one_limit(struct metric_out *o, const struct metric_label *two,
                      const struct upstream_status *u)
{
    metric_num(o, LABELS(two[0], two[1], {"kind", "pending"}), 3, u->v.limit_pending);
    metric_num(o, LABELS(two[0], two[1], {"kind", "streams"}), 3, u->v.limit_streams);
}

static void write_limit(struct metric_out *o, struct admin *a)
{
    each_upstream(o, a, one_limit);
}

static void one_upstream_state(struct metric_out *o, const struct metric_label *two,
                               const struct upstream_status *u)
{
    for (int i = 0; i < BREAKER_STATE_COUNT; i++)
        metric_u64(o, LABELS(two[0], two[1], {"state", breaker_state_name((enum breaker_state)i)}),
                   3, u->v.state == (enum breaker_state)i);
}

static void write_upstream_state(struct metric_out *o, struct admin *a)
{
    each_upstream(o, a, one_upstream_state);
}

/* --- the counters of pools and upstreams: one writer for each shape (flow/counters.h) */

struct counter_row {
    enum counter_shape shape;
    size_t at; /* in struct pool_sum or upstream_sum */
    const char *metric, *help;
};

static const struct counter_row pool_rows[] = {
#define ROW(shape, field, metric, labels, help)                                                    \
    {SHAPE_##shape, offsetof(struct pool_sum, field), metric, help},
    WEIR_POOL_COUNTERS(ROW)
#undef ROW
};
static const struct counter_row upstream_rows[] = {
#define ROW(shape, field, metric, labels, help)                                                    \
    {SHAPE_##shape, offsetof(struct upstream_sum, field), metric, help},
    WEIR_UPSTREAM_COUNTERS(ROW)
#undef ROW
};

/* Causes of refusals are always there, so that a rate begins at 0; others once they happened. */
static void by_cause(struct metric_out *o, struct metric_label label[4], int n, const uint64_t *v)
{
    for (int c = CAUSE_REFUSAL_FIRST; c < CAUSE_COUNT; c++) {
        label[n] = (struct metric_label){"cause", cause_name((enum cause)c)};
        if (cause_side((enum cause)c) == OF_WEIR || v[c] > 0)
            metric_u64(o, label, n + 1, v[c]);
    }
}

/* Those that ever refused something. */
static void by_limit(struct metric_out *o, struct metric_label label[4], int n, const uint64_t *v)
{
    for (int i = 0; i < QUOTA_LIMITS; i++) {
        label[n] = (struct metric_label){"limit", quota_limit_name((enum quota_limit)i)};
        if (v[i] > 0)
            metric_u64(o, label, n + 1, v[i]);
    }
}

static void by_outcome(struct metric_out *o, struct metric_label label[4], int n, const uint64_t *v)
{
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        label[n] = (struct metric_label){"outcome", outcome_name((enum outcome)i)};
        metric_u64(o, label, n + 1, v[i]);
    }
}

static void by_class_and_decision(struct metric_out *o, struct metric_label label[4], int n,
                                  const uint64_t *v)
{
    for (int i = 0; i < CLASS_COUNT * DECISION_COUNT; i++) {
        label[n] =
            (struct metric_label){"class", class_name((enum request_class)(i / DECISION_COUNT))};
        label[n + 1] =
            (struct metric_label){"decision", decision_name((enum decision)(i % DECISION_COUNT))};
        metric_u64(o, label, n + 2, v[i]);
    }
}

/* The samples of one row; the first n labels are filled in. */
static void write_counter(struct metric_out *o, const struct counter_row *r,
                          struct metric_label label[4], int n, const void *sum)
{
    const void *at = (const char *)sum + r->at;

    switch (r->shape) {
    case SHAPE_ONE:
        return metric_u64(o, label, n, *(const uint64_t *)at);
    case SHAPE_SECONDS:
        return metric_num(o, label, n, (double)*(const uint64_t *)at / (double)NS_PER_S);
    case SHAPE_BY_CAUSE:
        return by_cause(o, label, n, at);
    case SHAPE_BY_LIMIT:
        return by_limit(o, label, n, at);
    case SHAPE_BY_OUTCOME:
        return by_outcome(o, label, n, at);
    case SHAPE_BY_CLASS_AND_DECISION:
        return by_class_and_decision(o, label, n, at);
    case SHAPE_HISTOGRAM:
        return metric_histogram(o, label, n, at);
    }
}

static void counter_family(struct metric_out *o, const struct counter_row *r)
{
    metric_family(o, r->metric, r->shape == SHAPE_HISTOGRAM ? "histogram" : "counter", r->help);
}

static void write_pool_counter(struct metric_out *o, struct admin *a, const struct counter_row *r)
{
    struct metric_label label[4] = {{"pool", ""}};

    counter_family(o, r);
    EACH_POOL(p, a)
    {
        label[0].value = p->name;
        write_counter(o, r, label, 1, &p->sum);
    }
    label[0].value = "";
    if (r->shape != SHAPE_ONE) /* what only requests with a pool have */
        write_counter(o, r, label, 1, &a->status->no_pool);
}

static void write_upstream_counter(struct metric_out *o, struct admin *a,
                                   const struct counter_row *r)
{
    counter_family(o, r);
    EACH_POOL(p, a)
    {
        for (size_t i = 0; i < p->n_upstreams; i++) {
            struct metric_label label[4] = {{"pool", p->name}, {"upstream", p->upstreams[i].name}};
            write_counter(o, r, label, 2, &p->upstreams[i].sum);
        }
    }
}

static void write_counters(struct metric_out *o, struct admin *a)
{
    for (int i = 0; i < COUNT(pool_rows); i++)
        write_pool_counter(o, a, &pool_rows[i]);
    for (int i = 0; i < COUNT(upstream_rows); i++)
        write_upstream_counter(o, a, &upstream_rows[i]);
}

/* --- the counters of the workers */

static const struct worker_row {
    size_t at;
    const char *metric, *type, *help;
} worker_rows[] = {
#define ROW(field, metric, type, help) {offsetof(struct worker_sum, field), metric, type, help},
    WEIR_WORKER_COUNTERS(ROW)
#undef ROW
};

/*
 * Rows may carry one label ("connections{side=\"client\"}"); rows of one family stand together.
 * Splits it: the family's name into name, label and value (empty) into the others.
 */
static void split_label(const char *metric, char name[64], char label[32], char value[32])
{
    size_t n = strcspn(metric, "{");

    label[0] = value[0] = '\0';
    (void)snprintf(name, 64, "weir_%.*s", (int)n, metric);
    if (metric[n] == '{')
        (void)sscanf(metric + n, "{%31[a-z_]=\"%31[a-z_]", label, value);
}

static void write_workers(struct metric_out *o, struct admin *a)
{
    char family[64] = "", name[64], label[32], value[32];

    for (int i = 0; i < COUNT(worker_rows); i++) {
        const struct worker_row *r = &worker_rows[i];
        uint64_t n;
        memcpy(&n, (const char *)&a->status->workers + r->at, sizeof n);
        split_label(r->metric, name, label, value);
        if (strcmp(family, name) != 0) {
            memcpy(family, name, sizeof family);
            metric_family(o, family, r->type, r->help);
        }
        metric_u64(o, LABELS({label, value}), label[0] == '\0' ? 0 : 1, n);
    }
}

/* --- all of them */

static void write_all(struct metric_out *o, struct admin *a)
{
    static const struct {
        const char *name, *type, *help;
        void (*write)(struct metric_out *o, struct admin *a);
    } rows[] = {
#define ROW(writer, name, type, labels, help) {name, type, help, write_##writer},
        WEIR_METRICS(ROW)
#undef ROW
    };

    for (int i = 0; i < COUNT(rows); i++) {
        metric_family(o, rows[i].name, rows[i].type, rows[i].help);
        rows[i].write(o, a);
    }
    write_counters(o, a);
    write_workers(o, a);
    fleet_metrics(o, a);
    process_metrics(o, a);
}

void show_metrics(struct text *t, struct admin *a, const void *unused)
{
    struct metric_out o;

    (void)unused;
    metric_begin(&o, t, NULL);
    write_all(&o, a);
    metric_end(&o);
}

static void show_metrics_json(struct text *t, struct admin *a, const void *unused)
{
    struct metric_out o;
    struct json_out j;

    (void)unused;
    json_begin(&j, t);
    metric_begin(&o, t, &j);
    write_all(&o, a);
    metric_end(&o);
}

void run_metrics(struct call *c, int param)
{
    (void)param;
    call_render(c, c->json ? show_metrics_json : show_metrics, NULL);
}
