/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A head comes in pieces.  Whatever its prefix, the parser says "more" or what it will say in the
 * end, and never reads behind the last byte.
 */
#include "guard.h"
#include "heads.h"

static const struct slice requests[] = {
    SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    SLICE_LIT("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nmore"),
    SLICE_LIT(
        "POST http://a.example:80/v1/chat/completions?x=y HTTP/1.1\r\nHost: b\r\n"
        "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\nContent-Length: 0012\r\n"
        "Content-Length: 12\r\nAccept:\t*/* \t\r\nConnection: close, X-A\r\nX-A: \r\n"
        "User-Agent: \xc3\xa9 t\test\r\n\r\n{\"a\": \"bcd\"}"),
    SLICE_LIT("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
    SLICE_LIT("OPTIONS * HTTP/1.0\r\n\r\n"),
    SLICE_LIT("GET / HTTP/1.1\nHost: h\r\n\r\n"),
    SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"),
    SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n"),
    SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nX_Y: a\r\n\r\n"),
    SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"),
    SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nX: 01234567\0\r\n\r\n"),
    SLICE_LIT("GET /#x HTTP/1.1\r\nHost: h\r\n\r\n"),
    SLICE_LIT("GET / HTTP/3.1\r\nHost: h\r\n\r\n"),
    SLICE_LIT("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"),
    SLICE_LIT(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n"),
    SLICE_LIT("\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    SLICE_LIT("\rGET / HTTP/1.1\r\n\r\n"),
};

static void check_request(struct guard *g, struct slice all, const struct head_limits *limits)
{
    struct test_request whole, part;
    bool bad = false;

    read_request(&whole, all, limits);
    for (size_t n = 0; n <= all.len; n++) {
        read_request(&part, guard_put(g, slice_of(all.p, n)), limits);
        if (part.rc == PARSE_MORE) {
            cr_assert(!bad, "good again at %zu", n);
            cr_assert(n < all.len || whole.rc == PARSE_MORE);
            continue;
        }
        cr_assert_eq(part.rc, whole.rc, "at %zu of %.*s", n, (int)all.len, all.p);
        cr_assert_eq(part.used, whole.used);
        cr_assert_eq(part.head.n_fields, whole.head.n_fields);
        bad = part.rc == PARSE_BAD;
        if (bad) {
            cr_assert_eq(part.err.status, whole.err.status, "at %zu", n);
            cr_assert_str_eq(part.err.what, whole.err.what);
        } else {
            cr_assert_geq(n, whole.used);
        }
    }
}

Test(head_splits, every_prefix_of_a_request_says_more_or_the_same)
{
    static const struct head_limits small = {.line = 20, .head = 60, .fields = 2, .body = 5};
    struct guard g;

    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        check_request(&g, requests[i], &test_limits);
        check_request(&g, requests[i], &small);
    }
    guard_fini(&g);
}

static const struct slice responses[] = {
    SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
              "Connection: keep-alive\r\n\r\n5\r\nhello"),
    SLICE_LIT("HTTP/1.0 304\r\nContent-Length: 10\r\nContent-Encoding: gzip, identity\r\n\r\n"),
    SLICE_LIT("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
    SLICE_LIT("HTTP/1.1 999 X\r\n\r\n"),
    SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 11\r\n\r\n"),
    SLICE_LIT("HTTP/1.1 200 OK\nX: y\r\n\r\n"),
    SLICE_LIT("SSH-2.0-OpenSSH_9.2\r\n"),
};

Test(head_splits, every_prefix_of_a_response_says_more_or_the_same)
{
    struct test_response whole, part;
    struct guard g;

    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
        read_response(&whole, responses[i], false, true);
        for (size_t n = 0; n <= responses[i].len; n++) {
            read_response(&part, guard_put(&g, slice_of(responses[i].p, n)), false, true);
            if (part.rc == PARSE_MORE)
                continue;
            cr_assert_eq(part.rc, whole.rc, "row %zu at %zu", i, n);
            cr_assert_eq(part.used, whole.used);
            cr_assert_eq(part.head.switched, whole.head.switched);
            cr_assert_eq(part.head.body, whole.head.body);
        }
        cr_assert_neq(part.rc, PARSE_MORE);
    }
    guard_fini(&g);
}

/* Every byte in every place of a small head: no crash, and a NUL, bare CR or bare LF never passes.
 */
Test(head_splits, no_control_character_passes_in_any_place)
{
    static const char text[] = "GET /a HTTP/1.1\r\nHost: h\r\nX-Y: z\r\n\r\n";
    struct test_request r;
    struct guard g;
    char mem[sizeof text];

    guard_init(&g, sizeof mem);
    for (size_t i = 0; i < sizeof text - 1; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(mem, text, sizeof text);
            if (mem[i] == (char)c)
                continue;
            mem[i] = (char)c;
            read_request(&r, guard_put(&g, slice_of(mem, sizeof text - 1)), &test_limits);
            if ((c < 32 && c != '\t') || c == 127)
                cr_assert_neq(r.rc, PARSE_DONE, "byte %d at %zu", c, i);
        }
    guard_fini(&g);
}
