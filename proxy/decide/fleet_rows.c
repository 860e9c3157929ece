/* SPDX-License-Identifier: Apache-2.0 */
/* What travels in a fleet: the members of records and plans, their forms and ranges. */
#include <stddef.h>

#include "weir/decide/breaker.h"
#include "weir/decide/fleet.h"
#include "weir/decide/limiter.h"
#include "weir/decide/num.h"

#define COUNT_MOST  9007199254740992.0 /* 2^53: whatever reads it keeps it whole */
#define NUMBER_MOST 1e6
#define LIMIT_MOST  65535.0 /* of any max_streams */
#define HOUR_NS     (3600 * (double)NS_PER_S)
#define DAY_NS      (24 * HOUR_NS)
#define SECONDS_MAX 1000.0 /* an event of a stream */

#define COUNT(T, field)                                                                            \
    {                                                                                              \
#field, offsetof(T, field), FLEET_COUNT, 0, COUNT_MOST                                     \
    }
#define NUMBER(T, field)                                                                           \
    {                                                                                              \
#field, offsetof(T, field), FLEET_NUMBER, 0, NUMBER_MOST                                   \
    }
#define FLAG(T, field)                                                                             \
    {                                                                                              \
#field, offsetof(T, field), FLEET_FLAG, 0, 1                                               \
    }
#define RANGE(T, field, form, least, most)                                                         \
    {                                                                                              \
#field, offsetof(T, field), form, least, most                                              \
    }
#define SECONDS(T, field) RANGE(T, field, FLEET_REAL, 0, SECONDS_MAX)
/* One for each size of PREDICT_CLASSES. */
#define BASES(T, i)                                                                                \
    SECONDS(T, expect.base_s[i]), SECONDS(T, expect.base_s[i + 1]),                                \
        SECONDS(T, expect.base_s[i + 2]), SECONDS(T, expect.base_s[i + 3])
#define EXPECT(T)                                                                                  \
    NUMBER(T, expect.learnt), SECONDS(T, expect.spread_s), BASES(T, 0), BASES(T, 4), BASES(T, 8),  \
        BASES(T, 12), BASES(T, 16), BASES(T, 20)
#define R struct fleet_record
#define P struct fleet_plan

static const struct fleet_row record_rows[] = {
    COUNT(R, on),
    COUNT(R, late),
    COUNT(R, learning),
    COUNT(R, lone),
    COUNT(R, err),
    COUNT(R, sent),
    COUNT(R, ok),
    COUNT(R, cut),
    COUNT(R, failed),
    COUNT(R, refused),
    COUNT(R, shut),
    COUNT(R, events),
    COUNT(R, gaps_ns),
    COUNT(R, stream_ns),
    COUNT(R, probes_sent),
    COUNT(R, probes_good),
    COUNT(R, probes_bad),
    COUNT(R, probes_void),
    NUMBER(R, used),
    NUMBER(R, pending),
    NUMBER(R, stuck),
    NUMBER(R, streams),
    NUMBER(R, waiting),
    RANGE(R, override, FLEET_NUMBER, 0, LIMIT_MOST),
    RANGE(R, passed_ns, FLEET_COUNT, 0, HOUR_NS),
    RANGE(R, quiet_ns, FLEET_COUNT, 0, HOUR_NS),
    RANGE(R, silence, FLEET_WORD, FLEET_NO_WITNESS, FLEET_IN_PREFILL),
    FLAG(R, unary),
    FLAG(R, open),
    FLAG(R, shown),
    FLAG(R, bound_streams),
    FLAG(R, bound_pending),
    RANGE(R, own_streams, FLEET_REAL, 0, LIMIT_MOST),
    RANGE(R, own_pending, FLEET_REAL, 0, LIMIT_MOST),
    NUMBER(R, alone),
    RANGE(R, nodes, FLEET_NUMBER, 1, FLEET_NODES_MAX),
    COUNT(R, epoch),
    RANGE(R, plan_streams, FLEET_REAL, 0, LIMIT_MOST),
    RANGE(R, plan_pending, FLEET_REAL, 0, LIMIT_MOST),
    EXPECT(R),
};

static const struct fleet_row plan_rows[] = {
    COUNT(P, epoch),
    RANGE(P, state, FLEET_WORD, BREAKER_CLOSED, BREAKER_STATE_COUNT - 1),
    NUMBER(P, generation),
    RANGE(P, total, FLEET_NUMBER, 0, LIMIT_MOST),
    RANGE(P, share, FLEET_REAL, 0, 1),
    RANGE(P, known_good, FLEET_REAL, 0, LIMIT_MOST),
    RANGE(P, died_at, FLEET_REAL, 0, 1),
    NUMBER(P, trips),
    RANGE(P, left_ns, FLEET_COUNT, 0, HOUR_NS),
    FLAG(P, held),
    RANGE(P, held_ns, FLEET_COUNT, 0, DAY_NS),
    RANGE(P, probe[0], FLEET_COUNT, 0, 0),
    RANGE(P, probe[1], FLEET_COUNT, 0, 0),
    RANGE(P, probe_number[0], FLEET_NUMBER, 0, UINT32_MAX),
    RANGE(P, probe_number[1], FLEET_NUMBER, 0, UINT32_MAX),
    COUNT(P, sent),
    RANGE(P, passed_ns, FLEET_COUNT, 0, HOUR_NS),
    RANGE(P, nodes, FLEET_NUMBER, 1, FLEET_NODES_MAX),
    RANGE(P, limits.streams, FLEET_REAL, 1, LIMIT_MOST),
    RANGE(P, limits.pending, FLEET_REAL, 1, LIMIT_MOST),
    RANGE(P, limits.known, FLEET_REAL, 0, LIMIT_MOST),
    RANGE(P, limits.gain, FLEET_REAL, 1, 8),
    RANGE(P, limits.doubt, FLEET_REAL, 0, 2 * DOUBT_SHOWN),
    FLAG(P, limits.shown),
    FLAG(P, limits.start),
    FLAG(P, limits.cold),
    RANGE(P, limits.ceiling, FLEET_NUMBER, 1, UINT32_MAX),
    RANGE(P, limits.wait_marks, FLEET_NUMBER, 2, 32),
    RANGE(P, limits.proven, FLEET_REAL, 0, NUMBER_MOST),
    RANGE(P, limits.calm_s, FLEET_REAL, 0, SECONDS_MAX),
    RANGE(P, limits.low_s, FLEET_REAL, 0, SECONDS_MAX),
    RANGE(P, limits.peak, FLEET_REAL, 0, NUMBER_MOST),
    EXPECT(P),
};

_Static_assert(FLEET_PROBES == 2, "a row for each probe");
_Static_assert(PREDICT_CLASSES == 24, "a row for each size");

const struct fleet_row *fleet_record_rows(size_t *n)
{
    *n = sizeof record_rows / sizeof record_rows[0];
    return record_rows;
}

const struct fleet_row *fleet_plan_rows(size_t *n)
{
    *n = sizeof plan_rows / sizeof plan_rows[0];
    return plan_rows;
}

/* No number at all counts as the least. */
static double mended(double x, double least, double most)
{
    return x >= least ? num_min(x, most) : least;
}

static uint64_t mended_count(uint64_t x, double least, double most)
{
    if (most <= 0)
        return x; /* a name: any number */
    if ((double)x < least)
        return (uint64_t)least;
    return (double)x > most ? (uint64_t)most : x;
}

static uint32_t mended_number(uint32_t x, double least, double most)
{
    return (uint32_t)mended_count(x, least, most);
}

static void mend_row(void *of, const struct fleet_row *row)
{
    char *at = (char *)of + row->at;

    switch (row->form) {
    case FLEET_COUNT:
        *(uint64_t *)(void *)at = mended_count(*(uint64_t *)(void *)at, row->least, row->most);
        return;
    case FLEET_NUMBER:
    case FLEET_WORD:
        *(uint32_t *)(void *)at = mended_number(*(uint32_t *)(void *)at, row->least, row->most);
        return;
    case FLEET_REAL:
        *(double *)(void *)at = mended(*(double *)(void *)at, row->least, row->most);
        return;
    case FLEET_FLAG:
        *at = *at != 0;
        return;
    }
}

void fleet_record_mend(struct fleet_record *r, uint32_t max_streams)
{
    for (size_t i = 0; i < sizeof record_rows / sizeof record_rows[0]; i++)
        mend_row(r, &record_rows[i]);
    r->pending = r->pending < r->used ? r->pending : r->used;
    r->stuck = r->stuck < r->pending ? r->stuck : r->pending;
    r->streams = r->streams < r->used ? r->streams : r->used;
    r->own_streams = num_min(r->own_streams, max_streams);
    r->own_pending = num_min(r->own_pending, max_streams);
    r->plan_streams = num_min(r->plan_streams, max_streams);
    r->plan_pending = num_min(r->plan_pending, max_streams);
}

void fleet_plan_mend(struct fleet_plan *plan, uint32_t max_streams)
{
    for (size_t i = 0; i < sizeof plan_rows / sizeof plan_rows[0]; i++)
        mend_row(plan, &plan_rows[i]);
    if (plan->state == BREAKER_DRAINED) /* an operator's word, which is told in another way */
        plan->state = BREAKER_OPEN;
    if (!breaker_lets_through(plan->state))
        plan->total = 0;
    plan->held = plan->held && plan->state == BREAKER_RAMPING;
    if (plan->total > max_streams)
        plan->total = max_streams;
    plan->limits.streams = num_min(plan->limits.streams, max_streams);
    plan->limits.pending = num_min(plan->limits.pending, max_streams);
    plan->limits.known = num_min(plan->limits.known, max_streams);
}

static int mended_rank(int rank)
{
    return rank < 0 || rank > FLEET_NO_RANK ? FLEET_NO_RANK : rank;
}

void fleet_others_mend(struct fleet_others *o)
{
    o->held = mended_number(o->held, 0, NUMBER_MOST);
    o->used = mended_number(o->used, 0, NUMBER_MOST);
    o->pending = mended_number(o->pending, 0, NUMBER_MOST);
    o->weight = mended(o->weight, 0, COUNT_MOST);
    o->better = mended_number(o->better, 0, FLEET_NODES_MAX);
    o->equal = mended_number(o->equal, 0, FLEET_NODES_MAX);
    o->nodes = mended_number(o->nodes, 1, FLEET_NODES_MAX);
    o->rank = mended_rank(o->rank);
}
