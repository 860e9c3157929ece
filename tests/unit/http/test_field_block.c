/* SPDX-License-Identifier: Apache-2.0 */
/* Field blocks of HTTP/2 read as requests: by the rules of HTTP/1, and by those of their own. */
#include "heads.h"
#include "weir/http/field_block.h"

enum { FIELDS_MAX = 12 };

struct pair {
    const char *name, *value;
};

struct block {
    struct field_block block;
    struct request_head head;
    struct http_field fields[TEST_FIELDS];
    struct head_error err;
    enum parse rc;
};

static void add_all(struct block *b, const struct pair *p, const struct head_limits *limits)
{
    for (size_t i = 0; i < FIELDS_MAX && p[i].name != NULL; i++)
        field_block_add(&b->block, limits, slice_str(p[i].name), slice_str(p[i].value));
}

static void read_block(struct block *b, const struct pair *p, bool ended,
                       const struct head_limits *limits)
{
    memset(b, 0, sizeof *b);
    add_all(b, p, limits);
    b->rc = field_block_request(&b->block, limits, ended, b->fields, &b->head, &b->err);
}

#define GET(path)                                                                                  \
    {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"},                         \
    {                                                                                              \
        ":path", path                                                                              \
    }
#define POST                                                                                       \
    {":method", "POST"}, {":scheme", "https"}, {":authority", "a.example"},                        \
    {                                                                                              \
        ":path", "/v1/chat/completions"                                                            \
    }

static void good(struct block *b, const struct pair *p, bool ended)
{
    read_block(b, p, ended, &test_limits);
    cr_assert_eq(b->rc, PARSE_DONE, "refused: %s", b->err.what);
}

Test(field_block, is_read_as_the_same_request_in_http_1_would_be)
{
    static const struct pair p[FIELDS_MAX] = {
        POST, {"content-length", "5"}, {"accept", " text/html "}, {"te", "trailers"}};
    struct block b;

    good(&b, p, false);
    cr_assert(slice_is(b.head.method, "POST") && slice_is(b.head.host, "a.example"));
    cr_assert(slice_is(b.head.target, "/v1/chat/completions"));
    cr_assert(b.head.http2 && b.head.keep_alive && !b.head.unframed);
    cr_assert_eq(b.head.body, BODY_COUNTED);
    cr_assert_eq(b.head.length, 5);
    cr_assert_eq(b.head.n_fields, 3);
    cr_assert(slice_is(request_field(&b.head, FIELD_ACCEPT), "text/html"));
    cr_assert(field_named(b.fields, 3, "te")->hop);
    field_block_free(&b.block);
}

Test(field_block, a_body_is_as_long_as_it_says_or_open)
{
    static const struct {
        const char *method, *length;
        bool ended;
        enum body_kind body;
        bool unframed;
    } rows[] = {
        {"GET", NULL, true, BODY_NONE, false},     {"POST", NULL, true, BODY_COUNTED, false},
        {"PUT", "0", true, BODY_COUNTED, false},   {"POST", NULL, false, BODY_CHUNKED, true},
        {"POST", "0", false, BODY_CHUNKED, true},  {"POST", "7", false, BODY_COUNTED, false},
        {"DELETE", "0", true, BODY_COUNTED, false}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p[FIELDS_MAX] = {
            {":method", rows[i].method},
            {":scheme", "https"},
            {":authority", "h"},
            {":path", "/"},
            {rows[i].length == NULL ? NULL : "content-length", rows[i].length}};
        struct block b;

        good(&b, p, rows[i].ended);
        cr_assert_eq(b.head.body, rows[i].body, "row %zu", i);
        cr_assert_eq(b.head.unframed, rows[i].unframed, "row %zu", i);
        field_block_free(&b.block);
    }
}

Test(field_block, cookies_in_pieces_are_one_field)
{
    static const struct pair p[FIELDS_MAX] = {
        GET("/"), {"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}};
    struct head_limits limits = test_limits;
    struct block b;

    limits.fields = 2;
    read_block(&b, p, true, &limits);
    cr_assert_eq(b.rc, PARSE_DONE);
    cr_assert_eq(b.head.n_fields, 2);
    cr_assert(slice_is(request_field(&b.head, FIELD_COOKIE), "a=1; b=2; c=3"));
    field_block_free(&b.block);
}

Test(field_block, an_authority_and_a_host_are_one_opinion)
{
    static const struct {
        const char *authority, *host;
        bool good;
    } rows[] = {{"a.example", "a.example", true},
                {"a.example", "A.Example", true},
                {"a.example", NULL, true},
                {NULL, "a.example", true},
                {NULL, NULL, false},
                {"a.example", "b.example", false},
                {"a.example", "a.example:8", false},
                {"u@a.example", NULL, false},
                {"u:p@a.example", "u:p@a.example", false},
                {"a/b", NULL, false},
                {"", "a.example", false},
                {" ", NULL, false},
                {"a.example", "", false},
                {"a b", NULL, false}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p[FIELDS_MAX] = {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}};
        size_t n = 3;
        struct block b;

        if (rows[i].authority != NULL)
            p[n++] = (struct pair){":authority", rows[i].authority};
        if (rows[i].host != NULL)
            p[n++] = (struct pair){"host", rows[i].host};
        read_block(&b, p, true, &test_limits);
        cr_assert_eq(b.rc == PARSE_DONE, rows[i].good, "row %zu: %s", i, b.err.what);
        cr_assert(rows[i].good || b.err.status == 400);
        cr_assert(!rows[i].good || slice_eq_nocase(b.head.host, SLICE_LIT("a.example")));
        field_block_free(&b.block);
    }
}

Test(field_block, what_http_does_not_allow_is_refused)
{
    static const struct {
        int status;
        struct pair p[FIELDS_MAX];
    } rows[] = {
        {501, {{":method", "CONNECT"}, {":authority", "a:1"}}},
        {501, {{":method", "TRACE"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}},
        {400, {{":method", "G T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}},
        {400, {{":scheme", "http"}, {":path", "/"}, {":authority", "a"}}},
        {400, {{":method", "GET"}, {":path", "/"}, {":authority", "a"}}},
        {400, {{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a"}}},
        {400, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}},
        {400, {GET("")}},
        {400, {GET("*")}},
        {400, {GET("a")}},
        {400, {GET("http://a.example/")}},
        {400, {GET("/#f")}},
        {400, {GET("/a b")}},
        {400, {GET("/a\r\nx: y")}},
        {400, {GET("/"), {":path", "/b"}}},
        {400, {{":method", "GET"}, {":method", "PUT"}, {":scheme", "http"}, {":path", "/"}}},
        {400, {GET("/"), {"a", "b"}, {":authority", "b"}}},
        {400, {GET("/"), {":protocol", "websocket"}}},
        {400, {GET("/"), {"", "x"}}},
        {400, {GET("/"), {"Upper", "x"}}},
        {400, {GET("/"), {"a b", "x"}}},
        {400, {GET("/"), {"a:", "x"}}},
        {400, {GET("/"), {"a_b", "x"}}},
        {400, {GET("/"), {"a", "x\r\nb: c"}}},
        {400, {GET("/"), {"a", "x\ny"}}},
        {400, {GET("/"), {"connection", "close"}}},
        {400, {GET("/"), {"keep-alive", "1"}}},
        {400, {GET("/"), {"proxy-connection", "close"}}},
        {400, {GET("/"), {"transfer-encoding", "chunked"}}},
        {400, {GET("/"), {"upgrade", "h2c"}}},
        {400, {GET("/"), {"te", "gzip"}}},
        {400, {GET("/"), {"te", "trailers, gzip"}}},
        {400, {GET("/"), {"host", "a.example"}, {"host", "a.example"}}},
        {400, {GET("/"), {"content-length", "5x"}}},
        {400, {GET("/"), {"content-length", "1"}, {"content-length", "2"}}},
        {400, {GET("/"), {"content-length", "5"}}},
        {413, {POST, {"content-length", "33554433"}}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct block b;

        read_block(&b, rows[i].p, true, &test_limits);
        cr_assert_eq(b.rc, PARSE_BAD, "row %zu passed", i);
        cr_assert_eq(b.err.status, rows[i].status, "row %zu: %d %s", i, b.err.status, b.err.what);
        field_block_free(&b.block);
    }
}

Test(field_block, what_is_too_much_is_counted_and_not_kept)
{
    static const struct pair p[FIELDS_MAX] = {
        POST, {"a", "0123456789"}, {"b", "0123456789"}, {"c", "0123456789"}};
    struct head_limits limits = test_limits;
    struct block b;

    limits.head = 4 * 32 + 80;
    read_block(&b, p, true, &limits);
    cr_assert_eq(b.rc, PARSE_BAD);
    cr_assert_eq(b.err.status, 431);
    cr_assert(slice_is(b.head.target, "/v1/chat/completions"), "the dialect is known");
    cr_assert_leq(field_block_held(&b.block), limits.head);
    cr_assert_geq(b.block.size, 7 * 32);
    field_block_free(&b.block);
    limits = test_limits;
    limits.fields = 2;
    read_block(&b, p, true, &limits);
    cr_assert_eq(b.err.status, 431);
    field_block_free(&b.block);
    limits.line = 10;
    read_block(&b, p, true, &limits);
    cr_assert_eq(b.err.status, 414);
    field_block_free(&b.block);
}

Test(field_block, four_times_what_a_head_may_have_is_a_flood)
{
    struct head_limits limits = test_limits;
    struct field_block b = {0};

    limits.head = 100;
    for (int i = 0; i < 10; i++)
        field_block_add(&b, &limits, SLICE_LIT("name"), SLICE_LIT("four"));
    cr_assert_eq(b.size, 4 * limits.head);
    cr_assert_not(field_block_floods(&b, &limits), "too large, but no more than that");
    field_block_add(&b, &limits, SLICE_LIT("a"), SLICE_NONE);
    cr_assert(field_block_floods(&b, &limits));
    field_block_free(&b);
}

Test(field_block, what_the_framing_found_is_told)
{
    static const struct pair p[FIELDS_MAX] = {GET("/")};
    struct block b;

    memset(&b, 0, sizeof b);
    add_all(&b, p, &test_limits);
    field_block_spoil(&b.block, "a first reason");
    field_block_spoil(&b.block, "a second reason");
    b.rc = field_block_request(&b.block, &test_limits, true, b.fields, &b.head, &b.err);
    cr_assert_eq(b.rc, PARSE_BAD);
    cr_assert_eq(b.err.status, 400);
    cr_assert_str_eq(b.err.what, "a first reason");
    field_block_free(&b.block);
}

Test(field_block, names_with_underscores_follow_the_setting)
{
    static const struct pair p[FIELDS_MAX] = {GET("/"), {"a_b", "1"}, {"c", "2"}};
    struct head_limits limits = test_limits;
    struct block b;

    limits.underscores = UNDERSCORES_DROPPED;
    read_block(&b, p, true, &limits);
    cr_assert_eq(b.head.n_fields, 1);
    field_block_free(&b.block);
    limits.underscores = UNDERSCORES_KEPT;
    read_block(&b, p, true, &limits);
    cr_assert_eq(b.head.n_fields, 2);
    field_block_free(&b.block);
}
