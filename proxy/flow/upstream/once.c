/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one connection, and of its answer the head. */
#include "upstream/once.h"

#include <stdlib.h>

#include "weir/base/assert.h"
#include "weir/net/stream.h"

enum { ONCE_MAGIC = 0x06ce06ce, ANSWER_MAX = 64 * 1024, FIELDS = 100 };

struct once {
    uint32_t magic;
    struct stream *stream;
    once_fn *fn;
    void *arg;
};

void once_cancel(struct once **op)
{
    struct once *o = *op;

    *op = NULL;
    if (o == NULL)
        return;
    stream_close(&o->stream);
    free(o);
}

/* fn has forgotten the object, and may have begun another one. */
static void end(struct once *o, const struct response_head *h, enum weir_status s, const char *why)
{
    o->fn(o->arg, h, s, why); /* what it is shown lies in the stream */
    stream_close(&o->stream);
    free(o);
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

struct once *once_begin(struct loop *l, const struct net_addr *to, struct tls_client *tls,
                        struct slice first, uint64_t timeout_ns, struct slice request, once_fn *fn,
                        void *arg)
{
    struct once *o = calloc(1, sizeof *o);

    if (o == NULL)
        return NULL;
    *o = (struct once){.magic = ONCE_MAGIC, .fn = fn, .arg = arg};
    o->stream = stream_connect(l, to, tls, first, timeout_ns, ANSWER_MAX, &events, o);
    if (o->stream == NULL || buf_append(stream_out(o->stream), request, request.len) != WEIR_OK) {
        once_cancel(&o);
        return NULL;
    }
    stream_set_limit(o->stream, loop_now_ns(l) + timeout_ns);
    return o;
}
