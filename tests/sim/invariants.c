/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold, after every event (docs/decisions.md, "What must hold"; numbers I1 to I14 there).
 * The counts are kept here a second time, from the calls alone, and compared with the pool's.
 */
#include <inttypes.h>
#include <string.h>

#include "fleet_sim.h"
#include "world.h"

#define SLACK_NS MS(1)

static const struct pool *pool_of(const struct proxy *p)
{
    return p->weir->pool;
}

static uint64_t marks_of(const struct upstream *u)
{
    return u->limiter.marks + u->limiter.on + u->limiter.late + u->limiter.err;
}

void watch_before(struct proxy *p)
{
    const struct pool *pool = pool_of(p);

    if (!p->w->sc->check)
        return;
    for (size_t i = 0; i < pool->n_upstreams; i++) {
        const struct upstream *u = &pool->upstream[i];
        p->weir->before.inflight[i] = u->inflight;
        p->weir->before.pending[i] = u->pending;
        p->weir->before.marks[i] = marks_of(u);
        p->weir->before.failures[i] = window_failures(&u->breaker.window);
        p->weir->before.state[i] = u->breaker.state;
    }
}

static bool enforces(const struct proxy *p, enum pool_rule_set s)
{
    return pool_enforces(pool_of(p), s);
}

/* Probes ask no limiter, and may be sent by the very call that admitted another before them. */
static uint32_t probes_sent_now(const struct proxy *p, const struct upstream *u)
{
    uint32_t n = 0;

    LIST_EACH(at, &u->pending_list)
    {
        const struct pool_request *r = LIST_OBJECT(at, struct pool_request, pending_node);
        n += r->numbers.rule == RULE_PROBE && r->sent_ns == p->w->now_ns;
    }
    return n;
}

/*
 * I1: it was admitted below the limits, and after the last admission of a call counts are within
 * those they were held to.
 */
static void check_limits(struct proxy *p, const struct job *j, const struct upstream *u)
{
    bool limited = j->r.numbers.rule != RULE_PROBE && j->r.class != CLASS_SYSTEM &&
                   (enforces(p, SET_LIMITER) || u->limiter.override > 0);

    const struct decision_numbers *at = &j->r.numbers;
    uint32_t probes;

    if (!limited)
        return;
    probes = probes_sent_now(p, u);
    if (u->inflight - probes > num_floor(limiter_streams(&u->limiter)))
        broken(p->w, "I1", "%u in flight, limit %.2f", u->inflight, limiter_streams(&u->limiter));
    if (enforces(p, SET_LIMITER) && u->pending - probes > num_floor(u->limiter.pending))
        broken(p->w, "I1", "%u pending, limit %.2f", u->pending, u->limiter.pending);
    if (at->inflight >= num_floor(at->limit_streams))
        broken(p->w, "I1", "admitted at %u of %.2f", at->inflight, at->limit_streams);
    if (enforces(p, SET_LIMITER) && at->pending >= num_floor(at->limit_pending))
        broken(p->w, "I1", "admitted at %u pending of %.2f", at->pending, at->limit_pending);
}

/* I6 */
static void check_state(struct proxy *p, const struct job *j, const struct upstream *u)
{
    const struct breaker *b = &u->breaker;
    bool breaker = b->by_hand || enforces(p, SET_BREAKER);

    if (breaker && (b->state == BREAKER_OPEN || b->state == BREAKER_DRAINED))
        broken(p->w, "I6", "admitted to one that is %s", breaker_state_name(b->state));
    if (enforces(p, SET_LIMITER) &&
        cooldown_until(&u->cooldown, j->r.who, j->r.model, p->w->now_ns) > 0)
        broken(p->w, "I6", "admitted to one that asked to be left alone");
}

/* One that could not be sent where j was: its cooldown, or j was a probe and it is no good one. */
static bool was_passed_over(const struct proxy *p, const struct pool_request *r,
                            const struct job *j)
{
    const struct upstream *u = &pool_of(p)->upstream[j->r.upstream];
    bool whole = !r->stream && r->kind == KIND_GENERATION; /* streams go first */
    bool other_kind = (u->breaker.probe_kinds & (1u << r->kind)) == 0;

    bool put_off = u->breaker.probe_who == r->who && r->who != 0; /* its probe got a 500 */

    return (j->r.probe && (whole || other_kind || put_off)) ||
           cooldown_until(&u->cooldown, r->who, r->model, p->w->now_ns) > 0;
}

/* I9, I11: nobody of a better rank waits for what this one got. */
static void check_rank(struct proxy *p, const struct job *j)
{
    for (int rank = 1; rank < j->r.rank; rank++)
        LIST_EACH(n, &pool_of(p)->queue.rank[rank])
        {
            if (was_passed_over(p, LIST_OBJECT(n, struct pool_request, node), j))
                continue;
            broken(p->w, j->r.class == CLASS_BATCH ? "I11" : "I9",
                   "rank %d admitted while rank %d waits", j->r.rank, rank);
        }
}

void watch_admission(struct proxy *p, const struct job *j)
{
    struct weir_gate *g = p->weir;
    const struct retry_conf *retry = &g->conf.retry;
    const struct upstream *u;

    g->admitted = true;
    if (j->r.attempts == 1) {
        g->t.admitted++;
        g->t.first_attempts++;
    }
    if (!p->w->sc->check)
        return;
    u = &pool_of(p)->upstream[j->r.upstream];
    check_limits(p, j, u);
    check_state(p, j, u);
    check_rank(p, j);
    if (j->r.attempts > 2)
        broken(p->w, "I10", "attempt %u", j->r.attempts);
    if ((double)g->t.retries > retry->burst + retry->budget * (double)g->t.first_attempts + 1e-6)
        broken(p->w, "I10", "%" PRIu64 " retries of %" PRIu64 " requests", g->t.retries,
               g->t.first_attempts);
}

void watch_refusal(struct proxy *p, const struct job *j)
{
    uint32_t ms = j->r.numbers.retry_after_ms;

    p->weir->t.shed++;
    p->weir->waits = true;
    if (j->r.state != REQUEST_ENDED || j->phase == JOB_SENT)
        broken(p->w, "I7", "one that was sent was refused");
    if (ms < 1000 || ms > 59000)
        broken(p->w, "I10", "Retry-After of %u ms", ms);
    if (j->r.cause == CAUSE_NONE)
        broken(p->w, "I2", "refused without a cause");
}

void watch_no_evidence(struct proxy *p, const char *what)
{
    const struct pool *pool = pool_of(p);

    for (size_t i = 0; i < pool->n_upstreams && p->w->sc->check; i++) {
        const struct upstream *u = &pool->upstream[i];
        if (marks_of(u) != p->weir->before.marks[i] ||
            window_failures(&u->breaker.window) > p->weir->before.failures[i])
            broken(p->w, "I8", "%s changed the evidence", what);
    }
}

/* I3: exactly one mark, but for those that give none. */
static void check_marked(struct proxy *p, const struct job *j, const struct pool_report *rep,
                         bool unary)
{
    bool early = rep->outcome == OUTCOME_NEUTRAL || rep->outcome == OUTCOME_REFUSED;
    bool unjudged = !j->r.stream && !unary;
    bool own = rep->status == 500 && j->r.who != 0; /* perhaps the user's own fault */

    if (early || unjudged || own || j->r.class == CLASS_SYSTEM)
        return;
    if (!j->r.marked)
        broken(p->w, "I3", "a request ended as %s without a mark", outcome_name(rep->outcome));
}

/* Left after its deadline, or after the longest that the settings promise. */
static bool is_given_up(const struct proxy *p, const struct pool_request *r)
{
    uint64_t now = p->w->now_ns;

    return r->excused || now > r->late_ns || now > r->sent_ns + pool_of(p)->conf->first_token_ns;
}

void watch_end(struct proxy *p, const struct job *j, const struct pool_report *rep, bool unary)
{
    if (!p->w->sc->check)
        return;
    if (rep->aborted && !j->first_seen && is_given_up(p, &j->r))
        return; /* that is evidence */
    if (rep->outcome == OUTCOME_NEUTRAL || (rep->outcome == OUTCOME_REFUSED && !j->first_seen))
        watch_no_evidence(p, outcome_name(rep->outcome));
    check_marked(p, j, rep, unary);
}

/* I4 */
static void check_ranges(struct proxy *p, const struct upstream *u)
{
    const struct limiter *l = &u->limiter;
    const struct ramp *r = &u->breaker.ramp;

    if (!(l->pending >= 1 && l->pending <= l->most) || !(l->streams >= 1 && l->streams <= l->most))
        broken(p->w, "I4", "limits %f and %f", l->pending, l->streams);
    if (l->streams > l->ceiling)
        broken(p->w, "I4", "streams %f above the ceiling %u", l->streams, l->ceiling);
    if (l->gain != 1 && l->gain != 2 && l->gain != 4 && l->gain != 8)
        broken(p->w, "I4", "gain %f", l->gain);
    if (l->wait_marks < 2 || l->wait_marks > 32)
        broken(p->w, "I4", "wait_marks %u", l->wait_marks);
    if (u->breaker.state == BREAKER_RAMPING && !(r->share >= 0.01 && r->share <= 1))
        broken(p->w, "I4", "share %f", r->share);
    if (u->breaker.state == BREAKER_RAMPING && !u->breaker.by_hand && r->share < 0.1 - 1e-9)
        broken(p->w, "I4", "share %f without a hand", r->share);
}

/* I1, I2 */
static void check_counts(struct proxy *p)
{
    const struct weir_gate *g = p->weir;
    const struct pool *pool = g->pool;
    uint64_t held = 0;

    for (size_t i = 0; i < pool->n_upstreams; i++) {
        const struct upstream *u = &pool->upstream[i];
        if (u->pending > u->inflight || u->streams > u->inflight)
            broken(p->w, "I1", "pending %u, streams %u, in flight %u", u->pending, u->streams,
                   u->inflight);
        held += u->inflight + u->system;
    }
    if (g->t.arrived != g->t.admitted + pool->queue.length + g->t.shed + g->t.left)
        broken(p->w, "I2",
               "%" PRIu64 " came, %" PRIu64 " admitted, %u wait, %" PRIu64 " shed, %" PRIu64
               " left",
               g->t.arrived, g->t.admitted, pool->queue.length, g->t.shed, g->t.left);
    if (held != p->n_live)
        broken(p->w, "I2", "the pool holds %" PRIu64 ", %u are sent", held, p->n_live);
}

void watch_after(struct proxy *p)
{
    const struct pool *pool = pool_of(p);

    if (!p->w->sc->check)
        return;
    check_counts(p);
    for (size_t i = 0; i < pool->n_upstreams; i++)
        check_ranges(p, &pool->upstream[i]);
}

static bool is_allowed(enum breaker_state from, enum breaker_state to)
{
    switch (from) {
    case BREAKER_CLOSED:
        return to == BREAKER_OPEN;
    case BREAKER_OPEN:
        return to == BREAKER_HALF_OPEN;
    case BREAKER_HALF_OPEN:
        return to == BREAKER_OPEN || to == BREAKER_RAMPING;
    case BREAKER_RAMPING:
        return to == BREAKER_OPEN || to == BREAKER_CLOSED;
    case BREAKER_DRAINED:
        return false;
    }
    return false;
}

static void note_opened(struct proxy *p, const struct pool_event *ev)
{
    struct result *res = p->w->res;

    if (res->opened < sizeof res->opened_s / sizeof res->opened_s[0])
        res->opened_s[res->opened] = world_s(p->w);
    res->opened++;
    res->opened_else += !fleet_path_was_broken(p);
    p->weir->t.open_since_ns[ev->upstream] = ev->at_ns;
}

/* I5 */
void watch_event(struct proxy *p, const struct pool_event *ev)
{
    bool by_hand =
        strncmp(ev->cause, "operator", 8) == 0 || strcmp(ev->cause, "override_lapsed") == 0;
    double open_s = num_s(ev->at_ns - p->weir->t.open_since_ns[ev->upstream]);
    double late_s = num_s(p->weir->t.tick_gap_ns) + 0.1;

    hash_decision(p->w, (uint64_t)ev->from, (uint64_t)ev->to);
    if (ev->to == BREAKER_OPEN && ev->from != BREAKER_OPEN)
        note_opened(p, ev);
    if (ev->to == BREAKER_CLOSED && ev->from == BREAKER_RAMPING)
        p->w->res->closed_s = world_s(p->w);
    if (by_hand || ev->from == ev->to)
        return;
    if (!is_allowed(ev->from, ev->to))
        broken(p->w, "I5", "%s to %s by %s", breaker_state_name(ev->from),
               breaker_state_name(ev->to), ev->cause);
    if (ev->from == BREAKER_OPEN && !p->weir->t.by_hand[ev->upstream] &&
        (open_s < 0.499 || open_s > 4 + late_s))
        broken(p->w, "I5", "open for %.3f s", open_s);
}

/*
 * Is one that is overdue marked by the next tick?  Always, but while nothing shows that load makes
 * the upstream late: then when one sent later is late, too, and enough is known to judge.
 */
static bool must_be_marked(const struct seen_before *before, const struct upstream *u,
                           const struct pool_request *r)
{
    bool closed = before->closed || u->breaker.state == BREAKER_CLOSED;

    return !closed || (before->shown && u->limiter.doubt.shown) ||
           (!before->learning[r->kind] && before->late[r->kind] > r->number);
}

static void see(struct seen_before *before, const struct upstream *u)
{
    for (int k = 0; k < KINDS; k++) {
        before->late[k] = u->learnt[k].order.late;
        before->learning[k] = predict_is_learning(&u->learnt[k].predict);
    }
    before->shown = u->limiter.doubt.shown;
    before->closed = u->breaker.state == BREAKER_CLOSED;
}

/* I3, I6: what is still pending is not overdue unmarked; probes are at most three. */
static void check_pending(struct proxy *p, const struct seen_before *before,
                          const struct upstream *u)
{
    const struct pool *pool = pool_of(p);
    bool unary = upstream_is_unary(pool, u, p->w->now_ns);
    bool late_probe = false;
    uint32_t probes = 0;

    LIST_EACH(n, &p->live)
    {
        const struct job *j = LIST_OBJECT(n, struct job, live);
        const struct pool_request *r = &j->r;
        if (&pool->upstream[r->upstream] != u)
            continue;
        if (r->state != REQUEST_SENT)
            broken(p->w, "I7", "one that runs was ended by the pool");
        probes += r->probe && !r->overdue && r->generation == u->breaker.generation;
        if (!r->pending || p->w->now_ns <= r->late_ns)
            continue;
        if (r->excused && p->w->now_ns <= r->late_ns + p->weir->t.tick_gap_ns)
            continue; /* put off by this very tick, which came so late that it is over again */
        if (!r->marked && must_be_marked(before, u, r))
            broken(p->w, "I3", "overdue by %.3f s and not marked",
                   num_s(p->w->now_ns - r->late_ns));
        late_probe = late_probe ||
                     (r->probe && r->generation == u->breaker.generation && (r->stream || unary));
    }
    if (u->breaker.state != BREAKER_HALF_OPEN)
        return;
    if (probes > pool->conf->breaker.probes)
        broken(p->w, "I6", "%u probes are out", probes);
    if (late_probe)
        broken(p->w, "I6", "half open with a late probe");
}

/* I3 */
void watch_marks(struct proxy *p, bool marked)
{
    const struct pool *pool = pool_of(p);
    uint64_t given = 0;

    if (!p->w->sc->check)
        return;
    for (size_t i = 0; i < pool->n_upstreams; i++) {
        uint64_t now = marks_of(&pool->upstream[i]), before = p->weir->before.marks[i];
        given += now > before ? now - before : 0; /* a restart forgets those of its window */
    }
    if (given > (marked ? 0 : 1))
        broken(p->w, "I3", "%" PRIu64 " marks of one request that had %d", given, marked);
}

void watch_tick(struct proxy *p)
{
    const struct pool *pool = pool_of(p);

    if (!p->w->sc->check)
        return;
    for (size_t i = 0; i < pool->n_upstreams; i++) {
        check_pending(p, &p->before[i], &pool->upstream[i]);
        see(&p->before[i], &pool->upstream[i]);
    }
    watch_starved(p, UINT32_MAX);
    p->weir->waits = p->weir->admitted = false;
}

/* I2: at the end of everything, nothing is held. */
void watch_drained(struct proxy *p)
{
    const struct pool *pool = pool_of(p);
    uint64_t places = 0;

    for (size_t i = 0; i < pool->n_upstreams; i++) {
        const struct upstream *u = &pool->upstream[i];
        if (u->pending + u->inflight + u->streams + u->system > 0)
            broken(p->w, "I2", "held at the end: pending %u, in flight %u, streams %u, system %u",
                   u->pending, u->inflight, u->streams, u->system);
        if (!list_empty(&u->pending_list))
            broken(p->w, "I2", "somebody is pending at the end");
        if (u->breaker.state == BREAKER_HALF_OPEN && u->breaker.probes > u->breaker.good)
            broken(p->w, "I2", "%u probes are out at the end", u->breaker.probes);
    }
    for (size_t i = 0; i < USERS_SLOTS; i++)
        places += pool->users.slot[i].places;
    if (pool->queue.length > 0 || pool->system > 0 || places > 0)
        broken(p->w, "I2", "at the end %u wait, %u of class system, %" PRIu64 " places of users",
               pool->queue.length, pool->system, places);
}
