/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_PAGES_TEST_H
#define WEIR_TESTS_PAGES_TEST_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "weir/pages/refusal.h"

/* A refusal with everything that must be there; tests set the rest. */
static inline struct refusal some_refusal(enum cause c)
{
    return (struct refusal){.cause = c,
                            .overload_status = 503,
                            .retry_after_ms = 2100,
                            .share = -1,
                            .request_id = "req-1",
                            .pool = "chat",
                            .wall_ns = UINT64_C(1795506604) * 1000000000}; /* 2026-11-24 07:50:04 */
}

/* An answer as it was written, parsed by weir's own strict parser. */
struct written {
    struct buf bytes;
    struct http_field fields[64];
    struct response_head head;
    struct slice body;
};

static inline void parse_written(struct written *w, bool to_head)
{
    static const struct head_limits limits = {.line = 8192, .head = 65536, .fields = 64};
    struct head_error err;
    size_t used;

    cr_assert_eq(response_parse(buf_slice(&w->bytes), &limits, to_head, false, w->fields, &w->head,
                                &used, &err),
                 PARSE_DONE);
    w->body = slice_from(buf_slice(&w->bytes), used);
}

static inline void put_line(struct slice name, struct slice value, void *arg)
{
    struct text *t = arg;

    text_printf(t, "%.*s: %.*s\r\n", (int)name.len, name.p, (int)value.len, value.p);
}

/* A head with the fields of weir's own answer and the framing of HTTP/1.1, then the body. */
static inline void frame(struct written *w, struct text *head, struct slice body)
{
    text_printf(head, "Content-Length: %zu\r\n\r\n", body.len);
    cr_assert_not(head->full);
    cr_assert_eq(buf_append(&w->bytes, text_slice(head), 1 << 20), WEIR_OK);
    cr_assert_eq(buf_append(&w->bytes, body, 1 << 20), WEIR_OK);
    parse_written(w, false);
}

static inline struct written write_refusal(const struct refusal *r, const struct answer_wish *wish)
{
    struct written w = {.bytes = BUF_INIT};

    struct buf body = BUF_INIT;
    char mem[4096];
    struct text head;

    text_init(&head, mem, sizeof mem);
    text_printf(&head, "HTTP/1.1 %d %s\r\n", refusal_status(r, wish),
                reason_phrase(refusal_status(r, wish)));
    refusal_fields(r, wish, put_line, &head);
    cr_assert_eq(refusal_body(r, wish, &body, 1 << 20), WEIR_OK);
    frame(&w, &head, buf_slice(&body));
    w.head.fields = w.fields;
    buf_free(&body);
    return w;
}

/* The value of a field by its exact name, "" when absent; fails if it is there twice. */
static inline const char *field_of(const struct written *w, const char *name)
{
    static char value[8][1024];
    static int turn;
    char *out = value[turn++ % 8];
    int found = 0;

    out[0] = '\0';
    for (size_t i = 0; i < w->head.n_fields; i++) {
        if (!slice_eq(w->fields[i].name, slice_str(name)))
            continue;
        snprintf(out, 1024, "%.*s", (int)w->fields[i].value.len, w->fields[i].value.p);
        found++;
    }
    cr_assert_leq(found, 1, "%s is there %d times", name, found);
    return out;
}

static inline json_t *json_of(struct slice s)
{
    json_error_t err;
    json_t *j = json_loadb(s.p, s.len, JSON_REJECT_DUPLICATES, &err);

    cr_assert_not_null(j, "%s in %.*s", err.text, (int)s.len, s.p);
    return j;
}

static inline const char *json_at(json_t *j, const char *outer, const char *key)
{
    json_t *o = outer == NULL ? j : json_object_get(j, outer);
    const char *s = json_string_value(json_object_get(o, key));

    return s == NULL ? "(none)" : s;
}

static inline bool slice_has(struct slice s, const char *what)
{
    return s.len > 0 && memmem(s.p, s.len, what, strlen(what)) != NULL;
}

/* A request head from its text, for what a wish is made of. */
struct asked {
    struct http_field fields[32];
    struct request_head head;
};
static inline void parse_asked(struct asked *a, const char *text)
{
    static const struct head_limits limits = {
        .line = 8192, .head = 32768, .fields = 32, .body = UINT64_MAX};
    struct head_error err;
    size_t used;

    cr_assert_eq(request_parse(slice_str(text), &limits, a->fields, &a->head, &used, &err),
                 PARSE_DONE, "%s", text);
}

#endif
