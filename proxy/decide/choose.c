/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of an upstream: of those that take a request, the one with the least in flight,
 * counted by how well it answered lately (weight.c).  Also the one place where a rule in mode
 * observe is told apart from one that is enforced.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

bool pool_enforces(const struct pool *p, enum pool_rule_set s)
{
    if (p->mode[s] >= 0)
        return p->mode[s] > 0;
    switch (s) {
    case SET_BREAKER:
        return p->conf->breaker.enforce;
    case SET_LIMITER:
        return p->conf->limiter.enforce;
    case SET_RAMP:
        return p->conf->ramp.enforce;
    case SET_QUEUE:
        return p->conf->queue.enforce;
    case SET_COUNT:
        break;
    }
    WEIR_UNREACHABLE("rule set");
}

struct breaker_rules pool_rules(const struct pool *p, uint64_t now_ns)
{
    return (struct breaker_rules){&p->conf->breaker, &p->conf->ramp, now_ns};
}

bool upstream_is_unary(const struct pool *p, const struct upstream *u, uint64_t now_ns)
{
    return p->conf->api || !u->streamed || now_ns - u->last_stream_ns > POOL_UNARY_AFTER_NS;
}

/* Whether a refusal by this rule is one; by an operator command it always is. */
static bool is_enforced(const struct pool *p, const struct upstream *u, enum rule rule)
{
    bool breaker = u->breaker.by_hand || pool_enforces(p, SET_BREAKER);

    if (rule == RULE_BREAKER_OPEN || rule == RULE_HALF_OPEN)
        return breaker;
    if (rule == RULE_RAMP)
        return u->breaker.by_hand || (breaker && pool_enforces(p, SET_RAMP));
    if (rule == RULE_STREAM_LIMIT && u->limiter.override > 0)
        return true;
    if (rule == RULE_STREAM_LIMIT || rule == RULE_PENDING_LIMIT || rule == RULE_COOLDOWN ||
        rule == RULE_FLEET_LIMIT || rule == RULE_FLEET_RANK)
        return pool_enforces(p, SET_LIMITER);
    return true;
}

struct answer {
    enum rule rule;     /* RULE_ROOM, RULE_PROBE, or the refusal that is enforced */
    enum rule observed; /* the first refusal that is not */
    bool own;           /* another request may be taken where this one is refused */
};

static bool takes(enum rule rule)
{
    return rule == RULE_ROOM || rule == RULE_PROBE;
}

/* Notes what one rule said; true if that settles it. */
static bool refused_by(const struct pool *p, const struct upstream *u, enum rule rule,
                       struct answer *a)
{
    if (takes(rule))
        return false;
    if (is_enforced(p, u, rule)) {
        a->rule = rule;
        return true;
    }
    if (a->observed == RULE_NONE)
        a->observed = rule;
    return false;
}

#define STREAM_FIRST_NS (2 * NS_PER_S)

/* A stream shows at once that an engine works; a whole answer first leaves it the time to come. */
static enum rule probe_or(const struct pool *p, const struct upstream *u,
                          const struct pool_request *r, enum rule said, uint64_t now_ns)
{
    bool slow = said == RULE_PROBE && !r->stream && r->kind == KIND_GENERATION &&
                u->breaker.good == 0 && !upstream_is_unary(p, u, now_ns);

    return slow && now_ns - u->breaker.since_ns < STREAM_FIRST_NS ? RULE_HALF_OPEN : said;
}

/* Another process has the rest of them, by now or in a moment. */
static bool is_beyond_places(const struct pool *p, const struct upstream *u,
                             const struct pool_request *r)
{
    return p->handed && r->class != CLASS_SYSTEM && u->inflight >= u->places;
}

/* What the fleet allows stands for the limiter of a node that has joined one. */
static enum rule ask_limits(const struct pool *p, struct upstream *u, const struct pool_request *r,
                            uint64_t now_ns)
{
    if (upstream_is_joined(p, u))
        return upstream_fleet_ask(p, u, r, now_ns);
    if (upstream_is_beyond_part(p, u, now_ns))
        return RULE_STREAM_LIMIT;
    return limiter_ask(&u->limiter, upstream_load(u), u->pending);
}

/* A probe asks no limits; but beside the load that the fleet sends there it is one of all. */
static bool asks_limits(const struct pool *p, const struct upstream *u,
                        const struct pool_request *r, enum rule said)
{
    if (r->class == CLASS_SYSTEM)
        return false;
    return said != RULE_PROBE ||
           (upstream_is_joined(p, u) && u->fleet->plan.state != BREAKER_HALF_OPEN);
}

static struct answer ask(const struct pool *p, struct upstream *u, const struct pool_request *r,
                         uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct answer a = {RULE_ROOM, RULE_NONE, false};
    uint32_t load = upstream_load(u);
    enum rule said =
        probe_or(p, u, r, breaker_ask(&u->breaker, &rules, load, r->kind, r->who), now_ns);

    said = upstream_fleet_state(p, u, said);
    if (is_beyond_places(p, u, r) && refused_by(p, u, RULE_STREAM_LIMIT, &a))
        return a;
    if (refused_by(p, u, said, &a)) {
        a.own = said == RULE_HALF_OPEN && breaker_has_place(&u->breaker, &rules);
        return a;
    }
    if (cooldown_until(&u->cooldown, r->who, r->model, now_ns) > 0 &&
        refused_by(p, u, RULE_COOLDOWN, &a)) {
        a.own = cooldown_of_all(&u->cooldown, now_ns) == 0 &&
                (said == RULE_PROBE || limiter_has_room(&u->limiter, load, u->pending));
        return a;
    }
    if (r->class == CLASS_SYSTEM && p->system >= POOL_SYSTEM_MAX) {
        a.rule = RULE_SYSTEM_CAP;
        return a;
    }
    if (asks_limits(p, u, r, said) && refused_by(p, u, ask_limits(p, u, r, now_ns), &a))
        return a;
    a.rule = said == RULE_PROBE ? RULE_PROBE : a.rule;
    return a;
}

struct binding upstream_binding(const struct pool *p, const struct upstream *u, uint64_t now_ns)
{
    static const struct pool_request anybody = {
        .class = CLASS_INTERACTIVE, .stream = true, .model = COOLDOWN_NO_MODEL};
    struct upstream copy = *u; /* a limit remembers whom it refused, a node's place what it needs */
    struct fleet_place place = {0};
    struct answer a;
    bool breaker;

    if (u->fleet != NULL) {
        place = *u->fleet;
        copy.fleet = &place;
    }
    a = ask(p, &copy, &anybody, now_ns);
    breaker = !takes(a.rule) && rule_cause(a.rule) != CAUSE_OVERLOADED;
    /* everybody who is known has to wait: that a stranger need not is no comfort */
    if (!breaker && cooldown_of_known(&u->cooldown, now_ns) > 0)
        return (struct binding){RULE_COOLDOWN, is_enforced(p, u, RULE_COOLDOWN)};
    if (takes(a.rule) && a.observed != RULE_NONE)
        return (struct binding){a.observed, false};
    return (struct binding){a.rule, true};
}

/* How near a refusal was to an admission; the nearest one is the cause of the pool's refusal. */
static int nearness(enum rule rule)
{
    switch (rule) {
    case RULE_PENDING_LIMIT:
    case RULE_STREAM_LIMIT:
    case RULE_FLEET_LIMIT:
    case RULE_FLEET_RANK:
    case RULE_SYSTEM_CAP:
        return 4;
    case RULE_RAMP:
    case RULE_HALF_OPEN:
        return 3;
    case RULE_COOLDOWN:
        return 2;
    case RULE_BREAKER_OPEN:
        return 1;
    case RULE_DRAINED:
    case RULE_NONE:
    case RULE_ROOM:
    case RULE_PROBE:
    case RULE_CANARY:
    case RULE_QUEUE_FULL:
    case RULE_QUEUE_OFF:
    case RULE_WAITED:
    case RULE_CLIENT_DEADLINE:
    case RULE_FAIR_SHARE:
    case RULE_USER_STREAMS:
    case RULE_USER_RATE:
    case RULE_USER_TOKENS:
    case RULE_LIMIT:
    case RULE_RETRY:
    case RULE_RETRY_BUDGET:
        break;
    }
    return 0;
}

/* With as many in flight, the one that answers well; with the same weights, the one with fewer. */
static double burden(const struct pool *p, const double *weight, int i)
{
    return (upstream_load(&p->upstream[i]) + 1) / weight[i];
}

static bool is_better(const struct pool *p, const double *weight, const struct choice *best, int i,
                      const struct answer *a)
{
    bool doubtful = a->observed != RULE_NONE;

    if (best->upstream < 0)
        return true;
    if (doubtful != (best->observed != RULE_NONE))
        return !doubtful; /* one that an observed rule would spare comes last */
    return burden(p, weight, i) < burden(p, weight, best->upstream);
}

static bool is_nearer(const struct pool *p, const struct choice *best, int i, enum rule rule)
{
    if (best->blame < 0 || nearness(rule) != nearness(best->rule))
        return best->blame < 0 || nearness(rule) > nearness(best->rule);
    return upstream_load(&p->upstream[i]) < upstream_load(&p->upstream[best->blame]);
}

static void weigh(const struct pool *p, const double *weight, struct choice *best, int i,
                  const struct answer *a)
{
    if (takes(a->rule)) {
        if (is_better(p, weight, best, i, a))
            *best = (struct choice){i, a->rule, a->observed, -1, false, {0}};
    } else if (best->upstream < 0 && is_nearer(p, best, i, a->rule)) {
        *best = (struct choice){-1, a->rule, a->observed, i, false, {0}};
    }
}

/*
 * Between the best of the peers and the canary: by lot where both take the request; where no peer
 * does, the canary stands in for peers that are gone, not for those that are full.
 */
static void weigh_canary(struct pool *p, const struct pool_request *r, const double *weight,
                         struct choice *best, const struct answer *a, uint64_t now_ns)
{
    int i = p->canary.upstream;

    if (a->rule == RULE_PROBE || !canary_is_guarded(p, best->rule)) {
        weigh(p, weight, best, i, a);
    } else if (best->rule == RULE_ROOM && a->rule == RULE_ROOM &&
               canary_draws(p, r, best->upstream, &best->lot, now_ns)) {
        best->upstream = i;
        best->rule = RULE_CANARY;
        best->observed = a->observed;
    }
}

struct choice choose(struct pool *p, const struct pool_request *r, int except, uint64_t now_ns)
{
    struct choice best = {-1, RULE_DRAINED, RULE_NONE, -1, false, {0}};
    struct answer canary = {RULE_NONE, RULE_NONE, false};
    bool own = false;
    double weight[POOL_UPSTREAMS_MAX];

    pool_weights(p, r->kind, weight);
    for (size_t n = 0; n < p->n_upstreams; n++) {
        int i = (int)((p->rotate + n) % p->n_upstreams);
        struct answer a;
        if (i == except || p->upstream[i].membership != MEMBER)
            continue;
        a = ask(p, &p->upstream[i], r, now_ns);
        own = own || a.own;
        if (pool_has_canary(p, i))
            canary = a;
        else
            weigh(p, weight, &best, i, &a);
    }
    if (canary.rule != RULE_NONE)
        weigh_canary(p, r, weight, &best, &canary, now_ns);
    best.own = own;
    return best;
}

/* cooldown_ns: the end of the one that concerns the question, 0 = none. */
static uint64_t upstream_earliest(const struct pool *p, const struct upstream *u,
                                  uint64_t cooldown_ns, uint64_t now_ns)
{
    const struct breaker *b = &u->breaker;
    uint64_t at = now_ns;

    if (u->membership != MEMBER) /* a reserved one joins at any moment */
        return u->membership == MEMBER_RESERVED ? now_ns : UINT64_MAX;
    if (b->state == BREAKER_DRAINED)
        return u->override_until_ns[OVERRIDE_DRAIN] > 0 ? u->override_until_ns[OVERRIDE_DRAIN]
                                                        : UINT64_MAX;
    if (b->state == BREAKER_OPEN && is_enforced(p, u, RULE_BREAKER_OPEN)) {
        if (b->forced_open)
            return b->until_ns > 0 ? b->until_ns : UINT64_MAX;
        at = b->until_ns;
        if (b->health_bad && at < now_ns + p->conf->breaker.open_max_ns)
            at = now_ns + p->conf->breaker.open_max_ns; /* nobody knows; not at once */
    }
    if (upstream_fleet_until(p, u) > at && is_enforced(p, u, RULE_BREAKER_OPEN))
        at = upstream_fleet_until(p, u);
    if (cooldown_ns > at && is_enforced(p, u, RULE_COOLDOWN))
        at = cooldown_ns;
    return at > now_ns ? at : now_ns;
}

uint64_t pool_earliest_for(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream *u = &p->upstream[i];
        uint64_t until_ns = cooldown_until(&u->cooldown, r->who, r->model, now_ns);
        uint64_t at = upstream_earliest(p, u, until_ns, now_ns);
        if (at < best)
            best = at;
    }
    return best;
}

uint64_t pool_earliest(const struct pool *p, uint64_t now_ns)
{
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream *u = &p->upstream[i];
        uint64_t at = upstream_earliest(p, u, cooldown_of_known(&u->cooldown, now_ns), now_ns);
        if (at < best)
            best = at;
    }
    return best;
}

uint64_t pool_earliest_of_any(const struct pool *p, uint64_t now_ns)
{
    uint64_t best = UINT64_MAX;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        const struct upstream *u = &p->upstream[i];
        uint64_t at = upstream_earliest(p, u, cooldown_of_all(&u->cooldown, now_ns), now_ns);
        if (at < best)
            best = at;
    }
    return best;
}

bool pool_cools_alone(const struct pool *p, const struct pool_request *r, const struct choice *c,
                      uint64_t now_ns)
{
    return c->upstream < 0 && c->rule == RULE_COOLDOWN && pool_earliest(p, now_ns) <= now_ns &&
           pool_earliest_for(p, r, now_ns) > now_ns;
}
