/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer's way from the uplink to the client: its head written anew, held back while a stream's
 * first event is not understood (the commit point), relayed.  Its end is
 * exchange/answer_end.c's.
 *
 *   head of a stream → HEAD_PENDING → content: commit          → RELAY
 *                           → error:   elsewhere, or restated as a plain answer
 *                           → end:     empty_stream, 502
 *   any other head   → RELAY at once
 *
 * After the commit point nothing is retried, joined or invented: what fails then is an error frame
 * at an event boundary, or a visible cut.
 */
#include "exchange_priv.h"

/* --- heads */

/* The client's fields: the upstream's without what ends here, and ours. */
static void list_fields(struct exchange *x, const struct response_head *h, struct field_list *l)
{
    bool limited = x->limits != NULL && exchange_tells_limits(x);

    worker_field_list(x->w, l);
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];

        if (f->hop || f->id == FIELD_CONTENT_LENGTH || f->id == FIELD_TRANSFER_ENCODING ||
            f->id == FIELD_X_WEIR_REQUEST_ID || (limited && exchange_is_limit_field(f->name)))
            continue;
        field_add(l, f->name, f->value);
    }
    field_add(l, SLICE_LIT("Via"), exchange_received_by(h->http2, h->minor));
    if (h->at[FIELD_DATE] == 0)
        exchange_add_date(l); /* RFC 9110, 6.6.1 */
    if (h->at[FIELD_X_REQUEST_ID] == 0)
        field_add(l, SLICE_LIT("x-request-id"), slice_str(x->record.id));
    field_add(l, SLICE_LIT("x-weir-request-id"), slice_str(x->record.id));
    if (limited)
        exchange_add_limits(x, l);
}

/* The id the backend gave the request, which its operators will ask for. */
static void keep_upstream_id(struct exchange *x, const struct response_head *h)
{
    struct slice id = response_field(h, FIELD_X_REQUEST_ID);
    struct text t;

    if (id.len == 0)
        id = response_field(h, FIELD_REQUEST_ID);
    text_init(&t, x->attempt.head.id, sizeof x->attempt.head.id);
    if (exchange_id_is_fit(id) && !slice_eq(id, slice_str(x->record.id)))
        text_put(&t, id);
}

static void keep_reason(struct exchange *x, struct slice reason)
{
    size_t n = reason.len < sizeof x->attempt.head.reason - 1 ? reason.len
                                                              : sizeof x->attempt.head.reason - 1;

    memcpy(x->attempt.head.reason, reason.p == NULL ? "" : reason.p, n);
    x->attempt.head.reason[n] = '\0';
}

static void set_kind(struct exchange *x, const struct response_head *h)
{
    x->attempt.head.kind = h->body == BODY_TO_CLOSE ? BODY_CHUNKED : h->body;
    x->attempt.head.length = h->length;
    x->attempt.head.to_close = h->body == BODY_TO_CLOSE;
    if (h->body == BODY_NONE && x->request.to_head && h->at[FIELD_CONTENT_LENGTH] != 0)
        x->attempt.head.kind = BODY_COUNTED; /* what a GET would have had */
}

/* Is the answer a stream that can be read as events (or at least as bytes)? */
static bool set_form(struct exchange *x, const struct response_head *h)
{
    bool events = h->event_stream || h->ndjson || h->binary_events;

    if (h->status != 200 || !events || h->body == BODY_NONE)
        return false;
    if (h->encoded || h->binary_events)
        x->attempt.stream.form = FORM_BYTES;
    else
        x->attempt.stream.form = h->event_stream ? FORM_SSE : FORM_NDJSON;
    x->attempt.stream.is_judged = x->request.is_judged && !h->binary_events;
    answer_init(&x->attempt.stream.answer, x->attempt.stream.form, x->request.dialect);
    if (x->attempt.stream.form != FORM_BYTES)
        x->attempt.head.kind = BODY_CHUNKED; /* a counted one has no room for an error at its end */
    return true;
}

static uint64_t wall_s(const struct exchange *x)
{
    return x->record.begun_wall_ns / NS_PER_S;
}

/* An answer that is no stream: relayed at once.  A refusal may first be tried elsewhere. */
static void begin_plain(struct exchange *x, const struct field_list *fields)
{
    enum outcome o = exchange_outcome_of_status(x->attempt.head.status);

    if (o == OUTCOME_REFUSED && exchange_try_elsewhere(x, OUTCOME_REFUSED))
        return;
    if (o == OUTCOME_REFUSED)
        x->record.cause = CAUSE_UPSTREAM_REFUSED;
    else if (o == OUTCOME_FAILED)
        x->record.cause = CAUSE_UPSTREAM_ERROR;
    if (x->reply.began_early) { /* a stream was promised: all that is left is to say so in it */
        exchange_fail(x, o, 502,
                      x->record.cause != CAUSE_NONE ? x->record.cause : CAUSE_BAD_GATEWAY);
        return;
    }
    if (x->has_ticket && x->attempt.is_stream)
        gate_set_stream(x->pool->gate, &x->ticket, false);
    x->attempt.is_stream = false;
    if (x->has_ticket && o == OUTCOME_OK)
        gate_first(x->pool->gate, &x->ticket, exchange_now(x));
    exchange_send_head(x, fields);
    exchange_enter(x, EXCHANGE_RELAY);
}

/* Nothing is known of such a stream, or it cannot be read: it begins as any other answer does. */
static void begin_unjudged(struct exchange *x, const struct field_list *fields)
{
    x->attempt.stream.is_events = true;
    begin_plain(x, fields);
}

static void begin_stream(struct exchange *x, const struct field_list *fields)
{
    if (!x->attempt.is_stream)
        gate_set_stream(x->pool->gate, &x->ticket, true);
    x->attempt.is_stream = x->attempt.stream.is_events = true;
    x->attempt.progress_ns = x->attempt.stream.head_ns = exchange_now(x);
    if (field_list_keep(fields, &x->attempt.stream.pending, KEPT_HEAD_MAX) != WEIR_OK) {
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_OVERLOADED);
        return;
    }
    x->attempt.stream.pending_head = x->attempt.stream.pending.len;
    exchange_enter(x, EXCHANGE_HEAD_PENDING);
}

static void begin_answer(struct exchange *x, const struct response_head *h,
                         const struct field_list *fields)
{
    bool events = set_form(x, h);

    exchange_count_usage(x, h, events);
    if (!events)
        begin_plain(x, fields);
    else if (x->attempt.stream.is_judged)
        begin_stream(x, fields);
    else
        begin_unjudged(x, fields);
}

static void on_head(void *owner, const struct response_head *h)
{
    struct exchange *x = owner;
    struct field_list fields;

    x->attempt.head.status = h->status;
    x->attempt.head.http2 = h->http2;
    if (exchange_is_refusal(h->status))
        x->attempt.head.retry_after_ms = response_retry_after_ms(h, wall_s(x));
    keep_reason(x, h->reason);
    keep_upstream_id(x, h);
    set_kind(x, h);
    list_fields(x, h, &fields);
    if (fields.full)
        exchange_fail(x, OUTCOME_FAILED, 502, CAUSE_BAD_GATEWAY);
    else if (h->switched)
        exchange_begin_tunnel(x, &fields);
    else if (h->grpc && h->status == 200 && x->request.is_grpc)
        exchange_begin_grpc(x, h, &fields);
    else
        begin_answer(x, h, &fields);
}

/* --- bodies */

static void push_back(struct exchange *x)
{
    size_t backlog = client_backlog(x->client);

    if (backlog > x->snapshot->settings->limits.buffer && x->attempt.uplink != NULL &&
        !x->attempt.paused) {
        x->attempt.paused = true;
        upstream_want_data(x->attempt.uplink, false);
    }
}

static void on_data(void *owner, struct slice bytes)
{
    struct exchange *x = owner;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (bytes.len == 0)
        return;
    counter_add(&x->w->upstreams[x->attempt.upstream->slot].reads, 1);
    if (x->state == EXCHANGE_HEAD_PENDING)
        exchange_read_pending(x, bytes);
    else if (x->state == EXCHANGE_RELAY)
        exchange_relay(x, bytes);
    else if (x->state == EXCHANGE_TUNNEL)
        exchange_tunnel_down(x, bytes);
    if (x->state == EXCHANGE_RELAY && exchange_is_whole(x))
        exchange_note_whole(x);
    if (x->state != EXCHANGE_ENDED && x->client != NULL && x->reply.committed)
        push_back(x);
}

/* --- the connection */

static void on_connected(void *owner, uint64_t took_ns)
{
    struct exchange *x = owner;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    exchange_connected(x, took_ns);
}

static void on_connect_failed(void *owner, enum weir_status s, const char *why)
{
    struct exchange *x = owner;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    x->attempt.uplink = NULL;
    exchange_connect_failed(x, s, why);
}

static void on_room(void *owner)
{
    struct exchange *x = owner;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    exchange_push(x);
}

static void on_end(void *owner, enum upstream_end how, const char *why,
                   const struct field_list *trailers)
{
    struct exchange *x = owner;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    x->attempt.trailers = trailers;
    exchange_ended(x, how, why);
}

const struct upstream_events exchange_upstream_events = {
    .connected = on_connected,
    .connect_failed = on_connect_failed,
    .head = on_head,
    .data = on_data,
    .room = on_room,
    .end = on_end,
};
