/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of weir's own: refusals, gateway errors, early answers, errors inside a stream; and how a
 * client begins and leaves.
 */
#include <stdlib.h>

#include "exchange_priv.h"

enum { OWN_MAX = 64 * 1024 };

/* --- describing */

static const struct snapshot_pool *pool_of(const struct exchange *x)
{
    return x->pool;
}

void exchange_describe(const struct exchange *x, struct refusal *r, enum cause cause)
{
    const struct snapshot_pool *p = pool_of(x);
    const struct decision_numbers *n = &x->ticket.r.numbers;

    *r = (struct refusal){
        .cause = cause,
        .overload_status = p == NULL ? 503 : p->conf->overload_status,
        .proxy_error = x->attempt.proxy_error,
        .retry_after_ms = n->retry_after_ms,
        .no_retry = x->ticket.r.no_retry,
        .share = cause == CAUSE_RECOVERING ? n->share : -1,
        .incident = p == NULL ? NULL : x->w->incidents[p->slot],
        .request_id = x->record.id,
        .pool = p == NULL ? NULL : p->conf->name,
        .wall_ns = wall_now_ns(),
        .pages = x->snapshot->pages,
        .status_path = x->snapshot->settings->pages_status_path[0] == '\0'
                           ? NULL
                           : x->snapshot->settings->pages_status_path,
    };
}

/* 502, 503, 504 carry a hint even where the gate made no appointment: 1 to 2 s, spread. */
static void add_hint(const struct exchange *x, struct refusal *r, int status)
{
    bool wants = status == 429 || status == 502 || status == 503 || status == 504 || status == 529;

    if (wants && r->retry_after_ms == 0)
        r->retry_after_ms = 1000 + (uint32_t)(rng_next(&x->w->rng) % 1000);
}

static void list_field(struct slice name, struct slice value, void *arg)
{
    field_add_copy(arg, name, value);
}

/* --- sending */

static void send_own(struct exchange *x, int status, const struct field_list *fields,
                     struct slice body)
{
    struct answer_head h = {.status = status,
                            .fields = fields,
                            .body = status == 204 ? BODY_NONE : BODY_COUNTED,
                            .length = body.len};

    x->reply.status = status;
    x->reply.committed = true;
    x->record.bytes_out += x->request.to_head ? 0 : body.len;
    client_head(x->client, &h);
    client_data(x->client, body);
    client_end(&x->client, CLIENT_END_WHOLE, NULL);
}

static void send_refusal(struct exchange *x, struct refusal *r)
{
    struct buf body = BUF_INIT;
    struct field_list fields;
    int status;

    add_hint(x, r, refusal_status(r, &x->request.wish));
    status = refusal_status(r, &x->request.wish);
    worker_field_list(x->w, &fields);
    refusal_fields(r, &x->request.wish, list_field, &fields);
    if (refusal_body(r, &x->request.wish, &body, OWN_MAX) != WEIR_OK)
        buf_free(&body); /* the head alone still tells */
    if (r->close)
        client_close_after(x->client);
    send_own(x, status, &fields, buf_slice(&body));
    buf_free(&body);
}

void exchange_begin_early(struct exchange *x)
{
    struct field_list fields;
    struct answer_head h = {.status = 200, .fields = &fields, .body = BODY_CHUNKED};

    worker_field_list(x->w, &fields);
    field_add(&fields, SLICE_LIT("Content-Type"), SLICE_LIT("text/event-stream"));
    field_add(&fields, SLICE_LIT("Cache-Control"), SLICE_LIT("no-store"));
    exchange_add_date(&fields);
    field_add(&fields, SLICE_LIT("x-request-id"), slice_str(x->record.id));
    field_add(&fields, SLICE_LIT("x-weir-request-id"), slice_str(x->record.id));
    field_add(&fields, SLICE_LIT("Via"), SLICE_LIT("1.1 weir"));
    x->reply.status = 200;
    x->reply.began_early = true;
    x->reply.quiet_ns = exchange_now(x);
    client_head(x->client, &h);
    client_data(x->client, SLICE_LIT(": waiting\n\n"));
}

/* Is the client at the end of an event, so that a frame of ours can follow, and be understood? */
static bool frame_fits(const struct exchange *x)
{
    if (x->reply.began_early && !x->reply.committed)
        return true;
    return x->attempt.stream.is_events && x->attempt.stream.is_judged &&
           x->attempt.stream.form != FORM_BYTES && x->attempt.stream.answer.at_boundary &&
           dialect_stream_error(x->attempt.stream.answer.dialect) != STREAM_ERROR_NONE;
}

/*
 * The 200 is out: said inside the stream where that is possible, then broken visibly in any case,
 * so that nobody takes half an answer for a whole one.
 */
static void fail_committed(struct exchange *x, enum cause cause)
{
    struct refusal r;
    struct buf frame = BUF_INIT;
    bool can = frame_fits(x) && client_can_add(x->client);
    enum answer_form form = x->reply.committed ? x->attempt.stream.form : FORM_SSE;

    exchange_describe(x, &r, cause);
    if (can && refusal_event(&r, &x->request.wish, form, x->attempt.stream.answer.sequence, &frame,
                             OWN_MAX) == WEIR_OK) {
        x->record.bytes_out += frame.len;
        client_data(x->client, buf_slice(&frame));
        client_end(&x->client, CLIENT_END_TOLD, NULL);
    } else {
        client_end(&x->client, CLIENT_END_CUT, NULL);
    }
    buf_free(&frame);
}

/* Refuses before anything was done upstream, or answers a bad request. */
void exchange_refuse(struct exchange *x, int status, enum cause cause, const char *what)
{
    struct refusal r;

    x->record.cause = cause;
    exchange_set_decision(x, cause_side(cause) == OF_WEIR ? DECISION_REFUSED : DECISION_LOCAL);
    if (x->client != NULL && x->reply.began_early) {
        fail_committed(x, cause);
    } else if (x->client != NULL) {
        exchange_describe(x, &r, cause);
        r.status = status;
        r.what = what;
        send_refusal(x, &r);
    }
    exchange_finish(x);
}

/* --- early answers */

void preflight_keep(struct exchange *x, const struct request_head *h)
{
    const struct settings *st = x->snapshot->settings;
    struct request_head plain = *h;

    plain.keep_alive = true; /* the client's side says what becomes of the connection */
    plain.minor = 1;
    if (preflight_write(&plain, (const char *const *)st->cors_origins, st->n_cors_origins,
                        x->record.id, x->record.begun_wall_ns, &x->attempt.stream.pending,
                        OWN_MAX) != WEIR_OK)
        x->request.early.answer = EARLY_NONE;
}

/* The line at the front of *rest, without its end; *rest is what follows. */
static struct slice next_line(struct slice *rest)
{
    const char *eol = memchr(rest->p, '\r', rest->len);
    struct slice line = slice_of(rest->p, (size_t)(eol - rest->p));

    *rest = slice_from(*rest, line.len + 2);
    return line;
}

/* The fields of a whole answer of ours. */
static void fields_of(struct slice answer, struct field_list *l)
{
    struct slice line;

    (void)next_line(&answer);
    while ((line = next_line(&answer)).len > 0) {
        const char *colon = memchr(line.p, ':', line.len);
        size_t n = (size_t)(colon - line.p);

        field_add(l, slice_of(line.p, n), slice_from(line, n + 2));
    }
}

static void answer_preflight(struct exchange *x)
{
    struct field_list fields;

    worker_field_list(x->w, &fields);
    fields_of(buf_slice(&x->attempt.stream.pending), &fields);
    send_own(x, 204, &fields, SLICE_NONE);
    exchange_finish(x);
}

static void answer_status_page(struct exchange *x)
{
    struct slice body =
        worker_status_body(x->w, x->request.early.wants_json, x->request.wish.language);
    struct field_list fields;

    if (x->request.early.wants_json)
        x->request.wish.format = FORMAT_JSON;
    worker_field_list(x->w, &fields);
    status_fields(&x->request.wish, x->snapshot->pages, x->record.id, x->record.begun_wall_ns,
                  list_field, &fields);
    send_own(x, 200, &fields, body);
    exchange_finish(x);
}

void exchange_answer_early(struct exchange *x)
{
    if (x->request.early.answer == EARLY_STATUS_PAGE)
        answer_status_page(x);
    else if (x->request.early.answer == EARLY_PREFLIGHT)
        answer_preflight(x);
    else if (x->request.early.answer == EARLY_SHED)
        exchange_refuse(x, 0, x->ticket.r.cause, NULL);
    else
        exchange_refuse(x, x->request.early.status, x->request.early.cause, x->request.early.what);
}

/* --- failures after admission */

void exchange_fail(struct exchange *x, enum outcome o, int status, enum cause cause)
{
    struct refusal r;

    if (x->attempt.stream.whole_ns != 0) {
        exchange_end_whole(x);
        return;
    }
    x->record.cause = cause;
    exchange_report(x, o, false);
    upstream_cancel(&x->attempt.uplink);
    if (x->client != NULL && (x->reply.committed || x->reply.began_early)) {
        fail_committed(x, cause);
    } else if (x->client != NULL) {
        exchange_describe(x, &r, cause);
        r.status = status;
        r.retry_after_ms = 0;
        send_refusal(x, &r);
    }
    exchange_finish(x);
}

static void abandon(struct exchange *x)
{
    if (x->state == EXCHANGE_TUNNEL || x->state == EXCHANGE_BODY || x->state == EXCHANGE_QUEUED) {
        exchange_body_bad(x, 503, CAUSE_DRAINING, NULL);
    } else {
        exchange_fail(x, OUTCOME_NEUTRAL, 503, CAUSE_DRAINING);
    }
}

void exchanges_abandon(struct worker *w)
{
    LIST_EACH_SAFE(n, t, &w->exchanges->live)
    abandon(LIST_OBJECT(n, struct exchange, node));
}

void exchange_body_bad(struct exchange *x, int status, enum cause cause, const char *what)
{
    struct refusal r;

    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->state == EXCHANGE_ENDED)
        return;
    x->record.cause = cause;
    if (x->state == EXCHANGE_QUEUED && !gate_leave(x->pool->gate, &x->ticket, exchange_now(x)))
        x->awaits_wake = true;
    exchange_report(x, OUTCOME_NEUTRAL, false);
    upstream_cancel(&x->attempt.uplink);
    if (x->reply.committed || x->reply.began_early) {
        client_end(&x->client, CLIENT_END_CUT, NULL);
    } else {
        exchange_describe(x, &r, cause);
        r.status = status;
        r.what = what;
        r.close = true;
        send_refusal(x, &r);
    }
    exchange_finish(x);
}

/* --- beginning and leaving */

/* It has all of its answer: what is left of the framing is read for the connection's sake. */
static bool leaves_whole(struct exchange *x)
{
    if (x->state != EXCHANGE_RELAY || !exchange_has_its_end(x))
        return false;
    exchange_note_whole(x);
    exchange_resume(x);
    return true;
}

void exchange_go(struct exchange *x)
{
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    if (x->request.early.answer != EARLY_NONE || x->request.early.cause != CAUSE_NONE)
        exchange_answer_early(x);
    else if (x->w->quitting)
        exchange_refuse(x, 0, CAUSE_DRAINING, NULL);
    else if (x->body.complete)
        exchange_ask(x);
    else if (x->request.expect)
        client_interim(x->client, 100); /* a place is taken when the body is here */
}

void exchange_client_gone(struct exchange *x)
{
    WEIR_CHECK(x, EXCHANGE_MAGIC);
    x->client = NULL;
    if (x->state == EXCHANGE_ENDED)
        return;
    if (leaves_whole(x))
        return;
    if (x->record.cause == CAUSE_NONE)
        x->record.cause = CAUSE_CLIENT_GONE;
    if (x->state == EXCHANGE_QUEUED && !gate_leave(x->pool->gate, &x->ticket, exchange_now(x)))
        x->awaits_wake = true;
    if (x->state == EXCHANGE_BODY || x->state == EXCHANGE_QUEUED)
        exchange_set_decision(x, DECISION_GONE);
    exchange_report(x, x->state == EXCHANGE_TUNNEL ? OUTCOME_OK : OUTCOME_NEUTRAL, false);
    upstream_cancel(&x->attempt.uplink);
    exchange_finish(x);
}
