/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts on the evidence table: what a first token and an end tell breaker, limiter, cooldown, ramp
 * and leases.  What they say is evidence.c's.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define LATELY_NS (10 * NS_PER_S) /* another user was well so lately: it is not the upstream */

static enum role role_of(const struct pool_request *r)
{
    if (r->probe && !r->overdue)
        return ROLE_PROBE;
    return r->kind == KIND_GENERATION ? ROLE_GENERATION : ROLE_ROUTE;
}

static struct evidence evidence_now(const struct upstream *u, const struct pool_request *r,
                                    uint64_t now_ns)
{
    struct evidence e = evidence_of(r);
    uint64_t since_ns = breaker_blamed_since(&u->breaker, r->who, now_ns);

    if (since_ns > now_ns - LATELY_NS)
        since_ns = now_ns - LATELY_NS;
    e.others_well = cooldown_other_well(&u->cooldown, r->who, since_ns);
    return e;
}

static void mark(struct upstream *u, struct pool_request *r, enum mark m)
{
    bool learning = r->stream && predict_is_learning(&u->learnt[r->kind].predict);

    if (m == MARK_NONE || r->marked || request_is_system(r))
        return;
    r->marked = true;
    r->late = r->late || m == MARK_LATE;
    upstream_count_mark(u, r, m, learning);
    if (!request_is_fresh(u, r))
        return;
    if (m == MARK_ON_TIME)
        limiter_on_time(&u->limiter, false);
    else if (m == MARK_LATE)
        limiter_late(&u->limiter, learning);
    else
        u->limiter.err++;
}

static enum sign sign_of_first(enum lateness l)
{
    switch (l) {
    case ON_TIME:
        return SIGN_ON_TIME;
    case LATE_NOW:
        return SIGN_LATE_TOKEN;
    case LATE_BEFORE:
    case UNJUDGED:
        return SIGN_TOKEN;
    }
    WEIR_UNREACHABLE("lateness");
}

/* A route's answers say who is served only where nothing is generated. */
static bool tells_who_is_well(const struct upstream *u, const struct pool_request *r,
                              uint64_t now_ns)
{
    uint64_t generated_ns = u->breaker.ok_ns[KIND_GENERATION];

    return r->kind == KIND_GENERATION || generated_ns == 0 ||
           now_ns - generated_ns >= POOL_UNARY_AFTER_NS;
}

void upstream_take_first(struct pool *p, struct upstream *u, struct pool_request *r,
                         enum lateness l, uint64_t now_ns)
{
    const struct evidence_row *row = evidence_row(sign_of_first(l), role_of(r));
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r);

    WEIR_ASSERT(row->breaker == BREAKER_TAKES_OK || row->breaker == BREAKER_TAKES_OK_LATE);
    u->content_ns = u->alive_ns = u->sign_ns = now_ns;
    if (tells_who_is_well(u, r, now_ns))
        cooldown_well(&u->cooldown, r->who, r->model, now_ns);
    upstream_count_ok(u, r);
    upstream_count_probe(u, r, l == LATE_NOW ? PROBE_BAD : PROBE_GOOD);
    breaker_first(&u->breaker, &rules, &e, l);
    upstream_after_breaker(p, u, now_ns);
}

void upstream_free_probes(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    (void)p;
    LIST_EACH_SAFE(n, next, &u->probe_list)
    {
        struct pool_request *r = LIST_OBJECT(n, struct pool_request, probe_node);
        struct evidence e = evidence_of(r);
        if (now_ns <= r->probe_ns)
            continue;
        list_remove(n);
        list_init(n);
        if (r->first)
            continue;
        breaker_probe_back(&u->breaker, &e);
        upstream_count_probe(u, r, PROBE_VOID);
        r->overdue = true;
    }
}

static void take_whole(struct pool *p, struct upstream *u, struct pool_request *r, bool complete,
                       uint64_t now_ns)
{
    struct evidence e = evidence_of(r);

    if (!r->first)
        upstream_note_first(p, r, now_ns);
    breaker_clean_end(&u->breaker, &e);
    if (complete)
        pool_lease_renew(p, r, now_ns);
}

static void take_refusal(struct pool *p, struct upstream *u, struct pool_request *r,
                         const struct evidence_row *row, const struct pool_report *rep,
                         uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r);
    struct cooldown_refusal refusal = {row->cooldown, r->who, r->model, rep->retry_after_ms};
    bool shut = cooldown_refused(&u->cooldown, &refusal, &p->random, now_ns);

    if (shut && request_is_fresh(u, r))
        limiter_refused(&u->limiter);
    if (!r->first)
        breaker_probe_back(&u->breaker, &e);
    breaker_refused(&u->breaker, &rules, &e, r->first, cooldown_of_known(&u->cooldown, now_ns) > 0);
}

static void take_abandoned(struct pool *p, struct upstream *u, struct pool_request *r,
                           uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r);

    breaker_neutral(&u->breaker, &rules);
    breaker_abandoned(&u->breaker, &rules, &e);
}

static void take_nothing(struct pool *p, struct upstream *u, struct pool_request *r,
                         uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_of(r);

    if (r->first)
        return; /* its ok stands */
    breaker_neutral(&u->breaker, &rules);
    breaker_probe_back(&u->breaker, &e);
}

static void tell_breaker(struct pool *p, struct upstream *u, struct pool_request *r,
                         const struct evidence_row *row, const struct pool_report *rep,
                         uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_now(u, r, now_ns);

    switch (row->breaker) {
    case BREAKER_TAKES_END:
        take_whole(p, u, r, rep->complete, now_ns);
        return;
    case BREAKER_TAKES_FAILURE:
    case BREAKER_TAKES_OWN:
        breaker_failed(&u->breaker, &rules, &e, rep->outcome, row->breaker == BREAKER_TAKES_OWN);
        return;
    case BREAKER_TAKES_CUT:
        breaker_cut(&u->breaker, &rules, &e, rep->outcome);
        return;
    case BREAKER_TAKES_REFUSAL:
        take_refusal(p, u, r, row, rep, now_ns);
        return;
    case BREAKER_TAKES_CLIENT:
        breaker_client_error(&u->breaker, &rules, &e);
        take_nothing(p, u, r, now_ns);
        return;
    case BREAKER_TAKES_ABANDON:
        take_abandoned(p, u, r, now_ns);
        return;
    case BREAKER_TAKES_LATE: /* a probe that its client left: late, and noticed now */
        breaker_late(&u->breaker, &rules, &e);
        return;
    case BREAKER_TAKES_NOTHING:
        take_nothing(p, u, r, now_ns);
        return;
    case BREAKER_TAKES_OK:
    case BREAKER_TAKES_OK_LATE:
    case BREAKER_TAKES_CHECK_OK:
    case BREAKER_TAKES_CHECK_BAD:
        break;
    }
    WEIR_UNREACHABLE("an end that is none");
}

/* A whole answer among streams owes no token by any time. */
static bool owes_token(const struct pool *p, const struct upstream *u, const struct pool_request *r,
                       uint64_t now_ns)
{
    return !r->first && !request_is_system(r) && (r->stream || upstream_is_unary(p, u, now_ns));
}

/* What a client brings upon itself is no mark of the load, however often. */
static bool is_own_fault(struct pool *p, struct upstream *u, const struct pool_request *r,
                         const struct evidence_row *row, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct evidence e = evidence_now(u, r, now_ns);

    return row->breaker == BREAKER_TAKES_OWN && breaker_is_own_fault(&u->breaker, &rules, &e);
}

void upstream_report(struct pool *p, struct upstream *u, struct pool_request *r,
                     const struct pool_report *rep, uint64_t now_ns)
{
    bool owes = owes_token(p, u, r, now_ns);
    uint32_t in_row = u->breaker.failed_in_row;
    struct ended end = {
        .outcome = rep->outcome,
        .status = rep->status,
        .aborted = rep->aborted,
        .first = r->first,
        .overdue = owes && (r->excused || now_ns > r->late_ns),
        .past_promise = owes && now_ns > r->sent_ns + p->conf->first_token_ns,
    };
    enum sign sign = sign_of_end(&end);
    const struct evidence_row *row = evidence_row(sign, role_of(r));

    canary_take_end(p, u, r, sign, rep, now_ns);
    if (!is_own_fault(p, u, r, row, now_ns))
        mark(u, r, row->limiter);
    tell_breaker(p, u, r, row, rep, now_ns);
    upstream_count_end(u, r, row->breaker, in_row, cooldown_of_known(&u->cooldown, now_ns) > 0);
}
