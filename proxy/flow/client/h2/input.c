/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends: received, handed to nghttp2, and what nghttp2 makes of it.  Owner and
 * thread: its worker.
 *
 * A connection is read always, so that windows, resets and acknowledgements arrive; how much of
 * bodies may come is bounded by the windows of the streams.
 */
#include "client/h2/h2_priv.h"

enum {
    LINGER_MAX = 1024 * 1024,
    FRESH_MAX = 256 * 1024, /* of heads whose requests wait for the end of the round */
    USEFUL_BY_DATA = 2,     /* WINDOW_UPDATEs for one DATA frame: of stream and connection */
    USEFUL_BY_REQUEST = 2,
    USEFUL_MAX = 1000000
};

static struct h2_conn *conn_of(void *owner)
{
    struct h2_conn *c = owner;

    WEIR_CHECK(c, H2_MAGIC);
    return c;
}

static struct h2_stream *stream_of(const struct h2_conn *c, int32_t id)
{
    return nghttp2_session_get_stream_user_data(c->ng, id);
}

static void add_useful(struct h2_conn *c, uint32_t n)
{
    if (c->useful < USEFUL_MAX)
        c->useful += n;
}

/* --- ids (RFC 9113, 5.1, 5.1.1); DATA on a stream that is over is thrown away by nghttp2 */

static void check_closed(struct h2_conn *c, int32_t id)
{
    enum h2_past past;

    if (stream_of(c, id) != NULL)
        return;
    past = h2_past_of(c, id);
    if (past != H2_OVER_BY_WEIR) /* then it was sent before the reset came */
        (void)nghttp2_session_terminate_session(c->ng, past == H2_UNKNOWN ? NGHTTP2_PROTOCOL_ERROR
                                                                          : NGHTTP2_STREAM_CLOSED);
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *owner)
{
    struct h2_conn *c = conn_of(owner);

    (void)ng;
    if (hd->type == NGHTTP2_PRIORITY)
        h2_spend(c, H2_ABUSE_PRIORITY); /* nghttp2 makes nothing of it, and says nothing more */
    if (hd->type != NGHTTP2_HEADERS || hd->stream_id == 0)
        return 0;
    if (hd->stream_id <= c->last_id)
        check_closed(c, hd->stream_id);
    else
        c->last_id = hd->stream_id;
    return 0;
}

/* --- heads */

static void begin_block(struct h2_conn *c)
{
    c->block_until_ns = h2_now(c) + client_timeouts(c->w)->head_ns;
    h2_set_timer(c);
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *owner)
{
    struct h2_conn *c = conn_of(owner);
    struct h2_stream *s;

    begin_block(c);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        h2_begin_fresh(c); /* its head must be out of the way of its trailers */
        return 0;
    }
    add_useful(c, USEFUL_BY_REQUEST);
    s = h2_stream_create(c, frame->hd.stream_id);
    if (s == NULL)
        h2_reset(c, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    else
        (void)nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, s);
    return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *owner)
{
    struct h2_conn *c = conn_of(owner);
    struct h2_stream *s = stream_of(c, frame->hd.stream_id);
    const struct head_limits *limits = &c->w->snapshot->request_limits;
    size_t before;

    (void)ng, (void)flags;
    if (s == NULL)
        return 0;
    before = field_block_held(&s->head);
    field_block_add(&s->head, limits, slice_of(name, name_len), slice_of(value, value_len));
    c->fresh_bytes += field_block_held(&s->head) - before;
    if (!field_block_floods(&s->head, limits))
        return 0;
    h2_cut_off(c, H2_ABUSE_HEAD);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the rest of the block is only skipped */
}

static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *owner)
{
    struct h2_conn *c = conn_of(owner);
    struct h2_stream *s = stream_of(c, frame->hd.stream_id);

    (void)ng, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags;
    if (s != NULL)
        field_block_spoil(&s->head, "a field name or value that HTTP/2 does not allow");
    return 0;
}

static void end_request_head(struct h2_conn *c, struct h2_stream *s, bool ended)
{
    s->no_body = s->body_ended = ended;
    list_push_back(&c->fresh, &s->fresh_node);
    if (c->fresh_bytes > FRESH_MAX)
        h2_begin_fresh(c);
    else
        h2_step_later(c);
}

static bool keep_trailers(struct h2_conn *c, struct h2_stream *s)
{
    struct field_list l;
    struct head_error err;

    worker_field_list(c->w, &l);
    return field_block_trailers(&s->head, &c->w->snapshot->request_limits, c->w->scratch.fields, &l,
                                &err) == PARSE_DONE &&
           field_list_keep(&l, &s->sent_trailers, LINES_BYTES) == WEIR_OK;
}

/* Trailers of a request go on with its body.  Broken ones break it: it never looks whole. */
static void end_trailers(struct h2_conn *c, struct h2_stream *s)
{
    bool kept = keep_trailers(c, s);

    c->fresh_bytes -= field_block_held(&s->head);
    field_block_free(&s->head);
    if (kept)
        h2_stream_body_end(s);
    else
        h2_reset(c, s->id, NGHTTP2_PROTOCOL_ERROR);
}

static void on_headers(struct h2_conn *c, const nghttp2_frame *frame)
{
    struct h2_stream *s = stream_of(c, frame->hd.stream_id);

    c->block_until_ns = 0;
    if (s == NULL)
        return;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        end_request_head(c, s, (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
    else
        end_trailers(c, s);
}

/* --- bodies */

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *owner)
{
    struct h2_conn *c = conn_of(owner);
    struct h2_stream *s = stream_of(c, id);

    if (nghttp2_session_consume_connection(ng, len) != 0)
        c->broken = true;
    if (s != NULL)
        h2_stream_data(s, slice_of(data, len), (flags & NGHTTP2_FLAG_END_STREAM) != 0);
    return 0;
}

static void on_data(struct h2_conn *c, const nghttp2_frame *frame)
{
    struct h2_stream *s = stream_of(c, frame->hd.stream_id);

    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        if (frame->hd.length <= frame->data.padlen)
            h2_spend(c, H2_ABUSE_EMPTY);
    } else if (s != NULL) {
        h2_stream_body_end(s);
    }
}

/* --- the connection */

static void on_settings(struct h2_conn *c, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        return;
    if (c->state == H2_OPENING)
        h2_enter(c, H2_IDLE);
    else
        h2_spend(c, H2_ABUSE_SETTINGS);
}

static void on_ping(struct h2_conn *c, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        h2_spend(c, H2_ABUSE_PING);
    else if (c->leaving == H2_LEAVE_TOLD)
        h2_leave_finally(c);
}

static void on_window(struct h2_conn *c)
{
    if (c->useful > 0)
        c->useful--;
    else
        h2_spend(c, H2_ABUSE_WINDOW);
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *owner)
{
    struct h2_conn *c = conn_of(owner);

    (void)ng;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers(c, frame);
        break;
    case NGHTTP2_DATA:
        on_data(c, frame);
        break;
    case NGHTTP2_RST_STREAM:
        h2_spend(c, H2_ABUSE_RESET);
        break;
    case NGHTTP2_SETTINGS:
        on_settings(c, frame);
        break;
    case NGHTTP2_PING:
        on_ping(c, frame);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        on_window(c);
        break;
    default:
        break;
    }
    return 0;
}

/* --- what has been sent */

/* An answer that is out before its request has come in: the rest of that is not wanted. */
static void answer_is_out(struct h2_conn *c, int32_t id)
{
    struct h2_stream *s = stream_of(c, id);

    if (s != NULL && !s->body_ended)
        h2_reset(c, id, NGHTTP2_NO_ERROR);
}

/* Resets that the client brought about; what the backend broke is not the client's doing. */
static bool is_clients_doing(uint32_t code)
{
    return code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR &&
           code != NGHTTP2_REFUSED_STREAM;
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *owner)
{
    struct h2_conn *c = conn_of(owner);
    uint8_t type = frame->hd.type;

    (void)ng;
    if (type == NGHTTP2_DATA)
        add_useful(c, USEFUL_BY_DATA);
    if ((type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        answer_is_out(c, frame->hd.stream_id);
    if (type == NGHTTP2_RST_STREAM) {
        h2_note_over(c, frame->hd.stream_id, true);
        if (is_clients_doing(frame->rst_stream.error_code))
            h2_spend(c, H2_ABUSE_RESET);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *owner)
{
    struct h2_conn *c = conn_of(owner);
    struct h2_stream *s = stream_of(c, id);
    struct exchange *x;

    (void)ng, (void)code;
    h2_note_over(c, id, false);
    if (s == NULL)
        return 0;
    (void)nghttp2_session_set_stream_user_data(c->ng, id, NULL);
    x = s->x;
    s->x = NULL;
    h2_stream_free(s);
    if (x != NULL)
        exchange_client_gone(x);
    return 0;
}

void h2_set_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
}

/* --- bytes */

void h2_feed(struct h2_conn *c, struct slice bytes)
{
    ssize_t n = nghttp2_session_mem_recv(c->ng, (const uint8_t *)bytes.p, bytes.len);

    if (n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
        h2_cut_off(c, H2_ABUSE_HEAD);
    else if (n == NGHTTP2_ERR_FLOODED)
        h2_cut_off(c, H2_ABUSE_PING); /* of what is to be acknowledged */
    else if (n < 0 || c->memory.lacked)
        c->broken = true;
    if (c->broken)
        h2_step_later(c);
    h2_mark_dirty(c);
}

static void discard(struct h2_conn *c, size_t n)
{
    c->lingered += n;
    if (c->lingered > LINGER_MAX)
        h2_conn_close(c);
}

void h2_receive(struct h2_conn *c)
{
    do {
        size_t got = 0;
        enum weir_status rc = conn_read(c->conn, c->w->scratch.in, SCRATCH_BYTES, &got);

        if (rc == WEIR_AGAIN)
            return;
        if (rc != WEIR_OK) {
            h2_conn_close(c);
            return;
        }
        if (c->state == H2_LINGER)
            discard(c, got);
        else
            h2_feed(c, slice_of(c->w->scratch.in, got));
    } while (c->state != H2_DEAD && !c->broken && conn_has_pending(c->conn));
}
