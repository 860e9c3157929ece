/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field block of an HTTP/2 request of a stranger: names and values, each with its length before
 * it.  What must hold: what is understood, written as HTTP/1, is understood there to mean the same
 * (nothing is smuggled by the change of version); what is kept is bounded.
 */
#include "fuzz.h"
#include "weir/http/field_block.h"

enum { FIELDS = 32, ANEW = 1 << 16 };

static const struct head_limits limits = {
    .line = 8192, .head = 32768, .fields = FIELDS, .body = UINT64_C(1) << 25};

static struct slice next_text(struct slice *in)
{
    size_t n = in->len == 0 ? 0 : (unsigned char)in->p[0];
    struct slice text;

    *in = slice_from(*in, in->len == 0 ? 0 : 1);
    text = slice_of(in->p, n < in->len ? n : in->len);
    *in = slice_from(*in, text.len);
    return text;
}

static void put_line(struct text *t, struct slice name, struct slice value)
{
    text_put(t, name);
    text_str(t, ": ");
    text_put(t, value);
    text_str(t, "\r\n");
}

/* As upstream/h1 does: Host first, what may be passed on, then weir's own framing. */
static void write_anew(const struct request_head *h, struct text *t)
{
    text_put(t, h->method);
    text_char(t, ' ');
    text_put(t, h->target);
    text_str(t, " HTTP/1.1\r\n");
    put_line(t, SLICE_LIT("Host"), h->host);
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];

        if (!f->hop && f->id != FIELD_HOST && f->id != FIELD_CONTENT_LENGTH)
            put_line(t, f->name, f->value);
    }
    if (h->body == BODY_COUNTED) {
        text_str(t, "Content-Length: ");
        text_u64(t, h->length);
        text_str(t, "\r\n");
    } else if (h->body == BODY_CHUNKED) {
        text_str(t, "Transfer-Encoding: chunked\r\n");
    }
    text_str(t, "\r\n");
}

static void check_anew(const struct request_head *h)
{
    static const struct head_limits wide = {
        .line = ANEW, .head = ANEW, .fields = FIELDS + 4, .body = UINT64_MAX};
    static char mem[ANEW];
    struct http_field fields[FIELDS + 4];
    struct request_head again;
    struct head_error err;
    struct text t;
    size_t used = 0;

    text_init(&t, mem, sizeof mem);
    write_anew(h, &t);
    WEIR_ASSERT(!t.full);
    WEIR_ASSERT(request_parse(text_slice(&t), &wide, fields, &again, &used, &err) == PARSE_DONE);
    WEIR_ASSERT(used == t.len && slice_eq(again.method, h->method));
    WEIR_ASSERT(slice_eq(again.target, h->target) && slice_eq(again.host, h->host));
    WEIR_ASSERT(again.body == h->body && again.length == h->length && !again.websocket);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct field_block b = {0};
    struct http_field fields[FIELDS];
    struct request_head h;
    struct head_error err = {0};
    bool ended = size > 0 && (data[0] & 1) != 0;
    enum parse rc;

    in = slice_from(in, size > 0 ? 1 : 0);
    while (in.len > 0) {
        struct slice name = next_text(&in);

        field_block_add(&b, &limits, name, next_text(&in));
    }
    rc = field_block_request(&b, &limits, ended, fields, &h, &err);
    WEIR_ASSERT(rc == PARSE_DONE || rc == PARSE_BAD);
    WEIR_ASSERT(b.bytes.len + b.cookie.len <= 2 * (size_t)limits.head);
    WEIR_ASSERT(rc == PARSE_DONE || (err.status >= 400 && err.what != NULL));
    if (rc == PARSE_DONE)
        check_anew(&h);
    field_block_free(&b);
    return 0;
}
