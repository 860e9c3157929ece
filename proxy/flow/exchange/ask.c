/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between an exchange and the gate of its pool: asking, waiting, trying elsewhere, reporting what
 * became of it.  Each admission is given back exactly once (x->has_ticket).
 */
#include "exchange_priv.h"

/* Is the answer going to be a stream of events?  From the body, else from what the path is for. */
static bool expects_stream(const struct exchange *x)
{
    if (x->request.route_stream != ROUTE_STREAM_AUTO)
        return x->request.route_stream == ROUTE_STREAM_ALWAYS;
    if (!x->attempt.stream.is_judged)
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
           x->attempt.is_stream && !x->request.to_head && !x->request.wish.http10;
}

static void admitted(struct exchange *x, enum decision d)
{
    x->has_ticket = true;
    x->record.admitted_ns = exchange_now(x);
    exchange_set_decision(x, d);
    exchange_connect(x);
}

void exchange_ask(struct exchange *x)
{
    struct pool_request *r = &x->ticket.r;

    x->attempt.is_stream = r->stream = expects_stream(x);
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
    if (!gate_refuses_all(x->pool->gate, &x->ticket, exchange_now(x)))
        return false;
    x->record.asked_ns = exchange_now(x);
    return true;
}

/* A wait has ended, one way or the other. */
void exchange_on_wake(struct loop_message *m)
{
    struct ticket *t = LIST_OBJECT(m, struct ticket, wake);
    struct exchange *x = LIST_OBJECT(t, struct exchange, ticket);
    struct worker *w;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    w = x->w;
    if (x->state == EXCHANGE_ENDED) {
        /* the client left while the message was under way */
        if (t->r.state == REQUEST_SENT)
            gate_end(x->pool->gate, t,
                     &(struct pool_report){.outcome = OUTCOME_NEUTRAL, .aborted = true},
                     exchange_now(x));
        loop_defer_free(w->loop, &x->deferred);
        return;
    }
    WEIR_ASSERT(x->state == EXCHANGE_QUEUED);
    if (t->r.state == REQUEST_SENT)
        admitted(x, DECISION_QUEUED);
    else
        exchange_refuse(x, 0, t->r.cause, NULL);
}

enum weir_status exchange_take(struct exchange *x, bool fresh)
{
    struct upstream_target t = {x->attempt.upstream, x->attempt.use,
                                x->pool->conf->timeouts.connect_ns};
    enum weir_status rc =
        upstream_take(x->w, &t, fresh, &exchange_upstream_events, x, &x->attempt.uplink);

    x->attempt.head_sent = x->attempt.sent_whole = false;
    x->attempt.body_sent = 0;
    if (rc == WEIR_OK && x->attempt.uplink->open)
        exchange_connected(x);
    return rc;
}

/* The pool of the exchange in the snapshot in force; NULL: it was taken out of the file. */
static struct snapshot_pool *pool_in_force(const struct exchange *x)
{
    struct snapshot *now = x->w->snapshot;

    for (size_t i = 0; i < now->settings->n_pools; i++) {
        if (now->pools[i].gate == x->pool->gate)
            return &now->pools[i];
    }
    return NULL;
}

/*
 * The upstream whose place the gate gave.  A reload may have come while the request waited: the
 * snapshot in force knows upstreams that are new; only the exchange's own knows those that are
 * gone.
 */
static void set_upstream(struct exchange *x)
{
    struct snapshot_pool *now = pool_in_force(x);
    struct snapshot_upstream *u =
        now == NULL ? NULL : snapshot_upstream_at(now, x->ticket.r.upstream);
    struct snapshot_use *use = u == NULL ? x->use : x->w->use;

    if (x->attempt.use != NULL)
        snapshot_use_unref(&x->attempt.use);
    x->attempt.upstream = u == NULL ? snapshot_upstream_at(x->pool, x->ticket.r.upstream) : u;
    WEIR_ASSERT(x->attempt.upstream != NULL);
    x->attempt.use = snapshot_use_ref(use);
}

/* Makes or finds a connection to the upstream that the gate chose. */
void exchange_connect(struct exchange *x)
{
    enum weir_status rc;

    set_upstream(x);
    exchange_enter(x, EXCHANGE_CONNECT);
    rc = exchange_take(x, false);
    if (rc == WEIR_OK || rc == WEIR_AGAIN)
        return; /* AGAIN: the worker tries again when addresses arrive; the state has a deadline */
    exchange_connect_failed(x, rc,
                            rc == WEIR_DNS ? upstream_why(x->w, x->attempt.upstream->slot)
                                           : weir_status_text(rc));
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

/* What the upstream said: inside a stream, too. */
static uint32_t said_status(const struct exchange *x)
{
    bool limited =
        x->attempt.stream.is_events && x->attempt.stream.answer.error == ERROR_RATE_LIMIT;

    return limited ? 429 : (uint32_t)x->attempt.status;
}

static struct pool_report report_of(const struct exchange *x, enum outcome o, bool complete)
{
    return (struct pool_report){
        .outcome = o,
        .status = said_status(x),
        .complete = complete,
        .aborted = x->record.cause == CAUSE_CLIENT_GONE,
        .retry_after_ms = x->attempt.retry_after_ms,
    };
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

bool exchange_try_elsewhere(struct exchange *x, enum outcome o)
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
    upstream_cancel(&x->attempt.uplink);
    x->attempt.has_outcome = false;
    x->attempt.stream.is_events = x->attempt.to_close = false;
    x->attempt.status = 0;
    x->attempt.retry_after_ms = 0;
    x->attempt.resent = false;
    x->attempt.proxy_error = NULL;
    x->record.cause = CAUSE_NONE;
    buf_free(&x->attempt.stream.pending);
    x->attempt.stream.pending_head = 0;
    exchange_connect(x);
    return true;
}
