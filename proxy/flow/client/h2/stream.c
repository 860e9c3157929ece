/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream: made when its head begins, its request begun when the round of the loop is over, so
 * that a head and its reset in one read cost nothing; its body handed on, bounded by the stream's
 * window, and timed.  Owner and thread: its connection's worker.
 *
 * A stream ends when nghttp2 closes it (input.c), or with its connection.
 */
#include "client/h2/h2_priv.h"

void h2_stream_set_timer(struct h2_stream *s)
{
    uint64_t due = deadline_sooner(s->write_until_ns, s->body_until_ns);

    if (due == 0)
        s->timer.due_ns = 0;
    else
        loop_timer_at(&s->timer, due);
}

static void set_body_deadline(struct h2_stream *s)
{
    s->body_until_ns = s->body_done || s->body_ended || s->body_paused || s->is_call
                           ? 0
                           : h2_now(s->c) + client_timeouts(s->c->w)->body_idle_ns;
    h2_stream_set_timer(s);
}

/* Nothing of it is to come, or is wanted. */
static void body_bad(struct h2_stream *s, int status, enum cause cause, const char *what)
{
    s->body_done = true;
    s->body_until_ns = 0;
    buf_free(&s->in);
    if (s->x != NULL)
        exchange_body_bad(s->x, status, cause, what);
}

/* The client does not read; where the kernel is what does not, the connection's clock counts. */
static void write_is_late(struct h2_stream *s)
{
    if (!buf_empty(&s->c->out)) {
        s->write_until_ns = h2_now(s->c) + client_timeouts(s->c->w)->write_ns;
        return;
    }
    s->write_until_ns = 0;
    h2_reset(s->c, s->id, NGHTTP2_CANCEL);
}

static void on_timer(void *arg)
{
    struct h2_stream *s = arg;
    uint64_t now;

    WEIR_CHECK(s, H2_STREAM_MAGIC);
    now = h2_now(s->c);
    if (deadline_is_due(s->write_until_ns, now))
        write_is_late(s);
    else if (deadline_is_due(s->body_until_ns, now))
        body_bad(s, 408, CAUSE_REQUEST_TIMEOUT, "the body did not arrive in time");
    h2_stream_set_timer(s);
}

/* --- life */

struct h2_stream *h2_stream_create(struct h2_conn *c, int32_t id)
{
    struct h2_stream *s = slab_take(&h2_of(c->w)->streams);

    if (s == NULL)
        return NULL;
    s->magic = H2_STREAM_MAGIC;
    s->id = id;
    s->c = c;
    s->client.ops = &h2_client;
    s->body_paused = true; /* until its request begins */
    list_init(&s->fresh_node);
    list_init(&s->node);
    list_push_back(&c->streams, &s->node);
    loop_timer_init(&s->timer, c->w->loop, on_timer, s);
    if (++c->n_streams == 1)
        h2_enter(c, H2_BUSY);
    else if (c->addresses != NULL)
        s->counted = address_enter(c->addresses, conn_peer(c->conn));
    s->too_many = c->n_streams > 1 && c->addresses != NULL && !s->counted;
    counter_add(&c->w->counters.h2_streams, 1);
    return s;
}

void h2_stream_free(struct h2_stream *s)
{
    struct h2_conn *c = s->c;

    loop_timer_stop(&s->timer);
    list_remove(&s->node);
    list_remove(&s->fresh_node);
    c->fresh_bytes -= field_block_held(&s->head);
    c->held -= s->out.len;
    field_block_free(&s->head);
    buf_free(&s->in);
    buf_free(&s->out);
    buf_free(&s->trailers);
    buf_free(&s->sent_trailers);
    if (s->counted)
        address_leave(c->addresses, conn_peer(c->conn));
    counter_sub(&c->w->counters.h2_streams, 1);
    s->magic = 0;
    slab_give(&h2_of(c->w)->streams, s);
    if (--c->n_streams == 0 && c->state == H2_BUSY)
        h2_enter(c, H2_IDLE);
    h2_mark_dirty(c); /* it may have been the last before the end */
}

/* --- requests */

static struct client_facts facts_of(const struct h2_conn *c)
{
    const struct net_addr *peer = conn_peer(c->conn);

    return (struct client_facts){peer, conn_is_tls(c->conn), snapshot_trusts(c->w->snapshot, peer)};
}

static void begin_body(struct h2_stream *s, const struct request_head *h)
{
    s->body = h->body;
    s->is_call = h->grpc;
    s->body_left = h->length;
    s->body_done = s->no_body;
    s->body_begun_ns = h2_now(s->c);
    s->continue_due = h->expect_continue && !s->no_body;
}

static struct exchange *refuse(struct h2_stream *s, const struct head_error *err,
                               const struct request_head *h)
{
    struct client_facts cf = facts_of(s->c);

    cf.trusted = false;
    s->body_done = true; /* what comes of it is not wanted */
    return exchange_bad_request(s->c->w, &s->client, err, h, &cf);
}

static struct exchange *exchange_for(struct h2_stream *s)
{
    static const struct head_error too_many = {
        429, CAUSE_RATE_LIMITED, "this address has as many requests under way as it may"};
    struct worker *w = s->c->w;
    struct client_facts cf = facts_of(s->c);
    struct request_head h;
    struct head_error err;
    enum parse rc = field_block_request(&s->head, &w->snapshot->request_limits, s->no_body,
                                        w->scratch.fields, &h, &err);

    s->is_head = h.is_head;
    if (rc != PARSE_DONE) {
        h2_spend(s->c, H2_ABUSE_FAULT);
        return refuse(s, &err, &h);
    }
    if (s->too_many)
        return refuse(s, &too_many, &h);
    begin_body(s, &h);
    return exchange_request(w, &s->client, &h, &cf);
}

static void stream_begin(struct h2_stream *s)
{
    struct h2_conn *c = s->c;

    list_remove(&s->fresh_node);
    s->begun = true;
    c->served++;
    s->x = exchange_for(s);
    c->fresh_bytes -= field_block_held(&s->head);
    field_block_free(&s->head);
    if (s->x == NULL) {
        h2_reset(c, s->id, NGHTTP2_REFUSED_STREAM); /* no memory; nothing was done */
        return;
    }
    s->body_paused = false;
    if (!s->body_done)
        set_body_deadline(s);
    exchange_go(s->x);
    h2_stream_step(s);
}

void h2_begin_fresh(struct h2_conn *c)
{
    while (!list_empty(&c->fresh) && c->cut_off == H2_ABUSE_NONE && !c->broken)
        stream_begin(LIST_OBJECT(c->fresh.next, struct h2_stream, fresh_node));
    if (c->served >= h2_limits(c)->keepalive_requests)
        h2_leave(c);
}

/* --- bodies */

static void hand_on(struct h2_stream *s, struct slice bytes)
{
    if (bytes.len > 0 && s->x != NULL)
        exchange_body(s->x, bytes);
}

/*
 * Of a counted body the last octet is kept until the stream's end confirms the count (RFC 9113,
 * 8.1.1): what is too long or too short must never look whole to the upstream.
 */
static void deliver(struct h2_stream *s, struct slice bytes, bool is_last)
{
    size_t all = bytes.len;

    if (s->body == BODY_COUNTED && bytes.len >= s->body_left) {
        bytes.len = (size_t)s->body_left;
        s->body_left = 0;
        if (!is_last && bytes.len > 0) {
            s->last = bytes.p[--bytes.len];
            s->has_last = true;
        }
    } else if (s->body == BODY_COUNTED) {
        s->body_left -= bytes.len;
    }
    hand_on(s, bytes);
    if (nghttp2_session_consume_stream(s->c->ng, s->id, all) != 0)
        s->c->broken = true;
    h2_mark_dirty(s->c);
}

static bool is_too_large(const struct h2_stream *s)
{
    return s->body == BODY_CHUNKED && !s->is_call && s->body_got > h2_limits(s->c)->body;
}

/* Bytes of the body are lost for want of memory: what follows them must not look whole. */
static void lose(struct h2_stream *s)
{
    if (s->begun) {
        body_bad(s, 503, CAUSE_OVERLOADED, "no memory for the body");
        return;
    }
    s->body_done = true;
    buf_free(&s->in);
    h2_reset(s->c, s->id, NGHTTP2_REFUSED_STREAM); /* nothing was done */
}

void h2_stream_data(struct h2_stream *s, struct slice bytes, bool is_last)
{
    s->body_got += bytes.len;
    if (s->body_done)
        return; /* answered already; its reset is on the way */
    if (s->begun && is_too_large(s)) {
        body_bad(s, 413, CAUSE_REQUEST_TOO_LARGE, "the body is larger than limits.body");
        return;
    }
    if (s->begun)
        set_body_deadline(s);
    if (!s->body_paused && buf_empty(&s->in))
        deliver(s, bytes, is_last);
    else if (buf_append(&s->in, bytes, s->c->announced_window + SCRATCH_BYTES) != WEIR_OK)
        lose(s);
}

static void finish_body(struct h2_stream *s)
{
    if (s->body_done || !s->body_ended || !s->begun || !buf_empty(&s->in) || s->body_paused)
        return;
    s->body_until_ns = 0;
    if (s->has_last)
        hand_on(s, slice_of(&s->last, 1));
    s->has_last = false;
    s->body_done = true;
    if (s->x != NULL)
        exchange_body_end(s->x, buf_slice(&s->sent_trailers));
    buf_free(&s->sent_trailers);
}

void h2_stream_body_end(struct h2_stream *s)
{
    s->body_ended = true;
    finish_body(s);
}

static void deliver_kept(struct h2_stream *s)
{
    struct buf kept = s->in;

    if (s->body_paused || s->body_done || buf_empty(&kept))
        return;
    s->in = BUF_INIT;
    if (is_too_large(s))
        body_bad(s, 413, CAUSE_REQUEST_TOO_LARGE, "the body is larger than limits.body");
    else
        deliver(s, buf_slice(&kept), s->body_ended);
    buf_free(&kept);
}

void h2_stream_step(struct h2_stream *s)
{
    if (!s->begun)
        return;
    deliver_kept(s);
    finish_body(s);
    if (!s->body_paused && !s->body_done && s->body_until_ns == 0)
        set_body_deadline(s);
    if (s->resume_due && s->x != NULL)
        exchange_resume(s->x);
    s->resume_due = false;
}

static bool is_too_slow(const struct h2_stream *s)
{
    return body_is_too_slow(client_timeouts(s->c->w)->body_rate, s->body_got,
                            h2_now(s->c) - s->body_begun_ns);
}

void h2_stream_check_rate(struct h2_stream *s)
{
    if (s->x != NULL && !s->is_call && !s->body_done && !s->body_ended && !s->body_paused &&
        is_too_slow(s))
        body_bad(s, 408, CAUSE_REQUEST_TIMEOUT, "the body arrives too slowly");
}
