/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of one admission: what one request counts for from its sending to its end.  Its mark is
 * given in marks.c; what its outcome says is outcome.c's.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

struct evidence evidence_of(const struct pool_request *r)
{
    return (struct evidence){
        .generation = r->generation,
        .probe = r->probe,
        .overdue = r->overdue,
        .kind = r->kind,
        .who = r->who,
        .sent_ns = r->sent_ns,
    };
}

void upstream_after_breaker(struct pool *p, struct upstream *u, uint64_t now_ns)
{
    if (!u->breaker.began_ramp)
        return;
    u->breaker.began_ramp = false;
    if (u->breaker.by_hand || pool_enforces(p, SET_BREAKER))
        limiter_restart(&u->limiter, now_ns);
}

static void note_streams(struct upstream *u, int change, uint64_t now_ns)
{
    pace_note(&u->pace, u->streams, now_ns);
    upstream_count_streams(u, now_ns);
    WEIR_ASSERT(change > 0 || u->streams > 0);
    u->streams += (uint32_t)change;
}

/* From now on it waits for its first token. */
static void pend(struct pool *p, struct upstream *u, struct pool_request *r, uint64_t now_ns)
{
    r->pend0 = u->pending + upstream_pending_elsewhere(p, u);
    r->inflight0 = upstream_load(u) + upstream_used_elsewhere(p, u);
    upstream_expect(p, u, r, now_ns);
    r->pending = true;
    list_push_back(&u->pending_list, &r->pending_node);
    u->pending++;
}

void pool_uploaded(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    WEIR_ASSERT(r->state == REQUEST_SENT);
    if (!r->uploading || r->first)
        return;
    r->uploading = false;
    r->sent_ns = now_ns;
    r->connect_ns = 0;
    if (request_is_system(r))
        return;
    pend(p, &p->upstream[r->upstream], r, now_ns);
    r->inflight0--; /* this one was counted already */
}

static void begin_books(struct pool *p, struct upstream *u, struct pool_request *r, uint64_t now_ns)
{
    r->late_ns = UINT64_MAX;
    if (!r->uploading)
        pend(p, u, r, now_ns);
    u->inflight++;
    if (r->stream) {
        u->streamed = true;
        u->last_stream_ns = now_ns;
    }
}

static void begin_probe(struct pool *p, struct upstream *u, struct pool_request *r, uint64_t now_ns)
{
    struct breaker_rules rules = pool_rules(p, now_ns);
    double expected_s =
        predict_s(&u->learnt[r->kind].predict, r->bytes, upstream_is_unary(p, u, now_ns));

    r->probe_ns = now_ns + num_ns(expected_s) + p->conf->limiter.queue_target_ns;
    list_push_back(&u->probe_list, &r->probe_node);
    breaker_probe_sent(&u->breaker, &rules, r->kind, r->who);
}

void pool_send(struct pool *p, struct pool_request *r, const struct choice *c, uint64_t now_ns)
{
    struct upstream *u = &p->upstream[c->upstream];

    pool_numbers(p, r, c->rule, c->upstream, now_ns);
    r->numbers.observed = c->observed;
    r->numbers.canary_share = c->lot.share;
    r->lot = c->lot;
    r->connect_ns = 0;
    r->upstream = c->upstream;
    r->sent_ns = now_ns;
    r->generation = u->breaker.generation;
    r->pending = r->marked = r->late = r->first = r->streaming = false;
    r->probe = c->rule == RULE_PROBE;
    r->overdue = false;
    upstream_fleet_sent(p, u, r);
    if (request_is_system(r)) {
        u->system++;
        p->system++;
    } else {
        begin_books(p, u, r, now_ns);
        backlog_sent(&p->backlog);
    }
    if (r->probe)
        begin_probe(p, u, r, now_ns);
    if (r->attempts++ == 0)
        budget_earn(&p->budget, &p->conf->retry);
    if (!r->probe) /* the rate stands still meanwhile, and would grow with every probe */
        rate_add(&p->admitted, now_ns);
    p->rotate = (size_t)(c->upstream + 1) % p->n_upstreams;
    r->state = REQUEST_SENT;
}

void upstream_unpend(struct upstream *u, struct pool_request *r)
{
    if (!r->pending)
        return;
    r->pending = false;
    list_remove(&r->pending_node);
    WEIR_ASSERT(u->pending > 0);
    u->pending--;
}

/* What a first content event, or a good head of a whole answer, says; without looking at who waits.
 */
void upstream_note_first(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    struct upstream *u = &p->upstream[r->upstream];
    enum lateness lateness = UNJUDGED;

    WEIR_ASSERT(r->state == REQUEST_SENT && !r->first);
    r->first = true;
    canary_take_first(p, r, now_ns);
    if (!request_is_system(r) && !r->uploading && (r->stream || upstream_is_unary(p, u, now_ns)))
        lateness = upstream_mark_first(p, u, r, now_ns);
    upstream_unpend(u, r);
    upstream_fleet_started(p, u, r);
    if (!request_is_system(r) && r->stream) {
        note_streams(u, 1, now_ns);
        pace_seen(&u->pace, now_ns);
        r->streaming = true;
        u->firsts++;
    }
    upstream_take_first(p, u, r, lateness, now_ns);
}

void pool_first(struct pool *p, struct pool_request *r, uint64_t now_ns)
{
    p->upstream[r->upstream].alive_ns = now_ns;
    upstream_note_first(p, r, now_ns);
    pool_serve_queue(p, now_ns); /* one less is pending */
}

void pool_set_stream(struct pool *p, struct pool_request *r, bool stream)
{
    struct upstream *u = &p->upstream[r->upstream];

    WEIR_ASSERT(r->state == REQUEST_SENT && !r->first);
    if (stream && !r->stream && !request_is_system(r)) {
        u->streamed = true;
        u->last_stream_ns = r->sent_ns > u->last_stream_ns ? r->sent_ns : u->last_stream_ns;
    }
    r->stream = stream;
}

void pool_release(struct pool *p, struct pool_request *r, const struct pool_report *rep,
                  uint64_t now_ns)
{
    struct upstream *u = &p->upstream[r->upstream];

    WEIR_ASSERT(r->state == REQUEST_SENT);
    if (r->woken) {
        r->woken = false;
        list_remove(&r->node);
    }
    upstream_report(p, u, r, rep, now_ns);
    upstream_unpend(u, r);
    list_remove(&r->probe_node);
    list_init(&r->probe_node);
    if (r->streaming) {
        r->streaming = false;
        note_streams(u, -1, now_ns);
    }
    if (request_is_system(r)) {
        WEIR_ASSERT(u->system > 0 && p->system > 0);
        u->system--;
        p->system--;
    } else {
        WEIR_ASSERT(u->inflight > 0);
        u->inflight--;
    }
    upstream_after_breaker(p, u, now_ns);
    upstream_fleet_ended(p, u, now_ns);
}
