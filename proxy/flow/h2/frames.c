/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of HTTP/2 do alike with nghttp2.  On the worker's thread. */
#include "h2/frames.h"

#include <string.h>

#include "weir/base/assert.h"

enum { FRAME_MAX = 16384 + 9 }; /* nghttp2 makes none that are longer */

nghttp2_nv frames_field(struct slice name, struct slice value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .value = (uint8_t *)(uintptr_t)value.p,
                        .namelen = name.len,
                        .valuelen = value.len,
                        .flags = NGHTTP2_NV_FLAG_NONE}; /* copied, names in lower case */
}

/*
 * Values that do not come again.  nghttp2 would put each into the table of the compression and
 * compare every later one with all of them.
 */
static bool is_unique(struct slice name)
{
    static const struct slice names[] = {
        {"x-request-id", 12}, {"x-weir-request-id", 17}, {"traceparent", 11}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (name.len == names[i].len && slice_eq_nocase(name, names[i]))
            return true;
    }
    return false;
}

size_t frames_fields(nghttp2_nv *to, const struct field_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        to[i] = frames_field(l->at[i].name, l->at[i].value);
        if (is_unique(l->at[i].name))
            to[i].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    }
    return l->n;
}

bool frames_trailers(nghttp2_session *ng, int32_t id, nghttp2_nv *nv, struct field_list *l,
                     uint32_t *flags)
{
    field_list_read(l);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return nghttp2_submit_trailer(ng, id, nv, frames_fields(nv, l)) == 0;
}

size_t frames_take(struct buf *from, uint8_t *to, size_t room)
{
    size_t n = from->len < room ? from->len : room;

    if (n > 0) {
        memcpy(to, buf_slice(from).p, n);
        buf_consume(from, n);
    }
    return n;
}

size_t frames_gather(nghttp2_session *ng, char *to, size_t room, bool *broken)
{
    size_t len = 0;

    while (len + FRAME_MAX <= room) {
        const uint8_t *frame;
        ssize_t n = nghttp2_session_mem_send(ng, &frame);

        if (n < 0)
            *broken = true;
        if (n <= 0)
            break;
        WEIR_ASSERT((size_t)n <= room - len);
        memcpy(to + len, frame, (size_t)n);
        len += (size_t)n;
    }
    return len;
}
