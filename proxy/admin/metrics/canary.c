/* SPDX-License-Identifier: Apache-2.0 */
/* The samples about canaries: of the one that runs in each pool, or else of the last one. */
#include "metrics/metrics.h"

#define LABELS(...)                                                                                \
    (struct metric_label[])                                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

typedef void canary_fn(struct metric_out *o, const struct metric_label *two,
                       const struct canary_view *v);

static void each_canary(struct metric_out *o, struct admin *a, canary_fn *fn)
{
    for (size_t i = 0; i < a->status->n_pools; i++) {
        const struct pool_status *p = &a->status->pools[i];
        if (p->canary.v.state != CANARY_NONE)
            fn(o, LABELS({"pool", p->name}, {"upstream", p->canary.upstream}), &p->canary.v);
    }
}

static void one_state(struct metric_out *o, const struct metric_label *two,
                      const struct canary_view *v)
{
    for (int s = CANARY_RUNNING; s <= CANARY_ROLLED_BACK; s++)
        metric_u64(o, LABELS(two[0], two[1], {"state", canary_state_name((enum canary_state)s)}), 3,
                   v->state == (enum canary_state)s);
}

static void one_share(struct metric_out *o, const struct metric_label *two,
                      const struct canary_view *v)
{
    metric_num(o, two, 2, v->share);
}

static void one_requests(struct metric_out *o, const struct metric_label *two,
                         const struct canary_view *v)
{
    static const char *const sides[CANARY_ARMS] = {
        [CANARY_PEERS] = "peers",
        [CANARY_SELF] = "canary",
    };

    for (int s = 0; s < CANARY_ARMS; s++) {
        const struct canary_counts *n = &v->counts[s];
        metric_u64(o, LABELS(two[0], two[1], {"side", sides[s]}, {"failed", "no"}), 4,
                   n->finished - n->failed);
        metric_u64(o, LABELS(two[0], two[1], {"side", sides[s]}, {"failed", "yes"}), 4, n->failed);
    }
}

static void one_evidence(struct metric_out *o, const struct metric_label *two,
                         const struct canary_view *v)
{
    for (int m = 0; m < CANARY_MEASURES; m++) {
        const char *name = canary_measure_name((enum canary_measure)m);
        metric_num(o, LABELS(two[0], two[1], {"measure", name}, {"of", "worse"}), 4,
                   v->worse_by[m]);
        metric_num(o, LABELS(two[0], two[1], {"measure", name}, {"of", "no_worse"}), 4,
                   v->within[m]);
    }
}

void write_canary_state(struct metric_out *o, struct admin *a)
{
    each_canary(o, a, one_state);
}

void write_canary_share(struct metric_out *o, struct admin *a)
{
    each_canary(o, a, one_share);
}

void write_canary_requests(struct metric_out *o, struct admin *a)
{
    each_canary(o, a, one_requests);
}

void write_canary_evidence(struct metric_out *o, struct admin *a)
{
    each_canary(o, a, one_evidence);
}
