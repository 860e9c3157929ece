/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_HTTP_HEADS_H
#define WEIR_TESTS_HTTP_HEADS_H

#include <criterion/criterion.h>

#include "weir/http/head.h"

/* A request or a response with room for its fields. */
enum { TEST_FIELDS = 128 };

static const struct head_limits test_limits = {
    .line = 8192, .head = 32768, .fields = 100, .body = UINT64_C(32) << 20};

struct test_request {
    struct request_head head;
    struct http_field fields[TEST_FIELDS];
    struct head_error err;
    size_t used;
    enum parse rc;
};

struct test_response {
    struct response_head head;
    struct http_field fields[TEST_FIELDS];
    struct head_error err;
    size_t used;
    enum parse rc;
};

static inline void read_request(struct test_request *r, struct slice in,
                                const struct head_limits *limits)
{
    memset(r, 0, sizeof *r);
    r->rc = request_parse(in, limits, r->fields, &r->head, &r->used, &r->err);
}

static inline void read_response(struct test_response *r, struct slice in, bool to_head,
                                 bool asked_upgrade)
{
    struct head_limits limits = test_limits;

    limits.head = 65536;
    limits.underscores = UNDERSCORES_KEPT;
    memset(r, 0, sizeof *r);
    r->rc =
        response_parse(in, &limits, to_head, asked_upgrade, r->fields, &r->head, &r->used, &r->err);
}

/* Parses what must be a whole good request; its slices point into `text`. */
static inline void good_request(struct test_request *r, const char *text)
{
    read_request(r, slice_str(text), &test_limits);
    cr_assert_eq(r->rc, PARSE_DONE, "refused: %s\n%s", r->err.what, text);
    cr_assert_eq(r->used, strlen(text));
}

static inline void good_response(struct test_response *r, const char *text)
{
    read_response(r, slice_str(text), false, false);
    cr_assert_eq(r->rc, PARSE_DONE, "refused: %s\n%s", r->err.what, text);
    cr_assert_eq(r->used, strlen(text));
}

static inline bool slice_is(struct slice s, const char *text)
{
    return slice_eq(s, slice_str(text));
}

static inline struct http_field *field_named(struct http_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq_nocase(fields[i].name, slice_str(name)))
            return &fields[i];
    return NULL;
}

#endif
