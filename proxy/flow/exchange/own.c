/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of weir's own: refusals, gateway errors, early answers, errors inside a stream.  On the
 * worker's thread.
 */
#include "exchange_priv.h"

enum { OWN_MAX = 64 * 1024 };

/* --- describing */

void exchange_describe(const struct exchange *x, struct refusal *r, enum cause cause)
{
    const struct snapshot_pool *p = x->pool;
    const struct decision_numbers *n = &x->ticket.r.numbers;

    *r = (struct refusal){
        .cause = cause,
        .overload_status = p == NULL ? 503 : p->conf->overload_status,
        .proxy_error = x->attempt.proxy_error,
        .what = x->attempt.what,
        .retry_after_ms = n->retry_after_ms,
        .no_retry = x->ticket.r.no_retry,
        .share = cause == CAUSE_RECOVERING ? n->share : -1,
        .incident = p == NULL ? NULL : x->w->incidents[p->slot],
        .request_id = x->record.id,
        .pool = p == NULL ? NULL : p->conf->name,
        .wall_ns = wall_now_ns(),
        .pages = x->snapshot->pages,
        .status_path = x->snapshot->settings->pages.status_path[0] == '\0'
                           ? NULL
                           : x->snapshot->settings->pages.status_path,
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
    bool bare = status == 204 || x->request.wish.format == FORMAT_GRPC;
    struct answer_head h = {.status = status,
                            .fields = fields,
                            .body = bare ? BODY_NONE : BODY_COUNTED,
                            .length = body.len};

    x->reply.status = status;
    x->reply.committed = true;
    x->record.bytes_out += x->request.to_head ? 0 : body.len;
    client_head(x->client, &h);
    client_data(x->client, body);
    client_end(&x->client, CLIENT_END_WHOLE, NULL);
}

void exchange_send_refusal(struct exchange *x, struct refusal *r)
{
    struct buf body = BUF_INIT;
    struct field_list fields;
    char limit[128];
    int status;

    if (r->cause == CAUSE_RATE_LIMITED && r->what == NULL)
        r->what = exchange_say_limit(x, limit, sizeof limit);
    status = refusal_status(r, &x->request.wish);
    add_hint(x, r, status);
    if (x->request.wish.format == FORMAT_GRPC)
        status = 200; /* what went wrong is its grpc-status */
    worker_field_list(x->w, &fields);
    refusal_fields(r, &x->request.wish, list_field, &fields);
    exchange_add_limits(x, &fields);
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

/* A call of gRPC that lies between two messages can be ended by a status. */
static bool tell_in_trailers(struct exchange *x, const struct refusal *r)
{
    struct field_list l;

    if (!x->attempt.head.is_grpc || !grpc_messages_at_boundary(&x->attempt.messages))
        return false;
    worker_field_list(x->w, &l);
    refusal_trailers(r, list_field, &l);
    if (l.full)
        return false;
    client_end(&x->client, CLIENT_END_WHOLE, &l);
    return true;
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
void exchange_tell_failure(struct exchange *x, enum cause cause)
{
    struct refusal r;
    struct buf frame = BUF_INIT;
    bool can = frame_fits(x) && client_can_add(x->client);
    enum answer_form form = x->reply.committed ? x->attempt.stream.form : FORM_SSE;

    exchange_describe(x, &r, cause);
    if (tell_in_trailers(x, &r))
        return;
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

/* --- early answers */

void exchange_keep_preflight(struct exchange *x, const struct request_head *h)
{
    const struct settings *st = x->snapshot->settings;
    struct request_head plain = *h;

    plain.keep_alive = true; /* the client's side says what becomes of the connection */
    plain.minor = 1;
    if (preflight_write(&plain, (const char *const *)st->cors.origins, st->cors.n_origins,
                        x->record.id, x->record.begun_wall_ns, &x->request.head,
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

void exchange_answer_preflight(struct exchange *x)
{
    struct field_list fields;

    worker_field_list(x->w, &fields);
    fields_of(buf_slice(&x->request.head), &fields);
    send_own(x, 204, &fields, SLICE_NONE);
    exchange_finish(x);
}

void exchange_answer_status_page(struct exchange *x)
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
