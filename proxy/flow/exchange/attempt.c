/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt at one upstream: its connection, and a second attempt where the first says nothing
 * against it.  On the worker's thread.
 */
#include "exchange_priv.h"

/* A fresh one: what an earlier attempt saw is not seen in this one. */
static void begin(struct exchange *x)
{
    exchange_note_attempt(x);
    exchange_fini_attempt(x);
    x->attempt = (struct attempt){
        .begun_ns = exchange_now(x),
        .is_stream = x->request.is_stream,
        .stream.is_judged = x->request.is_judged,
        .head.grpc_status = -1,
    };
}

/* --- the connection */

static void connected(struct exchange *x)
{
    uint64_t now = exchange_now(x);

    if (x->request.is_grpc && !x->attempt.uplink->http2) {
        x->attempt.what = "gRPC needs HTTP/2, which the backend does not speak";
        exchange_fail(x, OUTCOME_NEUTRAL, 405, CAUSE_NOT_ALLOWED);
        return;
    }
    x->attempt.connected_ns = x->attempt.sent_ns = x->attempt.progress_ns = now;
    exchange_enter(x, EXCHANGE_SENT);
    if (x->request.expect && !x->body.complete)
        client_interim(x->client, 100);
    if (x->body.blocked) {
        x->body.blocked = false;
        client_want_body(x->client, true);
    }
    exchange_push(x);
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
 * The upstream whose place the gate gave, and the snapshot that it is of.  A reload may have come
 * while the request waited: the snapshot in force knows upstreams that are new; only the exchange's
 * own knows those that are gone.  NULL: one reload added it and the next one took it out.
 */
static struct snapshot_upstream *upstream_given(const struct exchange *x, struct snapshot_use **use)
{
    struct snapshot_pool *now = pool_in_force(x);
    int place = x->ticket.r.upstream;
    struct snapshot_upstream *u = now == NULL ? NULL : snapshot_upstream_at(now, place);

    *use = u == NULL ? x->use : x->w->use;
    return u == NULL ? snapshot_upstream_at(x->pool, place) : u;
}

bool exchange_knows_its_upstream(const struct exchange *x)
{
    struct snapshot_use *use;

    return upstream_given(x, &use) != NULL;
}

static void set_upstream(struct exchange *x)
{
    struct snapshot_use *use;
    struct snapshot_upstream *u = upstream_given(x, &use);

    WEIR_ASSERT(u != NULL);
    if (x->attempt.use != NULL)
        snapshot_use_unref(&x->attempt.use);
    x->attempt.upstream = u;
    x->attempt.use = snapshot_use_ref(use);
}

/* A connection to its upstream, an idle one unless fresh; upstream_take has the answers. */
static enum weir_status take(struct exchange *x, bool fresh)
{
    struct upstream_target t = {
        .upstream = x->attempt.upstream,
        .use = x->attempt.use,
        .connect_ns = x->pool->conf->timeouts.connect_ns,
        .client = &x->request.client,
        .reached = x->client,
        .http1 = x->request.asks_websocket,
    };
    enum weir_status rc =
        upstream_take(x->w, &t, fresh, &exchange_upstream_events, x, &x->attempt.uplink);

    if (rc == WEIR_OK && x->attempt.uplink->open)
        connected(x);
    return rc;
}

void exchange_connected(struct exchange *x, uint64_t took_ns)
{
    x->attempt.connect_ns = x->ticket.r.connect_ns = took_ns;
    connected(x);
}

/* Makes or finds a connection to the upstream that the gate chose. */
void exchange_connect(struct exchange *x)
{
    enum weir_status rc;

    set_upstream(x);
    exchange_enter(x, EXCHANGE_CONNECT);
    rc = take(x, false);
    if (rc == WEIR_OK || rc == WEIR_AGAIN)
        return; /* AGAIN: the worker tries again when addresses arrive; the state has a deadline */
    exchange_connect_failed(x, rc,
                            rc == WEIR_DNS ? upstream_why(x->w, x->attempt.upstream->slot)
                                           : weir_status_text(rc));
}

static const char *proxy_error_of(enum weir_status s)
{
    switch (s) {
    case WEIR_TIMEOUT:
        return "connection_timeout";
    case WEIR_TLS:
        return "tls_protocol_error";
    case WEIR_DNS:
        return "dns_error";
    case WEIR_REFUSED:
        return "connection_refused";
    case WEIR_OK:
    case WEIR_AGAIN:
    case WEIR_CLOSED:
    case WEIR_RESET:
    case WEIR_NO_MEMORY:
    case WEIR_LIMIT:
    case WEIR_BAD:
    case WEIR_NOT_FOUND:
    case WEIR_SYS:
        return "connection_terminated";
    }
    WEIR_UNREACHABLE("status");
}

void exchange_connect_failed(struct exchange *x, enum weir_status s, const char *why)
{
    log_debug("request %s: no connection to upstream %s: %s", x->record.id,
              x->attempt.upstream->authority, why);
    if (s == WEIR_LIMIT || s == WEIR_NO_MEMORY) {
        worker_say_shortage(x->w, why); /* on this side: it says nothing of the upstream */
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_OVERLOADED);
        return;
    }
    if (exchange_try_elsewhere(x, OUTCOME_CONNECT_FAILED))
        return;
    x->attempt.proxy_error = proxy_error_of(s);
    if (s == WEIR_TLS && strstr(why, "certificate") != NULL)
        x->attempt.proxy_error = "tls_certificate_error";
    exchange_fail(x, OUTCOME_CONNECT_FAILED, 502, CAUSE_CONNECT_FAILED);
}

void exchange_attempt(struct exchange *x)
{
    begin(x);
    exchange_connect(x);
}

/* --- a second attempt */

bool exchange_try_elsewhere(struct exchange *x, enum outcome o)
{
    if (!exchange_retry(x, o))
        return false;
    if (x->ticket.r.stream != x->request.is_stream)
        gate_set_stream(x->pool->gate, &x->ticket, x->request.is_stream);
    exchange_attempt(x);
    return true;
}

void exchange_resend(struct exchange *x)
{
    struct snapshot_upstream *upstream = x->attempt.upstream;
    struct snapshot_use *use = snapshot_use_ref(x->attempt.use);

    begin(x);
    x->attempt.upstream = upstream;
    x->attempt.use = use;
    x->attempt.resent = true;
    exchange_enter(x, EXCHANGE_CONNECT);
    if (take(x, true) != WEIR_OK)
        exchange_connect_failed(x, WEIR_NO_MEMORY, "no connection for a second try");
}
