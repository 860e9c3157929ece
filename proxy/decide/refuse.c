/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals: the rules about users at the door, the cause that is told, the appointment, and the
 * numbers a decision was taken on.
 */
#include <string.h>

#include "weir/base/assert.h"
#include "weir/decide/appoint.h"
#include "weir/decide/pool_priv.h"

bool pool_sheds(const struct pool *p, uint64_t now_ns)
{
    return p->last_shed_ns > 0 && now_ns - p->last_shed_ns < POOL_SHED_MEMORY_NS;
}

/* Places of the pool, as far as it was ever full: min(L, most in flight) over the upstreams. */
static double capacity(const struct pool *p)
{
    double sum = 0;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (p->upstream[i].membership != MEMBER)
            continue;
        sum += num_min(limiter_streams(&p->upstream[i].limiter), p->upstream[i].pace.peak);
    }
    return sum;
}

/* What is known of lateness there, and whose refusals count for this one. */
static void note_doubt(struct decision_numbers *n, const struct upstream *u,
                       const struct pool_request *r, uint64_t now_ns)
{
    const struct limiter *l = &u->limiter;

    n->shown = l->doubt.shown;
    n->doubt = l->doubt.value;
    n->on = l->on;
    n->late = l->late;
    n->overtaken = l->overtaken;
    n->alone = l->alone + u->stuck;
    n->whose = (uint8_t)cooldown_whose(&u->cooldown, r->who, r->model, now_ns);
}

/* By the fleet's rules its permits are the limit here, and the share is the fleet's. */
static void note_fleet(const struct pool *p, struct decision_numbers *n, const struct upstream *u,
                       uint64_t now_ns)
{
    if (!upstream_is_joined(p, u))
        return;
    n->limit_streams = fleet_place_permits(p->fleet, u->fleet, now_ns);
    n->limit_pending = u->fleet->plan.limits.pending;
    n->share = num_min(n->share, u->fleet->plan.share);
}

void pool_numbers(const struct pool *p, struct pool_request *r, enum rule rule, int upstream,
                  uint64_t now_ns)
{
    struct decision_numbers *n = &r->numbers;
    const struct user_slot *user = users_find((struct users *)&p->users, r->user);

    memset(n, 0, sizeof *n);
    n->rule = rule;
    n->upstream = upstream;
    n->queued = p->queue.length;
    n->waited_ns = r->state == REQUEST_QUEUED ? now_ns - r->arrival_ns : 0;
    n->user_places = user != NULL ? user->places : 0;
    if (upstream >= 0) {
        const struct upstream *u = &p->upstream[upstream];
        n->inflight = upstream_load(u);
        n->pending = u->pending;
        n->limit_streams = limiter_streams(&u->limiter);
        n->limit_pending = u->limiter.pending;
        n->share = breaker_share(&u->breaker);
        note_fleet(p, n, u, now_ns);
        note_doubt(n, u, r, now_ns);
    }
}

/*
 * Room for one more, and for others beside it, on an upstream that takes requests: hardly anybody
 * waits for a first token there, whose wait this one would make longer, and places are left over.
 */
static bool has_headroom_at(const struct upstream *u, uint64_t now_ns)
{
    const struct breaker *b = &u->breaker;
    double places = limiter_streams(&u->limiter);

    if ((b->state != BREAKER_CLOSED && b->state != BREAKER_RAMPING) ||
        cooldown_of_known(&u->cooldown, now_ns) > 0)
        return false;
    if (b->state == BREAKER_RAMPING)
        places = num_min(places, ramp_allows(&b->ramp, b->known_good));
    return u->pending < num_max(1, POOL_HEADROOM_PENDING * u->limiter.pending) &&
           upstream_load(u) + num_max(POOL_USER_LEAST, POOL_HEADROOM_STREAMS * places) < places;
}

static bool has_headroom(const struct pool *p, uint64_t now_ns)
{
    for (size_t i = 0; i < p->n_upstreams && p->queue.length == 0; i++)
        if (p->upstream[i].membership == MEMBER && has_headroom_at(&p->upstream[i], now_ns))
            return true;
    return false;
}

static bool floods(const struct user_slot *slot, uint64_t now_ns)
{
    return slot->surplus_ns > 0 && now_ns - slot->surplus_ns < POOL_SHED_MEMORY_NS;
}

/* A share of less than one place is one place for a part of the time: so many of the admissions. */
static uint32_t share_in_turns(const struct pool *p, const struct user_slot *slot, double part,
                               uint64_t now_ns)
{
    double in_that_time = num_s(now_ns - slot->placed_ns) * rate_now(&p->admitted, now_ns);

    return slot->places == 0 && part * in_that_time >= 1;
}

/*
 * Places this user may have now.  While the pool sheds: a share, and at least two, for two at once
 * are nobody's flood.  Whoever asked for more lately gets one, or its share, and beyond that what
 * the others leave; never the last places.  Refusing that surplus altogether would leave places
 * empty, and forgetting who floods when it sheds no more would let the flood in again.
 */
static uint32_t user_most(struct pool *p, const struct user_slot *slot, uint64_t now_ns)
{
    bool crowded = floods(slot, now_ns) && !has_headroom(p, now_ns);
    uint32_t users;
    double part, share;

    if (!crowded && !pool_sheds(p, now_ns))
        return UINT32_MAX;
    users = users_recent(&p->users, now_ns);
    if (users <= 1)
        return UINT32_MAX; /* there is nobody to be fair to */
    part = num_max(p->conf->users.fair_share, 1.0 / users);
    share = part * capacity(p);
    if (!crowded)
        return num_ceil(num_max(POOL_USER_LEAST, share));
    return share >= 1 ? num_floor(share) : share_in_turns(p, slot, part, now_ns);
}

static enum rule user_rule(struct pool *p, struct pool_request *r, struct user_slot *slot,
                           uint64_t now_ns)
{
    uint32_t most = user_most(p, slot, now_ns);

    if (slot->places >= most) {
        slot->surplus_ns = now_ns;
        r->numbers.user_most = most;
        if (pool_enforces(p, SET_LIMITER))
            return RULE_FAIR_SHARE;
        r->numbers.observed = RULE_FAIR_SHARE;
        p->observed[SET_LIMITER]++;
        p->observed_rule[RULE_FAIR_SHARE]++;
    }
    return RULE_NONE;
}

enum rule pool_door(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    struct user_slot *slot = users_arrived(&p->users, r->user, now_ns);
    enum rule rule = RULE_NONE;

    if (r->class == CLASS_SYSTEM)
        return RULE_NONE;
    if (slot != NULL)
        rule = user_rule(p, r, slot, now_ns);
    return rule == RULE_NONE && r->quota != NULL ? pool_charge(p, r, now_ns) : rule;
}

void pool_take_user_place(struct pool *p, struct pool_request *r)
{
    struct user_slot *slot = users_find(&p->users, r->user);

    if (slot == NULL || r->counted_user)
        return;
    user_takes_place(&p->users, slot);
    slot->placed_ns = r->arrival_ns;
    r->counted_user = true;
}

void pool_free_place(struct pool *p, struct pool_request *r)
{
    struct user_slot *slot;

    if (!r->counted_user)
        return;
    slot = users_find(&p->users, r->user);
    WEIR_ASSERT(slot != NULL);
    user_gives_place(&p->users, slot);
    r->counted_user = false;
}

enum cause rule_cause(enum rule r)
{
    static const enum cause causes[RULE_COUNT] = {
#define ROW(e, name, cause, ...) [e] = cause,
        WEIR_RULES(ROW)
#undef ROW
    };

    WEIR_ASSERT((unsigned)r < RULE_COUNT);
    return causes[r];
}

static enum cause cause_of(enum rule rule)
{
    enum cause cause = rule_cause(rule);

    WEIR_ASSERT(cause != CAUSE_NONE);
    return cause;
}

/* A refusal of one user's surplus has a list of its own, served at that user's share. */
static uint32_t appoint_user(struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    struct user_slot *slot = users_find(&p->users, r->user);
    double per_s = rate_now(&p->admitted, now_ns) * p->conf->users.fair_share;

    return appoint_next(slot == NULL ? &p->appoint_ns : &slot->appoint_ns, &p->random, per_s,
                        now_ns, now_ns);
}

static bool state_lasts(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    enum cause cause = r->cause;
    bool away = cause == CAUSE_CIRCUIT_OPEN || cause == CAUSE_HELD || cause == CAUSE_NO_UPSTREAM;
    uint64_t earliest_ns = away ? pool_earliest_for(p, r, now_ns) : now_ns;

    return earliest_ns == UINT64_MAX || earliest_ns > now_ns + POOL_LONG_NS;
}

/* Many come back, and not because they were told to. */
static bool retries_storm(struct pool *p, uint64_t now_ns)
{
    double all = window_sum(&p->arrivals, ARRIVALS_ALL);
    double uncalled = (double)window_sum(&p->arrivals, ARRIVALS_RETRIES) -
                      appointed_lately(&p->appointed, now_ns);

    return all >= POOL_STORM_MIN && uncalled > POOL_STORM_SHARE * all;
}

/* Whether the client should be told not to come back by itself. */
static bool must_not_retry(struct pool *p, const struct pool_request *r, bool lasts,
                           uint64_t now_ns)
{
    bool open = r->cause == CAUSE_CIRCUIT_OPEN;

    return lasts || (open && (r->class == CLASS_BATCH || r->client_retry >= 2)) ||
           (r->client_retry > 0 && retries_storm(p, now_ns));
}

static uint32_t appointment(struct pool *p, const struct pool_request *r, bool *lasts,
                            uint64_t now_ns)
{
    if (*lasts)
        return appoint_late(&p->random);
    if (r->quota != NULL && r->quota->no.wait_ms > 0)
        return pool_appoint_limited(p, &r->quota->no, lasts, now_ns);
    if (r->cause == CAUSE_RATE_LIMITED)
        return appoint_user(p, r, now_ns);
    return appoint_next(&p->appoint_ns, &p->random, rate_now(&p->admitted, now_ns),
                        pool_earliest_for(p, r, now_ns), now_ns);
}

void pool_refuse(struct pool *p, struct pool_request *r, enum rule rule, int blame, uint64_t now_ns)
{
    struct decision_numbers door = r->numbers; /* what was noted when it came */
    bool lasts;

    pool_numbers(p, r, rule, blame, now_ns);
    r->numbers.observed = door.observed;
    if (rule == RULE_FAIR_SHARE)
        r->numbers.user_most = door.user_most;
    else if (rule == RULE_USER_STREAMS)
        r->numbers.user_most = (uint32_t)r->quota->no.most;
    r->cause = cause_of(rule);
    lasts = state_lasts(p, r, now_ns);
    r->numbers.retry_after_ms = appointment(p, r, &lasts, now_ns);
    r->no_retry = must_not_retry(p, r, lasts, now_ns);
    if (!r->no_retry)
        appointed_note(&p->appointed, r->numbers.retry_after_ms, now_ns);
    if (r->cause == CAUSE_OVERLOADED || r->cause == CAUSE_QUEUE_TIMEOUT)
        p->last_shed_ns = now_ns;
    if (r->cause == CAUSE_RATE_LIMITED) {
        p->user_rule = rule;
        p->user_rule_ns = now_ns;
        if (r->quota != NULL && r->quota->no.most != 0)
            quota_note_refused(p->quota, &r->quota->no, now_ns);
    }
    pool_settle(p, r, NULL, now_ns);
    pool_free_place(p, r);
    r->state = REQUEST_ENDED;
}
