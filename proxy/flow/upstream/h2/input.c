/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream of HTTP/2 sends, and what nghttp2 makes of it.  On the worker's thread. */
#include "upstream/h2/h2_priv.h"

enum { INTERIMS_MAX = 16 };

static struct h2_link *link_of(void *owner)
{
    struct h2_link *k = owner;

    WEIR_CHECK(k, H2_LINK_MAGIC);
    return k;
}

static struct h2_uplink *uplink_of(const struct h2_link *k, int32_t id)
{
    return nghttp2_session_get_stream_user_data(k->ng, id);
}

static void give_up(struct h2_link *k, struct h2_uplink *u, enum upstream_end how, const char *why)
{
    uint32_t code = how == END_BAD ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_INTERNAL_ERROR;

    (void)nghttp2_submit_rst_stream(k->ng, NGHTTP2_FLAG_NONE, u->id, code);
    h2_step_later(k);
    h2_uplink_tell_end(u, how, why);
}

/* Of a head or trailers that cannot be read: 503 is the reader's own lack of memory. */
static enum upstream_end end_of_head(const struct head_error *err)
{
    return err->status == 503 ? END_LACKING : END_BAD;
}

/* --- heads */

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *owner)
{
    struct h2_link *k = link_of(owner);
    struct h2_uplink *u = uplink_of(k, frame->hd.stream_id);
    const struct head_limits *limits;

    (void)ng, (void)flags;
    if (u == NULL)
        return 0;
    limits = &u->snapshot->response_limits;
    field_block_add(&u->head, limits, slice_of(name, name_len), slice_of(value, value_len));
    if (!field_block_floods(&u->head, limits))
        return 0;
    k->flooded = true;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the rest of the block is only skipped */
}

static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *owner)
{
    struct h2_link *k = link_of(owner);
    struct h2_uplink *u = uplink_of(k, frame->hd.stream_id);

    (void)ng, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags;
    if (u != NULL)
        field_block_spoil(&u->head, "a field name or value that HTTP/2 does not allow");
    return 0;
}

/* Interim answers are swallowed. */
static void on_head(struct h2_link *k, struct h2_uplink *u, bool ended)
{
    struct response_head h;
    struct head_error err;
    struct field_block head = u->head;

    u->head = (struct field_block){0};
    u->uplink.any_byte = true;
    if (field_block_response(&head, &u->snapshot->response_limits, u->to_head, ended,
                             k->w->scratch.fields, &h, &err) != PARSE_DONE) {
        give_up(k, u, end_of_head(&err), err.what);
    } else if (h.status >= 200) {
        u->head_seen = true;
        u->uplink.events->head(u->uplink.owner, &h);
    } else if (h.status == 101 || ended || ++u->interims > INTERIMS_MAX) {
        give_up(k, u, END_BAD, "interim answers that do not end");
    }
    field_block_free(&head);
}

/* Broken ones break the answer: it never looks whole. */
static void on_trailers(struct h2_link *k, struct h2_uplink *u)
{
    struct field_list l;
    struct head_error err = {.status = 503, .what = "no memory for trailers"};
    bool kept;

    worker_field_list(k->w, &l);
    kept = field_block_trailers(&u->head, &u->snapshot->response_limits, k->w->scratch.fields, &l,
                                &err) == PARSE_DONE &&
           field_list_keep(&l, &u->trailers, LINES_BYTES) == WEIR_OK;
    field_block_free(&u->head);
    if (!kept)
        give_up(k, u, end_of_head(&err), err.what);
}

static void on_headers(struct h2_link *k, const nghttp2_frame *frame)
{
    struct h2_uplink *u = uplink_of(k, frame->hd.stream_id);
    bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    if (u != NULL && u->head_seen)
        on_trailers(k, u);
    else if (u != NULL)
        on_head(k, u, ended);
    u = uplink_of(k, frame->hd.stream_id); /* the exchange may have left */
    if (u != NULL && ended)
        h2_uplink_ended(u);
}

/* --- bodies */

static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *owner)
{
    struct h2_link *k = link_of(owner);
    struct h2_uplink *u = uplink_of(k, id);

    (void)flags;
    if (nghttp2_session_consume_connection(ng, len) != 0)
        k->broken = true;
    if (u != NULL)
        h2_uplink_data(u, slice_of(data, len));
    return 0;
}

/* --- the connection */

static void on_settings(struct h2_link *k)
{
    k->said = true;
    k->most = nghttp2_session_get_remote_settings(k->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *owner)
{
    struct h2_link *k = link_of(owner);
    struct h2_uplink *u;

    (void)ng;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        k->quiet_pings = 0;
        on_headers(k, frame);
        break;
    case NGHTTP2_DATA:
        k->quiet_pings = 0;
        u = uplink_of(k, frame->hd.stream_id);
        if (u != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            h2_uplink_ended(u);
        break;
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            on_settings(k);
        break;
    case NGHTTP2_GOAWAY:
        k->leaving = true;
        break;
    default:
        break;
    }
    return 0;
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *owner)
{
    struct h2_uplink *u = uplink_of(link_of(owner), frame->hd.stream_id);

    (void)ng;
    if (frame->hd.type == NGHTTP2_HEADERS && u != NULL)
        u->begun = true;
    return 0;
}

/* How a stream ends that was not ended by its answer. */
static enum upstream_end end_of(uint32_t code)
{
    if (code == NGHTTP2_REFUSED_STREAM)
        return END_REFUSED;
    return code == NGHTTP2_PROTOCOL_ERROR ? END_BAD : END_RESET;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *owner)
{
    struct h2_link *k = link_of(owner);
    struct h2_uplink *u = uplink_of(k, id);

    (void)ng;
    k->n_open--;
    h2_link_set_timer(k);
    h2_step_later(k);
    if (u == NULL)
        return 0;
    (void)nghttp2_session_set_stream_user_data(k->ng, id, NULL);
    u->closed = true;
    u->refused = code == NGHTTP2_REFUSED_STREAM && !u->head_seen;
    if (!u->ended)
        h2_uplink_tell_end(u, end_of(code), nghttp2_http2_strerror(code));
    return 0;
}

void h2_uplink_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
}

static bool feed(struct h2_link *k, struct slice bytes)
{
    ssize_t n = nghttp2_session_mem_recv(k->ng, (const uint8_t *)bytes.p, bytes.len);

    k->heard_ns = loop_now_ns(k->w->loop);
    k->pinged = false;
    if (k->flooded)
        h2_link_end(k, END_BAD, "a head that is too large");
    else if (k->broken || k->memory.lacked || n == NGHTTP2_ERR_NOMEM)
        h2_link_end(k, END_LACKING, "out of memory for a connection of HTTP/2");
    else if (n < 0)
        h2_link_end(k, END_BAD, nghttp2_strerror((int)n));
    if (k->dead)
        return false;
    h2_step_later(k);
    return true;
}

void h2_link_receive(struct h2_link *k)
{
    do {
        size_t got = 0;
        enum weir_status rc = conn_read(k->conn, k->w->scratch.in, SCRATCH_BYTES, &got);

        if (rc == WEIR_AGAIN)
            return;
        if (rc != WEIR_OK) {
            h2_link_end(k, upstream_broken_end(rc), weir_status_text(rc));
            return;
        }
        if (!feed(k, slice_of(k->w->scratch.in, got)))
            return;
    } while (!k->dead && conn_has_pending(k->conn));
}
