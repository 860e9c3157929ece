/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of HTTP/2: heads as fields, bodies kept in their stream until nghttp2 asks for them,
 * which it does as the client's windows and the kernel allow.  On the worker's thread.
 */
#include "client/h2/h2_priv.h"

static struct h2_stream *of(const struct client *c)
{
    struct h2_stream *s = LIST_OBJECT(c, struct h2_stream, client);

    WEIR_CHECK(s, H2_STREAM_MAGIC);
    return s;
}

/* --- the body, asked for by nghttp2 */

/* The client takes its answer: its clock starts anew, and the upstream may send more. */
static void note_progress(struct h2_stream *s)
{
    const struct worker *w = s->c->w;

    s->write_until_ns = buf_empty(&s->out) ? 0 : h2_now(s->c) + client_timeouts(w)->write_ns;
    h2_stream_set_timer(s);
    if (s->over && s->out.len < h2_limits(s->c)->buffer / 2) {
        s->over = false;
        s->resume_due = true;
        h2_step_later(s->c);
    }
}

static void submit_trailers(struct h2_stream *s, uint32_t *flags)
{
    struct field_list l;

    if (buf_empty(&s->trailers))
        return;
    worker_field_list(s->c->w, &l);
    field_list_restore(&l, buf_slice(&s->trailers), 0);
    if (!frames_trailers(s->c->ng, s->id, h2_of(s->c->w)->fields, &l, flags))
        s->c->broken = true;
}

/* nghttp2_data_source_read_callback */
static ssize_t read_data(nghttp2_session *ng, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *owner)
{
    struct h2_stream *s = source->ptr;
    size_t n;

    (void)ng, (void)id, (void)owner;
    WEIR_CHECK(s, H2_STREAM_MAGIC);
    n = frames_take(&s->out, to, room);
    s->c->held -= n;
    note_progress(s);
    if (buf_empty(&s->out) && s->ending == H2_WHOLE) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        submit_trailers(s, flags);
        return (ssize_t)n;
    }
    if (n > 0)
        return (ssize_t)n;
    if (s->ending == H2_CUT)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM, INTERNAL_ERROR */
    s->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
}

static void ask_again(struct h2_stream *s)
{
    if (s->deferred && nghttp2_session_resume_data(s->c->ng, s->id) != 0)
        s->c->broken = true;
    s->deferred = false;
    h2_mark_dirty(s->c);
}

/* --- operations of a client */

static void op_interim(struct client *c, int status)
{
    struct h2_stream *s = of(c);
    nghttp2_nv nv = frames_field(SLICE_LIT(":status"), SLICE_LIT("100"));

    if (!s->continue_due || status != 100)
        return;
    s->continue_due = false;
    (void)nghttp2_submit_headers(s->c->ng, NGHTTP2_FLAG_NONE, s->id, NULL, &nv, 1, NULL);
    h2_mark_dirty(s->c);
}

static bool has_no_data(const struct h2_stream *s, const struct answer_head *h)
{
    return s->is_head || h->status == 204 || h->status == 304 || h->body == BODY_NONE ||
           (h->body == BODY_COUNTED && h->length == 0);
}

static bool says_length(const struct answer_head *h)
{
    return h->body == BODY_COUNTED && h->status != 204;
}

static void op_head(struct client *c, const struct answer_head *h)
{
    struct h2_stream *s = of(c);
    nghttp2_nv *nv = h2_of(s->c->w)->fields;
    nghttp2_data_provider data = {.source.ptr = s, .read_callback = read_data};
    char mem[48];
    struct text t;
    size_t n = 0, status_len;

    text_init(&t, mem, sizeof mem);
    text_u64(&t, (uint64_t)h->status);
    status_len = t.len;
    text_u64(&t, h->body == BODY_COUNTED ? h->length : 0);
    nv[n++] = frames_field(SLICE_LIT(":status"), slice_of(mem, status_len));
    n += frames_fields(nv + n, h->fields);
    if (says_length(h))
        nv[n++] = frames_field(SLICE_LIT("content-length"), slice_from(text_slice(&t), status_len));
    s->head_sent = true;
    s->no_data = has_no_data(s, h);
    s->open_length = h->body == BODY_CHUNKED && !s->no_data;
    if (nghttp2_submit_response(s->c->ng, s->id, nv, n, s->no_data ? NULL : &data) != 0)
        s->c->broken = true;
    h2_mark_dirty(s->c);
}

/* The exchange stops at limits.buffer; one callback's worth may come on top. */
static size_t backlog_max(const struct h2_stream *s)
{
    return (size_t)h2_limits(s->c)->buffer + 4 * SCRATCH_BYTES + LINES_BYTES;
}

static void op_data(struct client *c, struct slice bytes)
{
    struct h2_stream *s = of(c);

    if (bytes.len == 0 || s->no_data)
        return;
    if (buf_append(&s->out, bytes, backlog_max(s)) != WEIR_OK) {
        s->no_data = true; /* a hole must not be sent */
        h2_reset(s->c, s->id, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    s->c->held += bytes.len;
    if (s->write_until_ns == 0) {
        s->write_until_ns = h2_now(s->c) + client_timeouts(s->c->w)->write_ns;
        h2_stream_set_timer(s);
    }
    ask_again(s);
}

/* False: no memory; without them the answer is not whole. */
static bool keep_trailers(struct h2_stream *s, const struct field_list *trailers)
{
    return trailers == NULL || s->no_data ||
           field_list_keep(trailers, &s->trailers, LINES_BYTES) == WEIR_OK;
}

/* What the client's window lets through goes out before the cut; what it holds back does not. */
static void cut(struct h2_stream *s)
{
    nghttp2_session *ng = s->c->ng;
    bool closed = nghttp2_session_get_stream_remote_window_size(ng, s->id) <= 0 ||
                  nghttp2_session_get_remote_window_size(ng) <= 0;

    s->ending = H2_CUT;
    if (s->head_sent && s->no_data)
        return; /* its head was all of it */
    if (!s->head_sent || (closed && !buf_empty(&s->out)))
        h2_reset(s->c, s->id, NGHTTP2_INTERNAL_ERROR);
    else
        ask_again(s);
}

static void op_end(struct client *c, enum client_end how, const struct field_list *trailers)
{
    struct h2_stream *s = of(c);

    s->x = NULL;
    s->body_done = true; /* what still comes of the request is not wanted */
    s->body_until_ns = 0;
    buf_free(&s->in);
    h2_stream_set_timer(s);
    if (how != CLIENT_END_WHOLE || !keep_trailers(s, trailers)) {
        cut(s);
        return;
    }
    s->ending = H2_WHOLE;
    if (!s->no_data)
        ask_again(s);
}

/*
 * What was gathered in this round has not been offered to the client yet, but nobody else would say
 * when there is room: all of it counts, and read_data says so once half of it has gone.
 */
static size_t op_backlog(const struct client *c)
{
    struct h2_stream *s = of(c);
    size_t most = h2_limits(s->c)->buffer, n = s->out.len;

    if (n > 0 && n <= most && s->c->held > H2_HELD_MAX)
        n = most + 1; /* the connection holds more than it may, in all its streams */
    if (n > most)
        s->over = true;
    return n;
}

static void op_want_body(struct client *c, bool want)
{
    struct h2_stream *s = of(c);

    if (s->body_paused == !want)
        return;
    s->body_paused = !want;
    s->body_until_ns = 0;
    h2_stream_set_timer(s);
    if (want)
        h2_step_later(s->c);
}

/* A connection carries many requests: none of them ends it. */
static void op_close_after(struct client *c)
{
    (void)c;
}

static void op_tunnel(struct client *c)
{
    (void)c;
    WEIR_UNREACHABLE("HTTP/2 has no upgrades");
}

static bool op_can_add(const struct client *c)
{
    return of(c)->open_length;
}

static void op_local(const struct client *c, struct net_addr *out)
{
    conn_local(of(c)->c->conn, out);
}

const struct client_ops h2_client = {
    .interim = op_interim,
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .backlog = op_backlog,
    .want_body = op_want_body,
    .close_after = op_close_after,
    .tunnel = op_tunnel,
    .can_add = op_can_add,
    .local = op_local,
};
