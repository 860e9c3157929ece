/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node tells the fleet of its requests, as counters that never fall.  A request that was
 * sent before the fleet's breaker last opened tells nothing.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

static bool is_told(const struct upstream *u, const struct pool_request *r)
{
    return u->fleet != NULL && r->fleet_generation == u->fleet->plan.generation;
}

/* Other routes speak only where nothing is generated. */
static bool speaks(const struct upstream *u, const struct pool_request *r)
{
    const struct window *w = &u->breaker.part[0];

    return r->kind == KIND_GENERATION || window_sum(w, OUTCOME_OK) + window_failures(w) == 0;
}

void upstream_count_mark(struct upstream *u, const struct pool_request *r, enum mark m,
                         bool learning)
{
    struct fleet_record *c;

    if (!is_told(u, r))
        return;
    c = &u->fleet->count;
    c->on += m == MARK_ON_TIME;
    c->late += m == MARK_LATE;
    c->learning += m == MARK_LATE && learning;
    c->err += m == MARK_ERROR;
}

void upstream_count_lone(struct upstream *u, struct pool_request *r)
{
    if (r->fleet_lone || !is_told(u, r))
        return;
    r->fleet_lone = true;
    u->fleet->count.lone++;
}

void upstream_count_ok(struct upstream *u, const struct pool_request *r)
{
    if (is_told(u, r) && speaks(u, r))
        u->fleet->count.ok++;
}

void upstream_count_probe(struct upstream *u, struct pool_request *r, enum probe_end e)
{
    struct fleet_record *c;

    if (!r->fleet_probe || u->fleet == NULL)
        return;
    r->fleet_probe = false;
    if (r->fleet_generation != u->fleet->plan.generation)
        return;
    c = &u->fleet->count;
    c->probes_good += e == PROBE_GOOD;
    c->probes_bad += e == PROBE_BAD;
    c->probes_void += e == PROBE_VOID;
}

/* A probe that told its first token before says no more; a cut is a matter of the ramp. */
static enum probe_end probe_end(enum breaker_takes takes)
{
    switch (takes) {
    case BREAKER_TAKES_FAILURE:
    case BREAKER_TAKES_OWN:
    case BREAKER_TAKES_CUT:
    case BREAKER_TAKES_ABANDON:
    case BREAKER_TAKES_LATE:
    case BREAKER_TAKES_OK_LATE:
    case BREAKER_TAKES_CHECK_BAD:
        return PROBE_BAD;
    case BREAKER_TAKES_OK:
    case BREAKER_TAKES_END:
    case BREAKER_TAKES_CHECK_OK:
        return PROBE_GOOD;
    case BREAKER_TAKES_REFUSAL:
    case BREAKER_TAKES_CLIENT:
    case BREAKER_TAKES_NOTHING:
        break;
    }
    return PROBE_VOID;
}

void upstream_count_end(struct upstream *u, struct pool_request *r, enum breaker_takes takes,
                        uint32_t in_row, bool shut)
{
    struct fleet_record *c;

    upstream_count_probe(u, r, probe_end(takes));
    if (!is_told(u, r) || !speaks(u, r))
        return;
    c = &u->fleet->count;
    if (takes == BREAKER_TAKES_FAILURE)
        c->failed++;
    else if (u->breaker.failed_in_row > in_row) /* of one user's own failures each row has one */
        c->failed += u->breaker.failed_in_row - in_row;
    c->cut += takes == BREAKER_TAKES_CUT;
    c->refused += takes == BREAKER_TAKES_REFUSAL;
    c->shut += takes == BREAKER_TAKES_REFUSAL && shut;
}

void upstream_count_streams(struct upstream *u, uint64_t now_ns)
{
    struct fleet_place *f = u->fleet;

    if (f == NULL)
        return;
    if (f->streams_at_ns > 0)
        f->count.stream_ns += u->streams * (now_ns - f->streams_at_ns);
    f->streams_at_ns = now_ns;
}
