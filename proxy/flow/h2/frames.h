/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_H2_FRAMES_H
#define WEIR_FLOW_H2_FRAMES_H

/*
 * What HTTP/2 towards clients and towards upstreams does alike with nghttp2: windows, fields,
 * frames on their way out.  Knows no worker and no connection.
 */

#include <nghttp2/nghttp2.h>

#include "weir/base/buf.h"
#include "weir/conf/settings.h"
#include "weir/http/field_list.h"

enum {
    H2_CONNECTION_WINDOW = 16 * 1024 * 1024, /* given back on receipt: it holds nobody up */
    H2_STREAM_WINDOW_LEAST = 64 * 1024,
};

/* The window of a stream, given back as its bytes are taken: limits.buffer, at least 64 KiB. */
static inline uint32_t h2_stream_window(const struct limits_conf *l)
{
    return l->buffer > H2_STREAM_WINDOW_LEAST ? l->buffer : H2_STREAM_WINDOW_LEAST;
}

/* Borrows both, until nghttp2 copies them; the name is put in lower case. */
nghttp2_nv frames_field(struct slice name, struct slice value);
/* All of a list; how many. */
size_t frames_fields(nghttp2_nv *to, const struct field_list *l);

/*
 * Trailers behind the last byte of a stream, from its read callback; nv: room for all of them.
 * False: the session is broken.
 */
bool frames_trailers(nghttp2_session *ng, int32_t id, nghttp2_nv *nv, struct field_list *l,
                     uint32_t *flags);

/* Moves what a stream wants to send to where nghttp2 asks for it; how many bytes. */
size_t frames_take(struct buf *from, uint8_t *to, size_t room);

/* Frames that wait to be sent, as many as fit; how many bytes.  An error sets *broken. */
size_t frames_gather(nghttp2_session *ng, char *to, size_t room, bool *broken);

#endif
