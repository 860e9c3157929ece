/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request head of a stranger.  What must hold: nothing is read or pointed to outside of the
 * input; any prefix says "more" or the same; and a head that is written anew from what was
 * understood is understood to mean the same, with no byte in it that a neighbour might read in
 * another way.
 */
#include "fuzz.h"
#include "weir/http/head.h"

enum { FIELDS = 32, ANEW = 1 << 16, PREFIXES = 12 };

/* Two sets of limits, by the first byte: as in service (nearly), and tight. */
static const struct head_limits limits[2] = {
    {.line = 8192, .head = 32768, .fields = FIELDS, .body = UINT64_C(1) << 25},
    {.line = 40, .head = 200, .fields = 4, .body = 100, .underscores = UNDERSCORES_DROPPED},
};

struct parsed {
    struct request_head head;
    struct http_field fields[FIELDS];
    struct head_error err;
    size_t used;
    enum parse rc;
};

static void parse(struct parsed *r, struct slice in, const struct head_limits *l)
{
    memset(r, 0, sizeof *r);
    r->rc = request_parse(in, l, r->fields, &r->head, &r->used, &r->err);
    WEIR_ASSERT(r->used <= in.len);
}

static void check_field(const struct http_field *f, struct slice head)
{
    WEIR_ASSERT(f->name.len > 0 && fuzz_inside(f->name, head) && fuzz_inside(f->value, head));
    WEIR_ASSERT(f->id == field_lookup(f->name));
    for (size_t i = 0; i < f->name.len; i++)
        WEIR_ASSERT(f->name.p[i] > ' ' && f->name.p[i] != ':' && f->name.p[i] != '\x7f');
    for (size_t i = 0; i < f->value.len; i++)
        WEIR_ASSERT((unsigned char)f->value.p[i] >= ' ' || f->value.p[i] == '\t');
}

static void check_done(const struct parsed *r, struct slice in, const struct head_limits *l)
{
    struct slice head = slice_of(in.p, r->used);
    const struct request_head *h = &r->head;

    WEIR_ASSERT(r->used <= l->head && h->n_fields <= l->fields);
    WEIR_ASSERT(h->method.len > 0 && fuzz_inside(h->method, head) && h->target.len > 0);
    WEIR_ASSERT(fuzz_inside(h->target, head) || h->target.len == 1);
    WEIR_ASSERT(fuzz_inside(h->host, head) && (h->host.len > 0 || h->minor == 0));
    for (size_t i = 0; i < h->n_fields; i++)
        check_field(&r->fields[i], head);
    for (int id = 1; id < FIELD_ID_COUNT; id++)
        WEIR_ASSERT(h->at[id] == 0 || (int)r->fields[h->at[id] - 1].id == id);
    WEIR_ASSERT(h->body != BODY_TO_CLOSE && h->length <= l->body);
    WEIR_ASSERT((h->body == BODY_CHUNKED) == (h->at[FIELD_TRANSFER_ENCODING] != 0));
    WEIR_ASSERT((h->body == BODY_COUNTED) == (h->at[FIELD_CONTENT_LENGTH] != 0));
}

static void check_prefixes(const struct parsed *whole, struct slice in, const struct head_limits *l)
{
    uint32_t seed = fuzz_seed(in);
    struct parsed part;

    for (int i = 0; i < PREFIXES; i++) {
        size_t n = i == 0 ? in.len : fuzz_next(&seed) % (in.len + 1);

        parse(&part, slice_of(in.p, n), l);
        if (part.rc == PARSE_MORE) {
            WEIR_ASSERT(n < in.len || whole->rc == PARSE_MORE);
            continue;
        }
        WEIR_ASSERT(part.rc == whole->rc && part.used == whole->used);
        WEIR_ASSERT(part.err.status == whole->err.status && part.err.what == whole->err.what);
        WEIR_ASSERT(part.head.n_fields == whole->head.n_fields);
    }
}

/* As a relay would: fields that may be passed on, and our own opinion on the rest. */
static void write_anew(const struct request_head *h, struct text *t)
{
    text_put(t, h->method);
    text_char(t, ' ');
    text_put(t, h->target);
    text_str(t, h->minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (size_t i = 0; i < h->n_fields; i++) {
        if (h->fields[i].hop)
            continue;
        text_put(t, h->fields[i].name);
        text_str(t, ": ");
        text_put(t, h->fields[i].value);
        text_str(t, "\r\n");
    }
    if (h->body == BODY_CHUNKED)
        text_str(t, "Transfer-Encoding: chunked\r\n");
    text_str(t, "\r\n");
}

static void check_anew(const struct parsed *r)
{
    static const struct head_limits wide = {
        .line = ANEW, .head = ANEW, .fields = FIELDS, .body = UINT64_MAX};
    static char mem[ANEW];
    struct parsed again;
    struct text t;

    text_init(&t, mem, sizeof mem);
    write_anew(&r->head, &t);
    WEIR_ASSERT(!t.full);
    if (r->head.n_fields == FIELDS) /* no room for one more */
        return;
    parse(&again, text_slice(&t), &wide);
    WEIR_ASSERT(again.rc == PARSE_DONE && again.used == t.len);
    WEIR_ASSERT(slice_eq(again.head.method, r->head.method));
    WEIR_ASSERT(slice_eq(again.head.target, r->head.target));
    WEIR_ASSERT(again.head.body == r->head.body && again.head.length == r->head.length);
    WEIR_ASSERT(r->head.at[FIELD_HOST] == 0 || slice_eq(again.head.host, r->head.host));
}

static void check_path(struct slice target)
{
    char mem[256];
    struct text t;

    text_init(&t, mem, sizeof mem);
    if (target_path(target, &t) != WEIR_OK) {
        WEIR_ASSERT(t.len == 0);
        return;
    }
    WEIR_ASSERT(t.len <= target.len);
    for (size_t i = 0; i + 2 < t.len; i++)
        WEIR_ASSERT(memcmp(mem + i, "/..", 3) != 0 || (i + 3 < t.len && mem[i + 3] != '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct head_limits *l = &limits[size > 0 && data[0] == '-'];
    struct slice in = slice_of(data, size);
    struct parsed r;

    if (l == &limits[1])
        in = slice_from(in, 1);
    parse(&r, in, l);
    check_prefixes(&r, in, l);
    if (r.rc == PARSE_BAD)
        WEIR_ASSERT(r.err.status >= 400 && r.err.what != NULL && r.err.cause != CAUSE_NONE);
    if (r.rc != PARSE_DONE)
        return 0;
    check_done(&r, in, l);
    check_anew(&r);
    check_path(r.head.target);
    return 0;
}
