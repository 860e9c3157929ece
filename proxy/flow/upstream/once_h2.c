/* SPDX-License-Identifier: Apache-2.0 */
/* One request over HTTP/2, by prior knowledge: nghttp2 frames it, the status is all that is kept.
 */
#include "upstream/once_h2.h"

#include <stdlib.h>

#include "h2/frames.h"
#include "h2/memory.h"

enum { FIELDS = 100, OUT_MAX = 64 * 1024, PIECE = 20 * 1024 };

struct once_h2 {
    nghttp2_session *ng;
    struct h2_memory memory;
    int32_t id;
    int status; /* of the final head; 0 = none yet */
    bool closed;
};

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *owner)
{
    struct once_h2 *h = owner;
    uint64_t n;

    (void)ng, (void)flags;
    if (frame->hd.stream_id == h->id &&
        slice_eq(slice_of((const char *)name, name_len), SLICE_LIT(":status")) &&
        parse_u64(slice_of((const char *)value, value_len), 999, &n) == WEIR_OK && n >= 200)
        h->status = (int)n;
    return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t code, void *owner)
{
    struct once_h2 *h = owner;

    (void)ng, (void)code;
    h->closed = h->closed || id == h->id;
    return 0;
}

static bool open_session(struct once_h2 *h)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_mem mem = h2_memory_of(&h->memory);
    int rc;

    h->memory.reserve = h2_reserve_create();
    if (h->memory.reserve == NULL || nghttp2_session_callbacks_new(&callbacks) != 0)
        return false;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    rc = nghttp2_session_client_new3(&h->ng, callbacks, h, NULL, &mem);
    nghttp2_session_callbacks_del(callbacks);
    return rc == 0 && nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, NULL, 0) == 0;
}

/* Fields of the connection, and Host, which is :authority, are not said. */
static bool ask(struct once_h2 *h, struct slice request)
{
    struct http_field fields[FIELDS];
    struct head_limits limits = {
        .line = OUT_MAX, .head = OUT_MAX, .fields = FIELDS, .body = UINT64_MAX};
    nghttp2_nv nv[FIELDS + 4];
    struct request_head r;
    struct head_error err;
    size_t used, n = 0;

    if (request_parse(request, &limits, fields, &r, &used, &err) != PARSE_DONE)
        return false;
    nv[n++] = frames_field(SLICE_LIT(":method"), r.method);
    nv[n++] = frames_field(SLICE_LIT(":scheme"), SLICE_LIT("http"));
    nv[n++] = frames_field(SLICE_LIT(":authority"), r.host);
    nv[n++] = frames_field(SLICE_LIT(":path"), r.target);
    for (size_t i = 0; i < r.n_fields; i++) {
        if (!r.fields[i].hop && r.fields[i].id != FIELD_HOST)
            nv[n++] = frames_field(r.fields[i].name, r.fields[i].value);
    }
    h->id = nghttp2_submit_request(h->ng, NULL, nv, n, NULL, NULL);
    return h->id > 0;
}

static bool send_all(struct once_h2 *h, struct buf *out)
{
    char piece[PIECE];
    bool broken = false;
    size_t n;

    while (!broken && (n = frames_gather(h->ng, piece, sizeof piece, &broken)) > 0) {
        if (buf_append(out, slice_of(piece, n), OUT_MAX) != WEIR_OK)
            return false;
    }
    return !broken && !h->memory.lacked;
}

struct once_h2 *once_h2_begin(struct slice request, struct buf *out)
{
    struct once_h2 *h = calloc(1, sizeof *h);

    if (h != NULL && (!open_session(h) || !ask(h, request) || !send_all(h, out)))
        once_h2_end(&h);
    return h;
}

enum parse once_h2_step(struct once_h2 *h, struct buf *in, struct buf *out, int *status)
{
    struct slice s = buf_slice(in);
    ssize_t took = nghttp2_session_mem_recv(h->ng, (const uint8_t *)s.p, s.len);

    if (took < 0 || h->memory.lacked)
        return PARSE_BAD;
    buf_consume(in, (size_t)took);
    *status = h->status;
    if (h->status != 0)
        return PARSE_DONE;
    return send_all(h, out) && !h->closed ? PARSE_MORE : PARSE_BAD;
}

void once_h2_end(struct once_h2 **hp)
{
    struct once_h2 *h = *hp;

    *hp = NULL;
    if (h == NULL)
        return;
    nghttp2_session_del(h->ng);
    h2_reserve_destroy(&h->memory.reserve);
    free(h);
}
