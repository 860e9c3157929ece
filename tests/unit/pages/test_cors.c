/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

static const char *const origins[] = {"https://chat.example", "http://localhost:3000"};
static const char *const all[] = {"*"};

Test(cors, allows_the_named_origins_exactly)
{
    cr_assert(cors_allows(origins, 2, SLICE_LIT("http://localhost:3000")));
    cr_assert_not(cors_allows(origins, 2, SLICE_LIT("http://localhost:30001")));
    cr_assert_not(cors_allows(origins, 2, SLICE_LIT("https://chat.example.evil")));
    cr_assert_not(cors_allows(origins, 2, SLICE_LIT("null")));
    cr_assert_not(cors_allows(origins, 2, SLICE_NONE));
    cr_assert(cors_allows(all, 1, SLICE_LIT("https://any.example")));
    cr_assert_not(cors_allows(all, 1, SLICE_LIT("https://a\tb")));
    cr_assert_not(cors_allows(all, 1, SLICE_LIT("https://a b")));
    cr_assert_not(cors_allows(all, 1, SLICE_LIT("https://\xb7.example")));
    cr_assert_not(cors_allows(NULL, 0, SLICE_LIT("https://any.example")));
}

static struct written preflight(const char *lines, const char *const *allowed, size_t n)
{
    struct written w = {.bytes = BUF_INIT};
    char head[8192];
    struct asked a;

    snprintf(head, sizeof head, "OPTIONS /v1/x HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    parse_asked(&a, head);
    cr_assert_eq(preflight_write(&a.head, allowed, n, "req\n1", 0, &w.bytes, 8192), WEIR_OK);
    parse_written(&w, false);
    cr_assert_eq(w.head.status, 204);
    cr_assert_eq(w.body.len, 0);
    cr_assert_str_eq(field_of(&w, "Content-Length"), "");
    cr_assert_str_eq(field_of(&w, "x-request-id"), "req_1");
    return w;
}

#define ASKS                                                                                       \
    "Origin: https://chat.example\r\nAccess-Control-Request-Method: POST\r\n"                      \
    "Access-Control-Request-Headers: authorization, x-stainless-lang\r\n"

Test(cors, a_preflight_is_told_what_it_asked)
{
    struct written w = preflight(ASKS, origins, 2);

    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Origin"), "https://chat.example");
    cr_assert(strstr(field_of(&w, "Access-Control-Allow-Methods"), "POST") != NULL);
    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Headers"),
                     "authorization, x-stainless-lang");
    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Credentials"), "");
    cr_assert(strstr(field_of(&w, "Vary"), "Origin") != NULL);
    cr_assert_str_eq(field_of(&w, "Connection"), "");
    buf_free(&w.bytes);
}

Test(cors, a_preflight_of_a_stranger_allows_nothing)
{
    struct written w = preflight("Origin: https://evil.example\r\nConnection: close\r\n"
                                 "Access-Control-Request-Method: POST\r\n",
                                 origins, 2);

    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Origin"), "");
    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Methods"), "");
    cr_assert_str_eq(field_of(&w, "Connection"), "close");
    buf_free(&w.bytes);
}

Test(cors, names_that_are_no_tokens_are_not_said_back)
{
    struct written w = preflight("Origin: https://chat.example\r\n"
                                 "Access-Control-Request-Headers: a\"b<c>\r\n",
                                 all, 1);

    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Headers"), "");
    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Origin"), "https://chat.example");
    buf_free(&w.bytes);
}

Test(cors, a_preflight_is_an_options_with_origin_and_method)
{
    struct asked a;

    parse_asked(&a, "OPTIONS / HTTP/1.1\r\nHost: a\r\n" ASKS "\r\n");
    cr_assert(request_is_preflight(&a.head));
    parse_asked(&a, "POST / HTTP/1.1\r\nHost: a\r\n" ASKS "\r\n");
    cr_assert_not(request_is_preflight(&a.head));
    parse_asked(&a, "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\n\r\n");
    cr_assert_not(request_is_preflight(&a.head));
}

Test(cors, a_refusal_can_be_read_by_the_page_that_asked)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct written w;
    struct asked a;
    const char *exposed;

    parse_asked(&a, "POST / HTTP/1.1\r\nHost: a\r\n" ASKS "\r\n");
    answer_wish_origin(&wish, &a.head, origins, 2);
    w = write_refusal(&r, &wish);
    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Origin"), "https://chat.example");
    exposed = field_of(&w, "Access-Control-Expose-Headers");
    cr_assert(strstr(exposed, "retry-after-ms") != NULL);
    cr_assert(strstr(exposed, "x-should-retry") != NULL);
    cr_assert(strstr(exposed, "x-request-id") != NULL);
    buf_free(&w.bytes);
    answer_wish_origin(&wish, &a.head, origins + 1, 1);
    w = write_refusal(&r, &wish);
    cr_assert_str_eq(field_of(&w, "Access-Control-Allow-Origin"), "");
    buf_free(&w.bytes);
}

Test(cors, an_origin_too_long_to_keep_is_not_allowed)
{
    struct answer_wish wish;
    char head[512];
    struct asked a;

    snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://%0200d\r\n\r\n", 1);
    parse_asked(&a, head);
    answer_wish_origin(&wish, &a.head, all, 1);
    cr_assert_str_eq(wish.origin, "");
}
