/* SPDX-License-Identifier: Apache-2.0 */
/* What the outcome of a request tells breaker, limiter, cooldown and leases. */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

static void mark_error(struct upstream *u, struct pool_request *r)
{
    if (r->marked || request_is_system(r))
        return;
    r->marked = true;
    if (request_is_fresh(u, r))
        u->limiter.err++;
}

static void take_ok(struct pool *p, struct upstream *u, struct pool_request *r,
                    const struct pool_report *rep, uint64_t now_ns)
{
    struct evidence e = evidence_of(r, rep->status);

    if (!r->first)
        upstream_note_first(p, r, now_ns);
    breaker_clean_end(&u->breaker, &e);
    if (rep->complete && r->user != 0 && p->conf->lease_ns > 0)
        lease_renew(&p->leases, r->user, now_ns + p->conf->lease_ns);
}

static void take_failure(struct pool *p, struct upstream *u, struct pool_request *r,
                         const struct pool_report *rep, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r, rep->status);

    if (r->first) {
        breaker_cut(&u->breaker, &rules, &e, rep->outcome);
        return;
    }
    mark_error(u, r);
    breaker_failed(&u->breaker, &rules, &e, rep->outcome);
}

static void take_refused(struct pool *p, struct upstream *u, struct pool_request *r,
                         const struct pool_report *rep, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r, rep->status);

    if (!hold_on(&u->hold, now_ns) && request_is_fresh(u, r))
        limiter_refused(&u->limiter);
    hold_refused(&u->hold, &p->chance, rep->retry_after_ms, now_ns);
    if (!r->first)
        breaker_probe_back(&u->breaker, &e);
    breaker_refused(&u->breaker, &rules, &e, r->first);
}

static void take_neutral(struct pool *p, struct upstream *u, struct pool_request *r,
                         uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r, 0);

    if (r->first)
        return; /* its ok stands */
    breaker_neutral(&u->breaker, &rules);
    breaker_probe_back(&u->breaker, &e);
}

void upstream_report(struct pool *p, struct upstream *u, struct pool_request *r,
                     const struct pool_report *rep, uint64_t now_ns)
{
    switch (rep->outcome) {
    case OUTCOME_OK:
        take_ok(p, u, r, rep, now_ns);
        return;
    case OUTCOME_FAILED:
    case OUTCOME_CONNECT_FAILED:
    case OUTCOME_STALLED:
        take_failure(p, u, r, rep, now_ns);
        return;
    case OUTCOME_REFUSED:
        take_refused(p, u, r, rep, now_ns);
        return;
    case OUTCOME_NEUTRAL:
        take_neutral(p, u, r, now_ns);
        return;
    }
}
