/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one connection, and of its answer the head. */
#include "upstream/once.h"

#include <stdlib.h>

#include "upstream/once_h2.h"
#include "weir/base/assert.h"
#include "weir/net/stream.h"

enum { ONCE_MAGIC = 0x06ce06ce, ANSWER_MAX = 64 * 1024, FIELDS = 100 };

struct once {
    uint32_t magic;
    struct stream *stream;
    struct once_h2 *h2; /* NULL: HTTP/1.1 is spoken */
    once_fn *fn;
    void *arg;
};

static void free_all(struct once *o)
{
    once_h2_end(&o->h2);
    stream_close(&o->stream);
    free(o);
}

void once_cancel(struct once **op)
{
    struct once *o = *op;

    *op = NULL;
    if (o == NULL)
        return;
    free_all(o);
}

/* fn has forgotten the object, and may have begun another one. */
static void end(struct once *o, const struct response_head *h, enum weir_status s, const char *why)
{
    o->fn(o->arg, h, s, why); /* what it is shown lies in the stream */
    free_all(o);
}

static void on_frames(struct once *o)
{
    struct response_head r = {.minor = 1, .http2 = true};

    switch (once_h2_step(o->h2, stream_in(o->stream), stream_out(o->stream), &r.status)) {
    case PARSE_MORE:
        (void)stream_flush(o->stream);
        return;
    case PARSE_BAD:
        end(o, NULL, WEIR_BAD, "no answer of HTTP/2");
        return;
    case PARSE_DONE:
        end(o, &r, WEIR_OK, "");
        return;
    }
}

static void on_step(void *owner)
{
    struct once *o = owner;
    struct http_field fields[FIELDS];
    struct head_limits limits = {
        .line = 8192, .head = ANSWER_MAX, .fields = FIELDS, .body = UINT64_MAX};
    struct response_head r;
    struct head_error err;
    size_t used;

    WEIR_CHECK(o, ONCE_MAGIC);
    if (o->h2 != NULL) {
        on_frames(o);
        return;
    }
    switch (response_parse(buf_slice(stream_in(o->stream)), &limits, false, false, fields, &r,
                           &used, &err)) {
    case PARSE_MORE:
        return;
    case PARSE_BAD:
        end(o, NULL, WEIR_BAD, err.what);
        return;
    case PARSE_DONE:
        end(o, &r, WEIR_OK, "");
        return;
    }
}

static void on_end(void *owner, enum weir_status s, const char *why)
{
    struct once *o = owner;

    WEIR_CHECK(o, ONCE_MAGIC);
    end(o, NULL, s, s == WEIR_LIMIT ? "the answer's head is too long" : why);
}

static const struct stream_events events = {.on_step = on_step, .on_end = on_end};

static bool put_request(struct once *o, struct slice request, bool http2)
{
    if (!http2)
        return buf_append(stream_out(o->stream), request, request.len) == WEIR_OK;
    o->h2 = once_h2_begin(request, stream_out(o->stream));
    return o->h2 != NULL;
}

struct once *once_begin(struct loop *l, const struct once_to *to, uint64_t timeout_ns,
                        struct slice request, once_fn *fn, void *arg)
{
    struct once *o = calloc(1, sizeof *o);

    if (o == NULL)
        return NULL;
    *o = (struct once){.magic = ONCE_MAGIC, .fn = fn, .arg = arg};
    o->stream = stream_connect(l, to->addr, to->tls, to->first, timeout_ns, ANSWER_MAX, &events, o);
    if (o->stream == NULL || !put_request(o, request, to->http2)) {
        once_cancel(&o);
        return NULL;
    }
    stream_set_limit(o->stream, loop_now_ns(l) + timeout_ns);
    return o;
}
