/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an exchange: made, moved between states, timed, recorded, freed.  Owner and thread:
 * the worker of its session.
 *
 * It outlives its client only while a wake message of the gate is under way.
 */
#include <stdlib.h>

#include "exchange_priv.h"

#define BIT(n) (1U << (n))
static const unsigned may_follow[] = {
    [EXCHANGE_BODY] = BIT(EXCHANGE_QUEUED) | BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_QUEUED] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_CONNECT] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_SENT) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_SENT] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_HEAD_PENDING) | BIT(EXCHANGE_RELAY) |
                      BIT(EXCHANGE_TUNNEL) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_HEAD_PENDING] = BIT(EXCHANGE_CONNECT) | BIT(EXCHANGE_RELAY) | BIT(EXCHANGE_ENDED),
    [EXCHANGE_RELAY] = BIT(EXCHANGE_ENDED),
    [EXCHANGE_TUNNEL] = BIT(EXCHANGE_ENDED),
    [EXCHANGE_ENDED] = 0,
};

/* The only place that writes x->state. */
void exchange_enter(struct exchange *x, enum exchange_state next)
{
    WEIR_ASSERT((may_follow[x->state] & BIT(next)) != 0);
    x->state = next;
    exchange_set_timer(x);
}

/* --- life */

void exchange_fini_attempt(struct exchange *x)
{
    upstream_cancel(&x->attempt.uplink);
    buf_free(&x->attempt.stream.pending);
    if (x->attempt.use != NULL)
        snapshot_use_unref(&x->attempt.use);
}

void exchange_free(struct loop_deferred *d)
{
    struct exchange *x = LIST_OBJECT(d, struct exchange, deferred);
    struct worker *w = x->w;

    buf_free(&x->request.head);
    buf_free(&x->body.bytes);
    buf_free(&x->body.trailers);
    free(x->record.path);
    free(x->record.spans);
    exchange_fini_attempt(x);
    snapshot_use_unref(&x->use);
    exchange_give_limits(x);
    slab_give(&w->exchanges->slab, x);
}

void exchange_set_decision(struct exchange *x, enum decision d)
{
    struct pool_counters *p = &x->w->pools[x->pool == NULL ? 0 : x->pool->slot];

    if (x->record.has_decision)
        return;
    x->record.has_decision = true;
    x->record.decision = d;
    counter_add(&p->requests[x->ticket.r.class][d], 1);
    if (d == DECISION_REFUSED)
        counter_add(&p->shed[x->record.cause], 1);
    if (d == DECISION_REFUSED && x->limits != NULL && x->limits->q.no.most > 0)
        counter_add(&p->limited[x->limits->q.no.limit], 1);
}

static int64_t span(uint64_t from, uint64_t to)
{
    return from == 0 || to < from ? -1 : (int64_t)(to - from);
}

static int64_t queue_ns(const struct exchange *x)
{
    if (x->record.asked_ns == 0)
        return -1;
    return x->record.admitted_ns == 0 ? (int64_t)x->ticket.r.numbers.waited_ns
                                      : span(x->record.asked_ns, x->record.admitted_ns);
}

static void write_record(struct exchange *x)
{
    const struct request_trace *trace = exchange_trace(x);
    uint64_t now = exchange_now(x);
    struct request_record r = {
        .at_wall_ns = x->record.begun_wall_ns,
        .user = x->ticket.r.user,
        .pool = (int16_t)(x->pool == NULL ? -1 : x->pool->slot),
        .upstream = (int16_t)(x->attempt.upstream == NULL ? -1 : x->attempt.upstream->slot),
        .route = x->request.route,
        .class = x->ticket.r.class,
        .decision = x->record.decision,
        .cause = x->record.cause,
        .outcome = x->attempt.outcome,
        .has_outcome = x->attempt.has_outcome,
        .numbers = x->ticket.r.numbers,
        .status = (uint16_t)x->reply.status,
        .client_retry = x->ticket.r.client_retry,
        .retries = x->record.retries,
        .queue_ns = queue_ns(x),
        .connect_ns = x->attempt.connect_ns == 0 ? -1 : (int64_t)x->attempt.connect_ns,
        .ttft_ns = span(x->attempt.stream.first_ns == 0 ? 0 : x->record.begun_ns,
                        x->attempt.stream.first_ns),
        .duration_ns = span(x->record.begun_ns, now),
        .events = x->attempt.stream.seen_events,
        .bytes_in = x->record.bytes_in,
        .bytes_out = x->record.bytes_out,
        .counted = x->limits != NULL,
        .traced = trace != NULL,
    };

    if (x->limits != NULL) {
        r.usage = x->limits->took;
        r.limit = x->limits->q.no;
    }
    if (!x->attempt.stream.is_events)
        r.ttft_ns = -1;
    r.pace_ns = exchange_pace_ns(x);
    memcpy(r.id, x->record.id, sizeof r.id);
    memcpy(r.upstream_id, x->attempt.head.id, sizeof r.upstream_id);
    r.found = x->attempt.found;
    memcpy(r.client, x->record.peer, sizeof r.client);
    r.method_len = (uint8_t)strnlen(x->record.method, sizeof r.method - 1);
    memcpy(r.method, x->record.method, r.method_len);
    r.path_len = (uint16_t)(x->record.path == NULL ? 0 : strlen(x->record.path));
    if (!record_write(&x->w->records, &r, trace, x->record.path == NULL ? "" : x->record.path))
        counter_add(&x->w->counters.log_dropped, 1);
}

/* Over: recorded once, given back, freed after the callback.  The uplink must have been released.
 */
void exchange_finish(struct exchange *x)
{
    WEIR_ASSERT(x->state != EXCHANGE_ENDED && x->attempt.uplink == NULL && !x->has_ticket);
    if (!x->record.has_decision)
        exchange_set_decision(x, DECISION_LOCAL);
    exchange_drop_body(x);
    write_record(x);
    counter_add(&x->w->counters.bytes_in, x->record.bytes_in);
    counter_add(&x->w->counters.bytes_out, x->record.bytes_out);
    exchange_enter(x, EXCHANGE_ENDED);
    loop_timer_stop(&x->timer);
    list_remove(&x->node);
    x->client = NULL;
    if (!x->awaits_wake)
        loop_defer_free(x->w->loop, &x->deferred);
}

/* --- those of a worker */

struct exchanges *exchanges_create(uint32_t max)
{
    struct exchanges *e = calloc(1, sizeof *e);

    if (e == NULL)
        return NULL;
    slab_init(&e->slab, sizeof(struct exchange), max);
    slab_init(&e->limits, sizeof(struct exchange_limits), max);
    list_init(&e->live);
    return e;
}

void exchanges_destroy(struct exchanges **ep)
{
    struct exchanges *e = *ep;

    *ep = NULL;
    if (e == NULL)
        return;
    slab_fini(&e->limits);
    slab_fini(&e->slab);
    free(e);
}

size_t exchange_bytes(void)
{
    return sizeof(struct exchange) + sizeof(struct exchange_limits) + PENDING_MAX +
           RECORD_PATH_MAX + sizeof(struct request_trace);
}

void exchanges_blame_the_end(struct worker *w)
{
    LIST_EACH(n, &w->exchanges->live)
    {
        struct exchange *x = LIST_OBJECT(n, struct exchange, node);

        if (x->record.cause == CAUSE_NONE)
            x->record.cause = CAUSE_DRAINING;
    }
}

static void describe(const struct exchange *x, struct live_request *r)
{
    uint64_t now = exchange_now(x);

    memcpy(r->id, x->record.id, sizeof r->id);
    memcpy(r->client, x->record.peer, sizeof r->client);
    r->pool = (int16_t)(x->pool == NULL ? -1 : x->pool->slot);
    r->upstream = (int16_t)(x->attempt.upstream == NULL ? -1 : x->attempt.upstream->slot);
    r->class = x->ticket.r.class;
    r->age_ns = now - x->record.begun_ns;
    r->ttft_ns =
        x->attempt.stream.first_ns == 0 ? 0 : x->attempt.stream.first_ns - x->record.begun_ns;
    r->events = x->attempt.stream.seen_events;
}

size_t exchanges_list(const struct worker *w, struct live_request *list, size_t max)
{
    size_t n = 0;

    LIST_EACH(at, &w->exchanges->live)
    {
        if (n >= max)
            break;
        describe(LIST_OBJECT(at, struct exchange, node), &list[n++]);
    }
    return n;
}
