/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One control period of a pool: late requests are noticed, pace is measured, limits move, breakers
 * wait no longer, shares grow, operator commands lapse, and who waits is looked at.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define LONG_ANSWER_NS (60 * NS_PER_S) /* whole answers in flight may take so long */

/*
 * Streams may pause, all of them: silence needs a witness, one that was sent into it and got
 * nothing for so long beyond what it may take.  Nor may another still be in prefill, which can hold
 * up every stream of an engine.
 */
enum fleet_silence upstream_silence(const struct pool *p, const struct upstream *u, uint64_t now_ns)
{
    bool witness = false;

    LIST_EACH(n, &u->pending_list)
    {
        const struct pool_request *r = LIST_OBJECT(n, struct pool_request, pending_node);
        uint64_t expected_ns = r->late_ns - p->conf->limiter.queue_target_ns;
        if (now_ns < expected_ns + p->conf->breaker.silence_ns)
            return FLEET_IN_PREFILL;
        witness = witness || r->sent_ns >= u->sign_ns;
    }
    return witness ? FLEET_WITNESS : FLEET_NO_WITNESS;
}

static bool is_silent(const struct pool *p, struct upstream *u, uint64_t now_ns)
{
    const struct breaker_conf *c = &p->conf->breaker;

    if (u->streams < c->silence_streams) {
        u->pace.last_event_ns = now_ns; /* fewer streams may be silent; count from when more are */
        return false;
    }
    return now_ns - u->pace.last_event_ns >= c->silence_ns &&
           now_ns - u->sign_ns >= c->silence_ns && upstream_silence(p, u, now_ns) == FLEET_WITNESS;
}

static void tick_limits(struct pool *p, struct upstream *u, uint64_t events, uint64_t now_ns)
{
    bool unary = upstream_is_unary(p, u, now_ns);
    struct pace_input pace = {
        .events = events > u->firsts ? events - u->firsts : 0,
        .gaps_ns = u->gaps_ns,
        .streams = u->streams,
        .inflight = upstream_load(u),
        .target_ns = p->conf->limiter.pace_target_ns,
        .now_ns = now_ns,
        .elapsed_ns = now_ns - p->tick_ns,
    };
    struct limiter_input in = {
        .inflight = upstream_load(u),
        .pending = u->pending,
        .streams = u->streams,
        .unary = unary,
        .stuck = 2 * u->stuck > u->pending,
        .ramping = u->breaker.state == BREAKER_RAMPING,
        .now_ns = now_ns,
        .elapsed_ns = now_ns - p->tick_ns,
    };

    if (limiter_is_full(&u->limiter, u->streams))
        u->full_ns = now_ns;
    in.places_free = !unary && now_ns - u->full_ns >= NS_PER_S;
    pace_tick(&u->pace, &pace);
    in.pace_s = u->pace.now_s;
    in.target_s = u->pace.target_s;
    if (upstream_fleet_follow(p, u, now_ns))
        return;
    limiter_tick(&u->limiter, &in);
    upstream_fleet_slide(p, u, now_ns);
}

/* When it last showed that it works: where whole answers are all there is, those that run do, too.
 */
static uint64_t at_work_ns(const struct upstream *u, uint64_t now_ns)
{
    uint64_t ok_ns =
        u->breaker.ok_ns[0] > u->breaker.ok_ns[1] ? u->breaker.ok_ns[0] : u->breaker.ok_ns[1];
    bool runs = u->streams == 0 && u->inflight > 0 && ok_ns > 0 && now_ns - ok_ns < LONG_ANSWER_NS;

    return runs ? now_ns : u->content_ns;
}

/* It came since the last tick: what was sent after that may have been sent into a silence. */
static void note_sign(const struct pool *p, struct upstream *u)
{
    if (p->tick_ns > u->sign_ns)
        u->sign_ns = p->tick_ns;
}

/* While the fleet sends it nothing or little, what runs here is not what it bears. */
static void tick_breaker(struct pool *p, struct upstream *u, const struct breaker_rules *rules,
                         const struct breaker_input *in)
{
    double known_good = u->breaker.known_good;

    breaker_tick(&u->breaker, rules, in);
    if (upstream_is_joined(p, u) && u->fleet->plan.state != BREAKER_CLOSED)
        u->breaker.known_good = known_good;
}

static void upstream_tick(struct pool *p, struct upstream *u, uint64_t events, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    struct breaker_input in;

    if (u->counts_anew) {
        u->events = events;
        u->pace.counted = events > u->firsts ? events - u->firsts : 0;
        u->pace.gaps_counted = u->gaps_ns;
    }
    u->counts_anew = false;
    if (events != u->events)
        u->content_ns = u->alive_ns = now_ns;
    if (events != u->events)
        note_sign(p, u);
    u->events = events;
    upstream_mark_late(p, u, now_ns);
    upstream_free_probes(p, u, now_ns);
    tick_limits(p, u, events, now_ns);
    in = (struct breaker_input){
        .inflight = upstream_load(u),
        .streams = u->streams,
        .silent = is_silent(p, u, now_ns),
        .elapsed_ns = now_ns - p->tick_ns,
        .content_ns = at_work_ns(u, now_ns),
    };
    upstream_lapse(p, u, now_ns);
    tick_breaker(p, u, &rules, &in);
    upstream_after_breaker(p, u, now_ns);
}

/* While nothing may be admitted, the last rate that was known stays the measure of the list. */
static void freeze_admitted(struct pool *p, uint64_t now_ns)
{
    if (pool_earliest(p, now_ns) > now_ns)
        rate_freeze(&p->admitted, now_ns);
}

void pool_signs(struct pool *p, const uint64_t *signs)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct upstream *u = &p->upstream[i];
        if (signs[i] != u->signs)
            note_sign(p, u);
        u->signs = signs[i];
    }
}

void pool_gaps(struct pool *p, const uint64_t *gaps)
{
    for (size_t i = 0; i < p->n_upstreams; i++)
        p->upstream[i].gaps_ns = gaps[i];
}

void pool_tick(struct pool *p, const uint64_t *events, uint64_t now_ns)
{
    if (now_ns <= p->tick_ns)
        return;
    pool_fleet_tick(p, now_ns);
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (p->upstream[i].membership == MEMBER)
            upstream_tick(p, &p->upstream[i], events[i], now_ns);
    }
    pool_tick_canary(p, now_ns);
    pool_tick_asking(p, now_ns);
    window_advance(&p->arrivals, now_ns);
    freeze_admitted(p, now_ns);
    pool_tick_waiting(p, now_ns);
    p->tick_ns = now_ns;
    pool_expire_waiting(p, true, now_ns);
    pool_serve_all(p, now_ns);
    pool_bound_queue(p, now_ns);
    p->backlog.waited = p->queue.length > 0;
}

void pool_health_failed(struct pool *p, size_t upstream, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    WEIR_ASSERT(upstream < p->n_upstreams);
    breaker_health_failed(&p->upstream[upstream].breaker, &rules);
}

void pool_health_ok(struct pool *p, size_t upstream, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    WEIR_ASSERT(upstream < p->n_upstreams);
    breaker_health_ok(&p->upstream[upstream].breaker, &rules);
    pool_serve_queue(p, now_ns);
}

void pool_health_off(struct pool *p, size_t upstream, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);

    WEIR_ASSERT(upstream < p->n_upstreams);
    breaker_health_off(&p->upstream[upstream].breaker, &rules);
    pool_serve_queue(p, now_ns);
}

bool pool_is_alive(const struct pool *p, size_t upstream, uint64_t within_ns, uint64_t now_ns)
{
    uint64_t at = p->upstream[upstream].alive_ns;

    WEIR_ASSERT(upstream < p->n_upstreams);
    return at > 0 && now_ns - at < within_ns;
}
