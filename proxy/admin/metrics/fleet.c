/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of a node of a fleet.  Control thread. */
#include "weir/fleet/fleet.h"
#include "metrics/metrics.h"
#include "weir/base/clock.h"

static void write_nodes(struct metric_out *o, const struct fleet_view *f)
{
    metric_u64(o, NULL, 0, f->nodes);
}

static void write_leader(struct metric_out *o, const struct fleet_view *f)
{
    metric_u64(o, NULL, 0, f->leads);
}

static void write_state(struct metric_out *o, const struct fleet_view *f)
{
    static const char *const names[] = {
        [FLEET_OFF] = "off", [FLEET_JOINED] = "joined", [FLEET_ALONE] = "alone"};

    for (int s = FLEET_OFF; s <= FLEET_ALONE; s++)
        metric_u64(o, (struct metric_label[]){{"state", names[s]}}, 1,
                   f->state == (enum fleet_state)s);
}

static void write_sync_age(struct metric_out *o, const struct fleet_view *f)
{
    if (f->sync_age_ns != UINT64_MAX)
        metric_num(o, NULL, 0, (double)f->sync_age_ns / (double)NS_PER_S);
}

static void write_sync_seconds(struct metric_out *o, const struct fleet_view *f)
{
    metric_num(o, NULL, 0, (double)f->sync_ns / (double)NS_PER_S);
}

static void write_calls(struct metric_out *o, const struct fleet_view *f)
{
    for (int c = 0; c < FLEET_CALL_COUNT; c++) {
        for (int r = 0; r < FLEET_RESULT_COUNT; r++)
            metric_u64(o,
                       (struct metric_label[]){{"call", fleet_call_name((enum fleet_call)c)},
                                               {"result", fleet_result_name((enum fleet_result)r)}},
                       2, f->calls[c][r]);
    }
}

static void write_connects(struct metric_out *o, const struct fleet_view *f)
{
    metric_u64(o, NULL, 0, f->connects);
}

static void write_rejected(struct metric_out *o, const struct fleet_view *f)
{
    metric_u64(o, NULL, 0, f->rejected);
}

static const struct {
    const char *name, *type, *help;
    void (*write)(struct metric_out *o, const struct fleet_view *f);
} rows[] = {
#define ROW(writer, name, type, labels, help) {name, type, help, write_##writer},
    WEIR_FLEET_METRICS(ROW)
#undef ROW
};

void fleet_metrics(struct metric_out *o, struct admin *a)
{
    for (size_t i = 0; a->status->fleet != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        metric_family(o, rows[i].name, rows[i].type, rows[i].help);
        rows[i].write(o, a->status->fleet);
    }
}
