/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of a node of a fleet.  Control thread. */
#include "weir/fleet/fleet.h"
#include "metrics/metrics.h"
#include "weir/base/clock.h"

static void write_nodes(struct metric_out *o, const struct admin *a)
{
    metric_u64(o, NULL, 0, a->status->fleet->nodes);
}

static void write_leader(struct metric_out *o, const struct admin *a)
{
    metric_u64(o, NULL, 0, a->status->fleet->leads);
}

static void write_state(struct metric_out *o, const struct admin *a)
{
    for (int s = FLEET_OFF; s <= FLEET_ALONE; s++)
        metric_u64(o, (struct metric_label[]){{"state", fleet_state_name((enum fleet_state)s)}}, 1,
                   a->status->fleet->state == (enum fleet_state)s);
}

static void write_sync_age(struct metric_out *o, const struct admin *a)
{
    uint64_t age = a->status->fleet->sync_age_ns;

    if (age != UINT64_MAX)
        metric_num(o, NULL, 0, (double)age / (double)NS_PER_S);
}

static void write_permits(struct metric_out *o, const struct admin *a)
{
    for (size_t p = 0; p < a->status->n_pools; p++) {
        const struct pool_status *pool = &a->status->pools[p];

        for (size_t i = 0; i < pool->n_upstreams; i++) {
            const struct upstream_status *u = &pool->upstreams[i];
            const struct {
                const char *kind;
                uint32_t n;
            } rows_of[] = {
                {"limit", u->fleet.limit}, {"held", u->fleet.held}, {"used", u->fleet.used}};

            for (size_t k = 0; u->fleet.shared && k < sizeof rows_of / sizeof rows_of[0]; k++)
                metric_u64(o,
                           (struct metric_label[]){{"pool", pool->name},
                                                   {"upstream", u->name},
                                                   {"kind", rows_of[k].kind}},
                           3, rows_of[k].n);
        }
    }
}

static void write_sync_seconds(struct metric_out *o, const struct admin *a)
{
    metric_num(o, NULL, 0, (double)a->status->fleet->sync_ns / (double)NS_PER_S);
}

static void write_calls(struct metric_out *o, const struct admin *a)
{
    for (int c = 0; c < FLEET_CALL_COUNT; c++) {
        for (int r = 0; r < FLEET_RESULT_COUNT; r++)
            metric_u64(o,
                       (struct metric_label[]){{"call", fleet_call_name((enum fleet_call)c)},
                                               {"result", fleet_result_name((enum fleet_result)r)}},
                       2, a->status->fleet->calls[c][r]);
    }
}

static void write_leases(struct metric_out *o, const struct admin *a)
{
    const struct fleet_lease_counts *n = &a->status->fleet->leases;
    const struct {
        const char *kind;
        uint64_t n;
    } kinds[] = {{"told", n->told}, {"asked", n->asked}, {"found", n->found}};

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        metric_u64(o, (struct metric_label[]){{"kind", kinds[k].kind}}, 1, kinds[k].n);
}

static void write_connects(struct metric_out *o, const struct admin *a)
{
    metric_u64(o, NULL, 0, a->status->fleet->connects);
}

static void write_rejected(struct metric_out *o, const struct admin *a)
{
    metric_u64(o, NULL, 0, a->status->fleet->rejected);
}

static const struct {
    const char *name, *type, *help;
    void (*write)(struct metric_out *o, const struct admin *a);
} rows[] = {
#define ROW(writer, name, type, labels, help) {name, type, help, write_##writer},
    WEIR_FLEET_METRICS(ROW)
#undef ROW
};

void fleet_metrics(struct metric_out *o, struct admin *a)
{
    for (size_t i = 0; a->status->fleet != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        metric_family(o, rows[i].name, rows[i].type, rows[i].help);
        rows[i].write(o, a);
    }
}
