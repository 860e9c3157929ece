/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gate is told of an attempt: each admission is given back exactly once (x->has_ticket).
 * On the worker's thread.
 */
#include "exchange_priv.h"

/* What the upstream said: inside a stream, too. */
static uint32_t said_status(const struct exchange *x)
{
    bool limited =
        x->attempt.stream.is_events && x->attempt.stream.answer.error == ERROR_RATE_LIMIT;

    if (x->attempt.head.is_grpc && x->attempt.head.grpc_status >= 0)
        return (uint32_t)grpc_http_status(x->attempt.head.grpc_status);
    return limited ? 429 : (uint32_t)x->attempt.head.status;
}

#define PACE_EVENTS 10u /* fewer say nothing about pace */

double exchange_pace_ns(const struct exchange *x)
{
    uint64_t took_ns = x->attempt.stream.last_event_ns - x->attempt.stream.first_ns;
    uint32_t n = x->attempt.stream.seen_content;

    return n > 1 ? (double)took_ns / (n - 1) : 0;
}

static struct pool_report report_of(struct exchange *x, enum outcome o, bool complete)
{
    struct pool_report rep = {
        .outcome = o,
        .status = said_status(x),
        .complete = complete,
        .aborted = x->record.cause == CAUSE_CLIENT_GONE || x->attempt.overran,
        .retry_after_ms = x->attempt.head.retry_after_ms,
        .pace_ns = x->attempt.stream.seen_content < PACE_EVENTS ? 0 : (uint64_t)exchange_pace_ns(x),
    };

    if (x->limits != NULL)
        rep.usage = exchange_usage(x, o);
    return rep;
}

static void note_outcome(struct exchange *x, enum outcome o)
{
    x->attempt.has_outcome = true;
    x->attempt.outcome = o;
    counter_add(&x->w->upstreams[x->attempt.upstream->slot].outcomes[o], 1);
}

void exchange_report(struct exchange *x, enum outcome o, bool complete)
{
    struct pool_report rep;

    if (!x->has_ticket)
        return;
    x->has_ticket = false;
    note_outcome(x, o);
    rep = report_of(x, o, complete);
    gate_end(x->pool->gate, &x->ticket, &rep, exchange_now(x));
}

/* What has been sent of the request must be there to be sent again, and nothing may have gone out.
 */
static bool can_start_over(const struct exchange *x)
{
    return !x->reply.committed && !x->body.dropped && x->client != NULL &&
           x->pool->n_upstreams > 1 && !x->request.asks_websocket;
}

bool exchange_retry(struct exchange *x, enum outcome o)
{
    struct pool_report rep = report_of(x, o, false);

    if (!x->has_ticket || !can_start_over(x)) {
        exchange_report(x, o, false);
        return false;
    }
    note_outcome(x, o);
    if (gate_retry(x->pool->gate, &x->ticket, &rep, exchange_now(x)) != POOL_ADMIT) {
        x->has_ticket = false;
        return false;
    }
    x->record.retries++;
    counter_add(&x->w->pools[x->pool->slot].retries, 1);
    return true;
}
