/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "heads.h"

Test(response, a_small_head_is_understood)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 200 OK then\r\nContent-Length: 5\r\nServer: x\r\n\r\n");
    cr_assert_eq(r.head.status, 200);
    cr_assert_eq(r.head.minor, 1);
    cr_assert(slice_is(r.head.reason, "OK then"));
    cr_assert_eq(r.head.body, BODY_COUNTED);
    cr_assert_eq(r.head.length, 5);
    cr_assert(r.head.keep_alive);
    cr_assert(slice_is(response_field(&r.head, FIELD_SERVER), "x"));
}

Test(response, a_reason_may_be_empty_or_missing)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 204 \r\n\r\n");
    cr_assert_eq(r.head.reason.len, 0);
    good_response(&r, "HTTP/1.1 204\r\n\r\n");
    cr_assert_eq(r.head.status, 204);
    good_response(&r, "HTTP/1.1 404 Nicht gefunden \xc3\xa4\t!\r\n\r\n");
}

Test(response, without_a_length_the_body_ends_with_the_connection)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 200 OK\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_TO_CLOSE);
    cr_assert(!r.head.keep_alive);
    good_response(&r, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n");
    cr_assert(!r.head.keep_alive);
    good_response(&r, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
    cr_assert(r.head.keep_alive);
    good_response(&r, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    cr_assert(!r.head.keep_alive);
    good_response(&r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_CHUNKED);
    cr_assert(!r.head.keep_alive);
}

Test(response, some_have_no_body_whatever_their_fields_say)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert(r.fields[0].hop);
    good_response(&r, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert_eq(r.head.length, 5);
    cr_assert(!r.fields[0].hop);
    good_response(&r, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert(r.head.keep_alive);
    good_response(&r, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert(r.head.keep_alive);
    read_response(&r, SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"), true, false);
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert_eq(r.head.length, 7);
    read_response(&r, SLICE_LIT("HTTP/1.1 200 OK\r\n\r\n"), true, false);
    cr_assert_eq(r.head.body, BODY_NONE);
    cr_assert(r.head.keep_alive);
}

Test(response, the_kind_of_stream_is_told_by_its_media_type)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\n");
    cr_assert(r.head.event_stream && !r.head.ndjson && !r.head.encoded);
    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson ;a=b\r\n\r\n");
    cr_assert(r.head.ndjson && !r.head.event_stream);
    good_response(&r,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\r\n");
    cr_assert(r.head.binary_events);
    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n\r\n");
    cr_assert(!r.head.event_stream);
    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
    cr_assert(!r.head.event_stream && !r.head.ndjson && !r.head.binary_events);
}

Test(response, an_encoding_that_is_not_identity_is_one)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    cr_assert(r.head.encoded);
    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\n\r\n");
    cr_assert(!r.head.encoded);
    good_response(&r,
                  "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\n\r\n");
    cr_assert(r.head.encoded);
    good_response(&r, "HTTP/1.1 200 OK\r\nContent-Encoding:\r\n\r\n");
    cr_assert(!r.head.encoded);
}

static bool is_encoded(const char *word)
{
    struct test_response r;
    char head[200];

    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n\r\n", word);
    good_response(&r, head);
    return r.head.encoded;
}

Test(response, words_in_content_encoding_that_are_no_coding_are_none)
{
    static const char *const none[] = {
        "",       "identity",     "none",     "None", "utf-8",           "UTF8", "iso-8859-1",
        "latin1", "windows-1252", "us-ascii", "8bit", "identity, utf-8", ", ,"};
    static const char *const some[] = {"gzip",    "x-gzip", "deflate",    "br",      "zstd",
                                       "unknown", "nones",  "none, gzip", "compress"};

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        cr_assert(!is_encoded(none[i]), "%s", none[i]);
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        cr_assert(is_encoded(some[i]), "%s", some[i]);
}

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"

Test(response, protocols_are_switched_only_when_that_was_asked_for)
{
    struct test_response r;

    read_response(&r, SLICE_LIT(SWITCH "Connection: Upgrade\r\n\r\n"), false, true);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert(r.head.switched);
    read_response(&r, SLICE_LIT(SWITCH "Connection: Upgrade\r\n\r\n"), false, false);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 502);
    read_response(&r, SLICE_LIT(SWITCH "\r\n"), false, true);
    cr_assert_eq(r.rc, PARSE_BAD);
    read_response(&r, SLICE_LIT("HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
                  false, true);
    cr_assert_eq(r.rc, PARSE_BAD);
    read_response(&r, SLICE_LIT("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), false,
                  true);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert(!r.head.switched);
}

Test(response, is_refused_as_strictly_as_a_request)
{
    static const struct slice rows[] = {
        SLICE_LIT("HTTP/1.1 200 OK\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nX: a\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nX : a\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 O\rK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 20 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 2000 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 099 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 600 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 2x0 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1  200 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.1\t200 OK\r\n\r\n"),
        SLICE_LIT("HTTP/2.0 200 OK\r\n\r\n"),
        SLICE_LIT("HTTP/1.2 200 OK\r\n\r\n"),
        SLICE_LIT("HTTP/0.9 200 OK\r\n\r\n"),
        SLICE_LIT("http/1.1 200 OK\r\n\r\n"),
        SLICE_LIT("ICY 200 OK\r\n\r\n"),
        SLICE_LIT("\r\nHTTP/1.1 200 OK\r\n\r\n"),
        SLICE_LIT("<html>\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"),
        SLICE_LIT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_LIT("HTTP/1.1 204 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct test_response r;

        read_response(&r, rows[i], false, false);
        cr_assert_eq(r.rc, PARSE_BAD, "row %zu passed", i);
        cr_assert_eq(r.err.status, 502);
        cr_assert_eq(r.err.cause, CAUSE_BAD_GATEWAY);
        cr_assert_not_null(r.err.what);
    }
}

Test(response, names_with_an_underscore_are_kept)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 200 OK\r\nllm_provider-date: 1\r\nContent_Length: 5\r\n\r\n");
    cr_assert_eq(r.head.n_fields, 2);
    cr_assert_eq(r.head.body, BODY_TO_CLOSE);
}

Test(response, hop_by_hop_fields_are_marked)
{
    struct test_response r;

    good_response(&r, "HTTP/1.1 200 OK\r\nConnection: X-Internal\r\nX-Internal: 1\r\nKeep-Alive: "
                      "timeout=5\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nVia: x\r\n\r\n");
    for (size_t i = 0; i < 4; i++)
        cr_assert(r.fields[i].hop, "%zu", i);
    cr_assert(!r.fields[4].hop);
    cr_assert(!r.fields[5].hop);
}
