/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are served: what a head says. */
#include <stdio.h>

#include "heads.h"

Test(request, a_small_head_is_understood)
{
    struct test_request r;

    good_request(&r, "GET /v1/models?a=b HTTP/1.1\r\nHost: example.org\r\n\r\n");
    cr_assert(slice_is(r.head.method, "GET"));
    cr_assert(slice_is(r.head.target, "/v1/models?a=b"));
    cr_assert(slice_is(r.head.host, "example.org"));
    cr_assert_eq(r.head.minor, 1);
    cr_assert_eq(r.head.n_fields, 1);
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert(r.head.keep_alive);
    cr_assert(!r.head.is_head);
    cr_assert(!r.head.websocket);
    cr_assert(!r.head.expect_continue);
}

Test(request, fields_are_found_by_id_and_keep_their_order)
{
    struct test_request r;

    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nAUTHORIZATION: Bearer k\r\nX-Other: 1\r\n"
                     "Cookie: a=1\r\nCookie: b=2\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(r.head.n_fields, 6);
    cr_assert(slice_is(request_field(&r.head, FIELD_AUTHORIZATION), "Bearer k"));
    cr_assert(slice_is(request_field(&r.head, FIELD_COOKIE), "a=1"));
    cr_assert_eq(r.fields[2].id, FIELD_OTHER);
    cr_assert(slice_is(r.fields[2].name, "X-Other"));
    cr_assert(slice_is(r.fields[4].value, "b=2"));
    cr_assert_null(request_field(&r.head, FIELD_ORIGIN).p);
}

Test(request, blanks_around_a_value_are_not_part_of_it)
{
    struct test_request r;

    good_request(
        &r, "GET / HTTP/1.1\r\nHost:h\r\nA: \t x  y\t \r\nB:\r\nC: \t\r\nD:\xc3\xa9\t\xff\r\n\r\n");
    cr_assert(slice_is(r.fields[1].value, "x  y"));
    cr_assert_eq(r.fields[2].value.len, 0);
    cr_assert_eq(r.fields[3].value.len, 0);
    cr_assert(slice_is(r.fields[4].value, "\xc3\xa9\t\xff"));
}

Test(request, what_follows_the_head_is_not_taken)
{
    struct test_request r;

    read_request(&r, SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /next"), &test_limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert_eq(r.used, 27);
}

Test(request, one_empty_line_before_it_is_overlooked)
{
    struct test_request r;

    good_request(&r, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    read_request(&r, SLICE_LIT("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    read_request(&r, SLICE_LIT("\r\n"), &test_limits);
    cr_assert_eq(r.rc, PARSE_MORE);
}

Test(request, any_method_that_is_a_token_passes)
{
    struct test_request r;

    good_request(&r, "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n");
    good_request(&r, "M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n");
    good_request(&r, "connect / HTTP/1.1\r\nHost: h\r\n\r\n");
    good_request(&r, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(r.head.is_head);
}

Test(request, http_1_0_needs_no_host_and_closes_by_default)
{
    struct test_request r;

    good_request(&r, "GET / HTTP/1.0\r\n\r\n");
    cr_assert_eq(r.head.minor, 0);
    cr_assert_eq(r.head.host.len, 0);
    cr_assert(!r.head.keep_alive);
    good_request(&r, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    cr_assert(r.head.keep_alive);
}

Test(request, connection_close_is_heard_anywhere_in_the_lists)
{
    struct test_request r;

    good_request(&r, "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n"
                     "Connection: foo ,CLOSE\r\n\r\n");
    cr_assert(!r.head.keep_alive);
    good_request(&r, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
    cr_assert(!r.head.keep_alive);
}

Test(request, an_absolute_target_is_split_and_overrules_host)
{
    struct test_request r;

    good_request(&r, "GET HTTP://a.example:81/p?q HTTP/1.1\r\nHost: other\r\n\r\n");
    cr_assert(slice_is(r.head.host, "a.example:81"));
    cr_assert(slice_is(r.head.target, "/p?q"));
    cr_assert(slice_is(request_field(&r.head, FIELD_HOST), "a.example:81"));
    good_request(&r, "GET https://a HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(slice_is(r.head.target, "/"));
    good_request(&r, "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(slice_is(r.head.target, "*"));
    good_request(&r, "GET http://a/x HTTP/1.0\r\n\r\n");
    cr_assert(slice_is(r.head.host, "a"));
}

Test(request, options_may_ask_about_the_server)
{
    struct test_request r;

    good_request(&r, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(slice_is(r.head.target, "*"));
}

Test(request, hosts_in_all_their_forms_pass)
{
    static const char *const hosts[] = {
        "h",           "a.b-c.example", "h:8080", "h:",      "127.0.0.1:1",  "[::1]",
        "[::1]:443",   "my_back_end",   "a%20b",  "h:65535", "h!$&'()*+,;=", "[::ffff:1.2.3.4]:",
        "xn--e1afmkfd"};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct test_request r;
        char text[200];

        (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        good_request(&r, text);
        cr_assert(slice_is(r.head.host, hosts[i]));
    }
}

Test(request, bodies_are_counted_or_chunked)
{
    struct test_request r;

    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_COUNTED);
    cr_assert_eq(r.head.length, 12);
    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_COUNTED);
    cr_assert_eq(r.head.length, 0);
    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_CHUNKED);
}

Test(request, equal_lengths_are_one_and_written_without_leading_zeros)
{
    struct test_request r;

    good_request(
        &r, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0010\r\nContent-Length: 10\r\n\r\n");
    cr_assert_eq(r.head.length, 10);
    cr_assert(slice_is(request_field(&r.head, FIELD_CONTENT_LENGTH), "10"));
    cr_assert(!r.fields[1].hop);
    cr_assert(r.fields[2].hop);
    good_request(&r, "POST / HTTP/1.0\r\nContent-Length: 000\r\n\r\n");
    cr_assert(slice_is(request_field(&r.head, FIELD_CONTENT_LENGTH), "0"));
}

Test(request, expect_counts_with_a_body_and_in_http_1_1_only)
{
    struct test_request r;

    good_request(&r,
                 "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
    cr_assert(r.head.expect_continue);
    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    cr_assert(r.head.expect_continue);
    good_request(&r,
                 "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    cr_assert(!r.head.expect_continue);
    good_request(&r, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    cr_assert(!r.head.expect_continue);
    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nExpect: lunch\r\nContent-Length: 1\r\n\r\n");
    cr_assert(!r.head.expect_continue);
}

Test(request, hop_by_hop_fields_and_those_named_by_connection_are_marked)
{
    static const char *const hops[] = {"connection",
                                       "keep-alive",
                                       "proxy-connection",
                                       "te",
                                       "trailer",
                                       "upgrade",
                                       "http2-settings",
                                       "x-mine",
                                       "proxy-authorization",
                                       "proxy-authenticate",
                                       "accept"};
    struct test_request r;
    size_t marked = 0;

    good_request(&r, "GET / HTTP/1.1\r\nHost: h\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                     "Connection: X-MINE, Accept,close,X-Absent\r\nTrailer: x\r\nUpgrade: h2c\r\n"
                     "HTTP2-Settings: AA\r\nProxy-Connection: close\r\nAccept: a\r\nAccept: b\r\n"
                     "Proxy-Authorization: x\r\nProxy-Authenticate: y\r\nX-Minet: 2\r\n"
                     "User-Agent: u\r\n\r\n");
    for (size_t i = 0; i < sizeof hops / sizeof hops[0]; i++)
        cr_assert(field_named(r.fields, r.head.n_fields, hops[i])->hop, "%s", hops[i]);
    for (size_t i = 0; i < r.head.n_fields; i++)
        marked += r.fields[i].hop;
    cr_assert_eq(marked, 12); /* accept twice */
}

Test(request, connection_cannot_take_away_what_a_request_needs)
{
    static const char *const kept[] = {"host", "content-length", "content-type", "authorization",
                                       "cookie"};
    struct test_request r;

    good_request(&r,
                 "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Type: t\r\n"
                 "Authorization: a\r\nCookie: c\r\n"
                 "Connection: host, content-length, content-type, authorization, cookie\r\n\r\n");
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        cr_assert(!field_named(r.fields, r.head.n_fields, kept[i])->hop, "%s", kept[i]);
    cr_assert_eq(r.head.length, 3);
}

Test(request, names_with_an_underscore_can_be_dropped)
{
    struct head_limits limits = test_limits;
    struct test_request r;

    limits.underscores = UNDERSCORES_DROPPED;
    read_request(&r,
                 SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent_Length: 7\r\n"
                           "Transfer_Encoding: chunked\r\nX: 1\r\n\r\n"),
                 &limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert_eq(r.head.n_fields, 2);
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert(slice_is(r.fields[1].name, "X"));
}

#define WEBSOCKET                                                                                  \
    "Host: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"                         \
    "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

Test(request, a_websocket_upgrade_is_recognised)
{
    struct test_request r;

    good_request(&r, "GET /ws HTTP/1.1\r\n" WEBSOCKET KEY "\r\n");
    cr_assert(r.head.websocket);
    cr_assert(r.head.keep_alive);
}

Test(request, what_only_looks_like_a_websocket_upgrade_is_an_ordinary_request)
{
    static const char *const others[] = {
        "POST /ws HTTP/1.1\r\n" WEBSOCKET KEY "\r\n",
        "GET /ws HTTP/1.0\r\n" WEBSOCKET KEY "\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET "\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET KEY KEY "\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET KEY "Content-Length: 5\r\n\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET KEY "Transfer-Encoding: chunked\r\n\r\n",
        "GET /ws HTTP/1.1\r\n" WEBSOCKET KEY "Upgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABk\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" KEY
        "\r\n",
        "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n"
        "Sec-WebSocket-Version: 13\r\n" KEY "\r\n",
        "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 8\r\n" KEY "\r\n",
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct test_request r;

        good_request(&r, others[i]);
        cr_assert(!r.head.websocket, "%s", others[i]);
    }
}

/* A head of n bytes fed byte by byte; how many of its bytes are parsed in all. */
static size_t work_of(char *mem, size_t n, struct test_request *r)
{
    struct head_wait wait = {0};
    size_t work = 0;

    memset(mem, 'a', n);
    memcpy(mem, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
    memcpy(mem + n - 4, "\r\n\r\n", 4);
    for (size_t i = 1; i <= n; i++) {
        r->rc = PARSE_MORE;
        if (!head_is_due(&wait, slice_of(mem, i), &test_limits))
            continue;
        read_request(r, slice_of(mem, i), &test_limits);
        work += i;
        cr_assert(i < n ? r->rc == PARSE_MORE : r->rc == PARSE_DONE);
    }
    return work;
}

Test(request, a_head_in_small_pieces_is_not_parsed_at_each)
{
    static char mem[32768];
    struct test_request r;

    cr_assert_lt(work_of(mem, 32768, &r), 5 * 32768);
    cr_assert_eq(r.rc, PARSE_DONE, "at its last byte");
    cr_assert_lt(work_of(mem, 100, &r), 500);
    cr_assert_eq(r.rc, PARSE_DONE);
}

Test(request, a_head_is_due_at_the_end_of_its_first_line)
{
    struct head_wait wait = {0};

    cr_assert(head_is_due(&wait, SLICE_LIT("GET /"), &test_limits));
    cr_assert(!head_is_due(&wait, SLICE_LIT("GET /\r"), &test_limits));
    cr_assert(head_is_due(&wait, SLICE_LIT("GET /\r\n"), &test_limits));
    cr_assert(!head_is_due(&wait, SLICE_LIT("GET /\r\nA:"), &test_limits));
}

Test(request, a_head_is_due_at_its_empty_line_and_beyond_the_limit)
{
    static const char *const ends[] = {"\r\n\r\n", "\n\r\n", "\n\n"};
    static char mem[40000];

    for (size_t e = 0; e < 3; e++)
        for (size_t at = 50; at < 80; at++) {
            struct head_wait wait = {.line = true};
            size_t n = at + strlen(ends[e]);

            memset(mem, 'a', sizeof mem);
            memcpy(mem + at, ends[e], strlen(ends[e]));
            cr_assert(head_is_due(&wait, slice_of(mem, 40), &test_limits));
            cr_assert(!head_is_due(&wait, slice_of(mem, 41), &test_limits));
            wait.due = SIZE_MAX;
            for (size_t i = 42; i < n; i++)
                cr_assert(!head_is_due(&wait, slice_of(mem, i), &test_limits), "%zu", i);
            cr_assert(head_is_due(&wait, slice_of(mem, n), &test_limits));
        }
    memset(mem, 'a', sizeof mem);
    for (size_t n = 32768; n <= 32769; n++) {
        struct head_wait wait = {.due = SIZE_MAX};

        cr_assert_eq(head_is_due(&wait, slice_of(mem, n), &test_limits), n > 32768);
    }
}
