/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canary in its pool: which requests go by lot, what became of them, and what a verdict does.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define LOAD_SLACK 1.0 /* requests that it may have in flight beyond its share */

bool canary_is_guarded(const struct pool *p, enum rule peers)
{
    bool gone = peers == RULE_BREAKER_OPEN || peers == RULE_HALF_OPEN || peers == RULE_DRAINED ||
                peers == RULE_COOLDOWN;

    return p->canary.pause != CANARY_NO_PEER && !gone;
}

/* --- lots */

static uint32_t pool_load(const struct pool *p)
{
    uint32_t n = 0;

    for (size_t i = 0; i < p->n_upstreams; i++)
        n += upstream_load(&p->upstream[i]);
    return n;
}

/*
 * One that is slow has more in flight than its share, and gets fewer.  It never gets more than its
 * share: what fails at once has nothing in flight.
 */
static double share_now(const struct pool *p)
{
    double share = canary_share(&p->canary);
    double load = upstream_load(&p->upstream[p->canary.upstream]);
    double fair = share * pool_load(p) + LOAD_SLACK;

    return load > fair ? share * fair / load : share;
}

/*
 * While its share is smaller than its peers', and for a while after, the canary has seen fewer
 * turns of a conversation and has it less often in its cache: whoever completed a turn lately is no
 * yardstick for first tokens.
 */
static bool is_alike(const struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    if (canary_is_settled(&p->canary, now_ns))
        return true;
    return r->user != 0 && p->conf->lease_ns > 0 && !lease_is_in_force(&p->leases, r->user, now_ns);
}

/* A retry goes where it has not been, and a peer that comes back is none to compare with. */
static bool is_evidence(const struct pool *p, const struct pool_request *r, int peer)
{
    return r->attempts == 0 && p->upstream[peer].breaker.state == BREAKER_CLOSED &&
           p->upstream[p->canary.upstream].breaker.state == BREAKER_CLOSED;
}

bool canary_draws(struct pool *p, const struct pool_request *r, int peer, struct canary_lot *lot,
                  uint64_t now_ns)
{
    double share = share_now(p);

    if (request_is_system(r))
        return false;
    *lot = (struct canary_lot){
        .run = is_evidence(p, r, peer) ? p->canary.run : 0,
        .canary = random_between(&p->random, 0, 1) < share,
        .last = canary_is_last(&p->canary),
        .alike = is_alike(p, r, now_ns),
        .share = share,
    };
    return lot->canary;
}

/* --- what became of them */

enum { SIZES = 8, SIZE_FIRST = 4, OF_UNARY = 16, OF_ROUTES = 24 };

/* Like is ranked with like: by the size of the prompt and the model, whole answers apart. */
static unsigned rank_kind(const struct pool_request *r)
{
    unsigned size = predict_class(r->bytes);

    size = size < SIZE_FIRST ? 0 : (size - SIZE_FIRST) / 2;
    size = size < SIZES ? size : SIZES - 1;
    if (r->kind != KIND_GENERATION)
        return OF_ROUTES + r->kind % (RANKS_KINDS - OF_ROUTES);
    return r->stream ? 2 * size + (unsigned)(r->model & 1) : OF_UNARY + size;
}

static bool is_usable(const struct upstream *u, const struct pool_request *r)
{
    return r->lot.run != 0 && request_is_fresh(u, r);
}

/* What is asked less often has fewer connections at hand: opening one does not count. */
void canary_take_first(struct pool *p, const struct pool_request *r, uint64_t now_ns)
{
    uint64_t took_ns = now_ns - r->sent_ns;

    if (!is_usable(&p->upstream[r->upstream], r) || r->uploading || r->connect_ns > took_ns)
        return;
    canary_first(&p->canary, &r->lot, rank_kind(r), num_s(took_ns - r->connect_ns));
}

/* Failed or well; false: it says neither. */
static bool says_whether_failed(enum sign s, bool first, bool *failed)
{
    *failed = false;
    switch (s) {
    case SIGN_NO_CONNECTION:
    case SIGN_FAILED:
    case SIGN_OWN_FAILURE:
    case SIGN_CUT:
    case SIGN_LOAD_REFUSED:
    case SIGN_CLIENT_ERROR: /* by lot, clients' own errors fall on both sides alike */
        *failed = true;
        return true;
    case SIGN_WHOLE:
        return true;
    case SIGN_GONE:
        return first;
    case SIGN_USER_REFUSED:
    case SIGN_NEUTRAL:
    case SIGN_ABANDONED:
    case SIGN_PROMISE_BROKEN:
        return false;
    case SIGN_ON_TIME:
    case SIGN_LATE_TOKEN:
    case SIGN_TOKEN:
    case SIGN_OVERDUE:
    case SIGN_CHECK_GOOD:
    case SIGN_CHECK_BAD:
        break;
    }
    WEIR_UNREACHABLE("an end that is none");
}

void canary_take_end(struct pool *p, const struct upstream *u, const struct pool_request *r,
                     enum sign s, const struct pool_report *rep, uint64_t now_ns)
{
    bool failed;

    if (!is_usable(u, r))
        return;
    if (rep->aborted && !r->first) /* it took so long, and would have taken longer */
        canary_take_first(p, r, now_ns);
    if (rep->pace_ns > 0)
        canary_pace(&p->canary, &r->lot, rank_kind(r), num_s(rep->pace_ns));
    if (says_whether_failed(s, r->first, &failed))
        canary_finished(&p->canary, &r->lot, failed);
}

/* --- what a verdict does */

static bool is_peer(const struct pool *p, size_t i)
{
    return p->upstream[i].membership == MEMBER && (int)i != p->canary.upstream;
}

static bool is_yardstick(const struct upstream *u, uint64_t now_ns)
{
    return u->breaker.state == BREAKER_CLOSED && cooldown_of_all(&u->cooldown, now_ns) == 0;
}

static uint32_t count_yardsticks(const struct pool *p, int except, uint64_t now_ns)
{
    uint32_t n = 0;

    for (size_t i = 0; i < p->n_upstreams; i++)
        n += (int)i != except && p->upstream[i].membership == MEMBER &&
             is_yardstick(&p->upstream[i], now_ns);
    return n;
}

/* From a smaller share the rest of the way is a ramp, of what its peers carry. */
static void promote(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    const struct canary *c = &p->canary;
    double of_natural = canary_share(c) / c->natural;

    if (u->breaker.state != BREAKER_CLOSED || of_natural >= 1)
        return;
    u->breaker.known_good = pool_known_of_peers(p, (size_t)c->upstream);
    breaker_ramp_from(&u->breaker, &rules, of_natural, "canary");
}

static void roll_back(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    if (u->breaker.state == BREAKER_DRAINED)
        return;
    breaker_drain(&u->breaker, &rules, "canary");
    u->override_until_ns[OVERRIDE_DRAIN] = 0;
}

static void act(struct pool *p, uint64_t now_ns)
{
    struct upstream *u = &p->upstream[p->canary.upstream];

    if (p->canary.state == CANARY_PROMOTED)
        promote(p, u, now_ns);
    else
        roll_back(p, u, now_ns);
    upstream_after_breaker(p, u, now_ns);
}

/* A bit for each peer that is closed; one that opened since the last tick is lost. */
static void look_for_losses(struct pool *p)
{
    uint64_t closed = 0;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        enum breaker_state s = p->upstream[i].breaker.state;
        uint64_t bit = UINT64_C(1) << i;
        if (is_peer(p, i) && s == BREAKER_CLOSED)
            closed |= bit;
        else if (is_peer(p, i) && s == BREAKER_OPEN && (p->canary.closed & bit) != 0)
            canary_lost_peer(&p->canary);
    }
    p->canary.closed = closed;
}

void pool_tick_canary(struct pool *p, uint64_t now_ns)
{
    struct canary *c = &p->canary;
    const struct upstream *u = &p->upstream[c->upstream];
    struct canary_input in;

    if (!canary_runs(c))
        return;
    if (u->breaker.state == BREAKER_DRAINED) {
        canary_end(c, CANARY_ROLLED_BACK, CANARY_BY_HAND, now_ns);
        return;
    }
    look_for_losses(p);
    in = (struct canary_input){
        .peers = count_yardsticks(p, c->upstream, now_ns),
        .enforces = pool_enforces(p, SET_BREAKER),
        .open = u->breaker.state == BREAKER_OPEN && !u->breaker.forced_open,
        .away = u->breaker.forced_open,
    };
    if (canary_tick(c, &in, now_ns) != CANARY_RUNNING)
        act(p, now_ns);
}

/* --- the operator */

/* NULL, or why it cannot begin now. */
static const char *cannot_begin(const struct pool *p, size_t upstream, uint64_t now_ns)
{
    const struct upstream *u = &p->upstream[upstream];
    enum breaker_state s = u->breaker.state;

    if (canary_runs(&p->canary))
        return p->canary.upstream == (int)upstream ? "a canary runs there already"
                                                   : "another upstream of its pool is a canary";
    if (u->membership != MEMBER)
        return "it is just being taken in; again in a moment";
    if (!pool_enforces(p, SET_BREAKER))
        return "the breaker of its pool only looks on, and so would a canary; mode ... breaker "
               "enforce first";
    if (u->breaker.forced_open || u->breaker.forced_closed)
        return "its breaker is held by an operator; breaker ... auto first";
    if (s == BREAKER_OPEN || s == BREAKER_HALF_OPEN || u->breaker.health_bad)
        return "it is not well: a canary begins with one that answers";
    if (count_yardsticks(p, (int)upstream, now_ns) == 0)
        return "no other upstream of its pool is well: there is nothing to compare it with";
    return NULL;
}

enum weir_status pool_canary_start(struct pool *p, size_t upstream, double most, uint64_t time_ns,
                                   uint64_t now_ns, const char **why)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct upstream *u = &p->upstream[upstream];
    const char *refused = cannot_begin(p, upstream, now_ns);

    WEIR_ASSERT(upstream < p->n_upstreams);
    if (refused != NULL) {
        *why = refused;
        return WEIR_BAD;
    }
    canary_begin(&p->canary, (int)upstream, most,
                 1.0 / (1 + count_yardsticks(p, (int)upstream, now_ns)), time_ns, now_ns);
    if (u->breaker.state != BREAKER_CLOSED) {
        breaker_take_in(&u->breaker, &rules, "canary");
        u->override_until_ns[OVERRIDE_DRAIN] = 0;
        upstream_after_breaker(p, u, now_ns);
    }
    pool_serve_queue(p, now_ns);
    return WEIR_OK;
}

enum weir_status pool_canary_end(struct pool *p, size_t upstream, bool promote_it, uint64_t now_ns,
                                 const char **why)
{
    if (!pool_has_canary(p, (int)upstream)) {
        *why = "no canary runs there";
        return WEIR_BAD;
    }
    canary_end(&p->canary, promote_it ? CANARY_PROMOTED : CANARY_ROLLED_BACK, CANARY_BY_HAND,
               now_ns);
    act(p, now_ns);
    pool_serve_queue(p, now_ns);
    return WEIR_OK;
}

void pool_canary_view(const struct pool *p, struct canary_view *v)
{
    canary_show(&p->canary, v);
}
