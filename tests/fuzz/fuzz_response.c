/* SPDX-License-Identifier: Apache-2.0 */
/* A response head of a hostile upstream; what must hold is as for requests. */
#include "fuzz.h"
#include "weir/http/head.h"

enum { FIELDS = 32, PREFIXES = 12 };

static const struct head_limits limits = {.line = 1024,
                                          .head = 4096,
                                          .fields = FIELDS,
                                          .body = UINT64_MAX,
                                          .underscores = UNDERSCORES_KEPT};

struct parsed {
    struct response_head head;
    struct http_field fields[FIELDS];
    struct head_error err;
    size_t used;
    enum parse rc;
};

static void parse(struct parsed *r, struct slice in, uint8_t how)
{
    memset(r, 0, sizeof *r);
    r->rc = response_parse(in, &limits, (how & 1) != 0, (how & 2) != 0, r->fields, &r->head,
                           &r->used, &r->err);
    WEIR_ASSERT(r->used <= in.len);
}

static void check_body(const struct response_head *h, uint8_t how)
{
    if ((how & 1) != 0 || h->status < 200 || h->status == 204 || h->status == 304)
        WEIR_ASSERT(h->body == BODY_NONE);
    if (h->body == BODY_TO_CLOSE)
        WEIR_ASSERT(!h->keep_alive);
    if (h->body == BODY_CHUNKED)
        WEIR_ASSERT(h->minor == 1 && h->at[FIELD_CONTENT_LENGTH] == 0);
    WEIR_ASSERT(h->switched == (h->status == 101));
    WEIR_ASSERT(!h->switched || (how & 2) != 0);
}

static void check_done(const struct parsed *r, struct slice in, uint8_t how)
{
    struct slice head = slice_of(in.p, r->used);

    WEIR_ASSERT(r->used <= limits.head && r->head.n_fields <= FIELDS);
    WEIR_ASSERT(r->head.status >= 100 && r->head.status <= 599);
    WEIR_ASSERT(fuzz_inside(r->head.reason, head));
    for (size_t i = 0; i < r->head.n_fields; i++) {
        const struct http_field *f = &r->fields[i];

        WEIR_ASSERT(f->name.len > 0 && fuzz_inside(f->name, head) && fuzz_inside(f->value, head));
        for (size_t k = 0; k < f->value.len; k++)
            WEIR_ASSERT((unsigned char)f->value.p[k] >= ' ' || f->value.p[k] == '\t');
    }
    check_body(&r->head, how);
    (void)response_retry_after_ms(&r->head, 1756857600);
}

static void check_prefixes(const struct parsed *whole, struct slice in, uint8_t how)
{
    uint32_t seed = fuzz_seed(in);
    struct parsed part;

    for (int i = 0; i < PREFIXES; i++) {
        size_t n = i == 0 ? in.len : fuzz_next(&seed) % (in.len + 1);

        parse(&part, slice_of(in.p, n), how);
        if (part.rc == PARSE_MORE) {
            WEIR_ASSERT(n < in.len || whole->rc == PARSE_MORE);
            continue;
        }
        WEIR_ASSERT(part.rc == whole->rc && part.used == whole->used);
        WEIR_ASSERT(part.err.what == whole->err.what);
    }
}

/* The first byte says what was asked: bit 0 a HEAD, bit 1 an upgrade. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in;
    struct parsed r;

    if (size == 0)
        return 0;
    in = slice_of(data + 1, size - 1);
    parse(&r, in, data[0]);
    check_prefixes(&r, in, data[0]);
    if (r.rc == PARSE_BAD)
        WEIR_ASSERT(r.err.status == 502 && r.err.cause == CAUSE_BAD_GATEWAY && r.err.what != NULL);
    if (r.rc == PARSE_DONE)
        check_done(&r, in, data[0]);
    return 0;
}
