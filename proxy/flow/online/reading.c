/* SPDX-License-Identifier: Apache-2.0 */
/* An answer, read for people. */
#include "online/reading.h"

#include <string.h>

enum { FIELDS = 100, HEAD_MAX = 64 * 1024 };

void reading_begin(struct reading *r, enum dialect dialect)
{
    *r = (struct reading){.dialect = dialect};
}

static void take_head(struct reading *r, const struct response_head *h)
{
    r->status = h->status;
    r->body = h->body;
    r->left = h->length;
    r->stream = (h->event_stream || h->ndjson) && !h->encoded;
    if (h->at[FIELD_CONTENT_TYPE] != 0) {
        struct slice type = h->fields[h->at[FIELD_CONTENT_TYPE] - 1].value;
        struct text t;

        text_init(&t, r->type, sizeof r->type);
        text_shown(&t, type);
    }
    chunked_init(&r->chunked);
    answer_init(&r->answer, h->ndjson ? FORM_NDJSON : FORM_SSE, r->dialect);
    r->has_head = true;
    r->whole = r->body == BODY_NONE || (r->body == BODY_COUNTED && r->left == 0);
}

/* An interim answer is swallowed: it has no body and another head follows. */
static void read_head(struct reading *r, struct buf *in)
{
    struct http_field fields[FIELDS];
    struct head_limits limits = {
        .line = 8192, .head = HEAD_MAX, .fields = FIELDS, .body = UINT64_MAX};
    struct response_head h;
    struct head_error err;
    size_t used;

    for (;;) {
        switch (response_parse(buf_slice(in), &limits, false, false, fields, &h, &used, &err)) {
        case PARSE_MORE:
            return;
        case PARSE_BAD:
            r->wrong = err.what;
            return;
        case PARSE_DONE:
            break;
        }
        if (h.status >= 200)
            take_head(r, &h);
        buf_consume(in, used);
        if (r->has_head)
            return;
    }
}

static void take_body(struct reading *r, struct slice s)
{
    size_t n = s.len < READING_SHOWN - r->n_shown ? s.len : READING_SHOWN - r->n_shown;

    memcpy(r->shown + r->n_shown, s.p, n);
    r->n_shown += n;
    if (r->stream)
        answer_feed(&r->answer, s);
}

/* False: nothing more can be taken. */
static bool read_chunk(struct reading *r, struct buf *in)
{
    struct slice data;
    size_t used;
    enum parse parsed = chunked_next(&r->chunked, buf_slice(in), &used, &data);

    if (data.len > 0)
        take_body(r, data);
    buf_consume(in, used);
    r->whole = parsed == PARSE_DONE;
    if (parsed == PARSE_BAD)
        r->wrong = "the chunks of its body are broken";
    return parsed == PARSE_MORE && used > 0 && !buf_empty(in);
}

static void read_counted(struct reading *r, struct buf *in)
{
    struct slice s = buf_slice(in);

    if (r->body == BODY_COUNTED && s.len > r->left)
        s.len = r->left;
    take_body(r, s);
    buf_consume(in, s.len);
    r->left -= r->body == BODY_COUNTED ? s.len : 0;
    r->whole = r->body == BODY_COUNTED && r->left == 0;
}

void reading_feed(struct reading *r, struct buf *in)
{
    if (!r->has_head)
        read_head(r, in);
    if (!r->has_head || r->whole || r->wrong != NULL || buf_empty(in))
        return;
    if (r->body == BODY_CHUNKED) {
        while (read_chunk(r, in))
            continue;
    } else {
        read_counted(r, in);
    }
}

void reading_end(struct reading *r)
{
    if (r->has_head && r->body == BODY_TO_CLOSE)
        r->whole = true;
    else if (!r->whole && r->wrong == NULL)
        r->wrong = r->has_head ? "the connection ended within the answer"
                               : "the connection ended without an answer";
}
