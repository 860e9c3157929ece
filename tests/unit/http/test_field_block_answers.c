/* SPDX-License-Identifier: Apache-2.0 */
/* Field blocks of HTTP/2 read as answers, and as trailers. */
#include "heads.h"
#include "weir/http/field_block.h"

enum { FIELDS_MAX = 8 };

struct pair {
    const char *name, *value;
};

static const struct head_limits limits = {
    .line = 65536, .head = 65536, .fields = TEST_FIELDS, .underscores = UNDERSCORES_KEPT};

struct answer {
    struct field_block block;
    struct response_head head;
    struct http_field fields[TEST_FIELDS];
    struct head_error err;
    enum parse rc;
};

static void add_all(struct field_block *b, const struct pair *p)
{
    for (size_t i = 0; i < FIELDS_MAX && p[i].name != NULL; i++)
        field_block_add(b, &limits, slice_str(p[i].name), slice_str(p[i].value));
}

static void read_answer(struct answer *a, const struct pair *p, bool to_head, bool ended)
{
    memset(a, 0, sizeof *a);
    add_all(&a->block, p);
    a->rc = field_block_response(&a->block, &limits, to_head, ended, a->fields, &a->head, &a->err);
}

Test(field_block_answers, are_read_as_the_same_answer_in_http_1_would_be)
{
    static const struct pair p[FIELDS_MAX] = {{":status", "200"},
                                              {"content-type", "text/event-stream; charset=x"},
                                              {"llm_provider-x", "y"}};
    struct answer a;

    read_answer(&a, p, false, false);
    cr_assert_eq(a.rc, PARSE_DONE, "%s", a.err.what);
    cr_assert(a.head.status == 200 && a.head.event_stream && a.head.http2 && a.head.keep_alive);
    cr_assert_eq(a.head.body, BODY_CHUNKED);
    cr_assert_eq(a.head.n_fields, 2);
    field_block_free(&a.block);
}

Test(field_block_answers, a_body_is_as_long_as_it_says_or_open)
{
    static const struct {
        const char *status, *length;
        bool to_head, ended;
        enum body_kind body;
        uint64_t says;
    } rows[] = {
        {"200", NULL, false, false, BODY_CHUNKED, 0}, {"200", "7", false, false, BODY_COUNTED, 7},
        {"200", NULL, false, true, BODY_NONE, 0},     {"200", "7", true, true, BODY_NONE, 7},
        {"204", NULL, false, true, BODY_NONE, 0},     {"304", "7", false, true, BODY_NONE, 7},
        {"103", NULL, false, false, BODY_NONE, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p[FIELDS_MAX] = {{":status", rows[i].status}};
        struct answer a;

        if (rows[i].length != NULL)
            p[1] = (struct pair){"content-length", rows[i].length};
        read_answer(&a, p, rows[i].to_head, rows[i].ended);
        cr_assert_eq(a.rc, PARSE_DONE, "row %zu", i);
        cr_assert_eq(a.head.body, rows[i].body, "row %zu", i);
        cr_assert_eq(a.head.length, rows[i].says, "row %zu", i);
        field_block_free(&a.block);
    }
}

Test(field_block_answers, what_http_does_not_allow_is_refused)
{
    static const struct pair rows[][FIELDS_MAX] = {
        {{"a", "b"}},
        {{":status", "20"}},
        {{":status", "2000"}},
        {{":status", "600"}},
        {{":status", "099"}},
        {{":status", "2x0"}},
        {{":status", "200"}, {":status", "200"}},
        {{":status", "200"}, {":path", "/"}},
        {{":status", "200"}, {"connection", "close"}},
        {{":status", "200"}, {"transfer-encoding", "chunked"}},
        {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}},
        {{":status", "200"}, {"x", "a\r\nb"}},
        {{":status", "200"}, {"X", "a"}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer a;

        read_answer(&a, rows[i], false, false);
        cr_assert_eq(a.rc, PARSE_BAD, "row %zu", i);
        cr_assert_not_null(a.err.what);
        field_block_free(&a.block);
    }
}

static enum parse read_trailers(const struct field_block *b, struct http_field *at,
                                struct field_list *l, struct head_error *err)
{
    static struct http_field scratch[TEST_FIELDS];
    static char mem[1];

    field_list_init(l, at, FIELDS_MAX, mem, sizeof mem);
    return field_block_trailers(b, &limits, scratch, l, err);
}

Test(field_block_answers, trailers_lose_what_frames_or_tells_credentials)
{
    static const struct pair p[FIELDS_MAX] = {{"grpc-status", "0"},     {"content-length", "5"},
                                              {"set-cookie", "a=1"},    {"authorization", "b"},
                                              {"x-forwarded-for", "1"}, {"x", "y"}};
    struct field_block b = {0};
    struct http_field at[FIELDS_MAX];
    struct field_list l;
    struct head_error err;

    add_all(&b, p);
    cr_assert_eq(read_trailers(&b, at, &l, &err), PARSE_DONE);
    cr_assert_eq(l.n, 2);
    cr_assert(slice_is(at[0].name, "grpc-status") && slice_is(at[0].value, "0"));
    cr_assert(slice_is(at[1].name, "x") && slice_is(at[1].value, "y"));
    field_block_spoil(&b, "a control character");
    cr_assert_eq(read_trailers(&b, at, &l, &err), PARSE_BAD, "none of broken ones");
    field_block_free(&b);
}

Test(field_block_answers, trailers_are_judged_as_heads_are)
{
    static const struct pair rows[][FIELDS_MAX] = {
        {{"X", "capital"}},
        {{":status", "200"}},
        {{"x", "a\rb"}},
        {{"", "nameless"}},
        {{"transfer-encoding", "chunked"}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct field_block b = {0};
        struct http_field at[FIELDS_MAX];
        struct field_list l;
        struct head_error err = {0};

        add_all(&b, rows[i]);
        cr_assert_eq(read_trailers(&b, at, &l, &err), PARSE_BAD, "row %zu", i);
        cr_assert_not_null(err.what);
        field_block_free(&b);
    }
}
