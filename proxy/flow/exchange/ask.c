/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange asks the gate of its pool, and waits.  On the worker's thread.
 */
#include "exchange_priv.h"

/* Is the answer going to be a stream of events?  From the body, else from what the path is for. */
static bool expects_stream(const struct exchange *x)
{
    if (x->request.route_stream != ROUTE_STREAM_AUTO)
        return x->request.route_stream == ROUTE_STREAM_ALWAYS;
    if (!x->request.is_judged)
        return false; /* whatever it is, its time says nothing */
    switch (x->request.path_streams) {
    case STREAMS_ALWAYS:
        return true;
    case STREAMS_NEVER:
        return false;
    case STREAMS_UNLESS_REFUSED:
        return x->body.scan.says != BODY_SAYS_UNARY;
    case STREAMS_IF_ASKED:
        break;
    }
    if (x->body.scan.says == BODY_SAYS_NOTHING)
        return x->request.accepts_events || !x->body.complete;
    return x->body.scan.says == BODY_SAYS_STREAM;
}

/* The route lets a stream begin while it waits; a 200 then costs the client its retries. */
static bool wants_waiting_room(const struct exchange *x)
{
    return x->request.route >= 0 && x->snapshot->settings->routes[x->request.route].early_stream &&
           x->request.is_stream && !x->request.to_head && !x->request.wish.http10;
}

static void admitted(struct exchange *x, enum decision d)
{
    x->has_ticket = true;
    x->record.admitted_ns = exchange_now(x);
    exchange_set_decision(x, d);
    exchange_attempt(x);
}

void exchange_ask(struct exchange *x)
{
    struct pool_request *r = &x->ticket.r;

    x->request.is_stream = r->stream = expects_stream(x);
    if (!exchange_take_limits(x)) {
        exchange_refuse(x, 0, CAUSE_OVERLOADED, NULL);
        return;
    }
    if (x->body.scan.model_len > 0)
        r->model = hash_keyed(x->snapshot->user_key, body_scan_model(&x->body.scan));
    if (r->bytes == 0)
        r->bytes = x->record.bytes_in;
    r->uploading = !x->body.complete || x->body.spooled > 0;
    x->record.asked_ns = exchange_now(x);
    switch (gate_ask(x->pool->gate, &x->ticket, x->record.asked_ns)) {
    case POOL_ADMIT:
        admitted(x, DECISION_ADMITTED);
        return;
    case POOL_WAIT:
        if (wants_waiting_room(x))
            exchange_begin_early(x);
        exchange_enter(x, EXCHANGE_QUEUED);
        return;
    case POOL_ASK: /* it may still be refused with a status */
        exchange_enter(x, EXCHANGE_QUEUED);
        return;
    case POOL_REFUSE:
        exchange_refuse(x, 0, r->cause, NULL);
        return;
    }
    WEIR_UNREACHABLE("verdict");
}

bool exchange_is_shut_out(struct exchange *x)
{
    struct pool_request *r = &x->ticket.r;

    r->stream = expects_stream(x);
    if (!exchange_take_limits(x) || !gate_refuses_all(x->pool->gate, &x->ticket, exchange_now(x)))
        return false;
    x->record.asked_ns = exchange_now(x);
    return true;
}

/* A wait has ended, one way or the other. */
void exchange_on_wake(struct loop_message *m)
{
    struct ticket *t = LIST_OBJECT(m, struct ticket, wake);
    struct exchange *x = LIST_OBJECT(t, struct exchange, ticket);
    bool sent = t->r.state == REQUEST_SENT;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->state == EXCHANGE_ENDED) {
        /* the client left while the message was under way */
        if (sent)
            gate_give_back(x->pool->gate, &x->ticket, exchange_now(x));
        loop_defer_free(x->w->loop, &x->deferred);
        return;
    }
    WEIR_ASSERT(x->state == EXCHANGE_QUEUED);
    if (!sent) {
        exchange_refuse(x, 0, t->r.cause, NULL);
    } else if (exchange_knows_its_upstream(x)) {
        admitted(x, t->r.has_queued ? DECISION_QUEUED : DECISION_ADMITTED);
    } else {
        /* a reload took it out while the message was under way */
        gate_give_back(x->pool->gate, &x->ticket, exchange_now(x));
        exchange_refuse(x, 0, CAUSE_OVERLOADED, NULL);
    }
}

void exchange_addresses_known(struct worker *w, int slot)
{
    LIST_EACH_SAFE(n, t, &w->exchanges->live)
    {
        struct exchange *x = LIST_OBJECT(n, struct exchange, node);

        if (x->state == EXCHANGE_CONNECT && x->attempt.uplink == NULL &&
            x->attempt.upstream->slot == slot)
            exchange_connect(x);
    }
}
