/* SPDX-License-Identifier: Apache-2.0 */
/* Each limit at its edge: exactly at it passes, one more does not. */
#include <stdio.h>

#include "heads.h"

enum { ROOM = 70000 };

static const char tail[] = " HTTP/1.1\r\nHost: h\r\n\r\n";

/* GET /aaa... with a request line of n bytes. */
static struct slice line_of(char *mem, size_t n)
{
    size_t path = n - strlen("GET  HTTP/1.1");

    memcpy(mem, "GET ", 4);
    mem[4] = '/';
    memset(mem + 5, 'a', path - 1);
    memcpy(mem + 4 + path, tail, sizeof tail - 1);
    return slice_of(mem, 4 + path + sizeof tail - 1);
}

Test(head_limits, a_request_line_of_exactly_the_limit_passes)
{
    static char mem[ROOM];
    struct test_request r;

    read_request(&r, line_of(mem, 8192), &test_limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    read_request(&r, line_of(mem, 8193), &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 414);
    cr_assert_eq(r.err.cause, CAUSE_URI_TOO_LONG);
}

Test(head_limits, an_endless_request_line_is_refused_before_its_end)
{
    static char mem[ROOM];
    struct test_request r;

    memset(mem, 'A', sizeof mem);
    read_request(&r, slice_of(mem, 8192 + 2), &test_limits);
    cr_assert_eq(r.rc, PARSE_MORE);
    read_request(&r, slice_of(mem, 8192 + 3), &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 414);
}

/* A head of n bytes in all, most of them in the value of one field. */
static struct slice head_of(char *mem, size_t n)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    size_t at = sizeof start - 1;

    memcpy(mem, start, at);
    memset(mem + at, 'v', n - 4 - at);
    memcpy(mem + n - 4, "\r\n\r\n", 4);
    return slice_of(mem, n);
}

Test(head_limits, a_head_of_exactly_the_limit_passes)
{
    static char mem[ROOM];
    struct test_request r;

    read_request(&r, head_of(mem, 32768), &test_limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert_eq(r.used, 32768);
    read_request(&r, head_of(mem, 32769), &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 431);
    cr_assert_eq(r.err.cause, CAUSE_HEADERS_TOO_LARGE);
}

Test(head_limits, an_unfinished_head_is_refused_once_it_has_passed_the_limit)
{
    static char mem[ROOM];
    struct test_request r;

    (void)head_of(mem, 40000);
    read_request(&r, slice_of(mem, 32768), &test_limits);
    cr_assert_eq(r.rc, PARSE_MORE);
    read_request(&r, slice_of(mem, 32769), &test_limits);
    cr_assert_eq(r.err.status, 431);
}

static size_t fields_of(char *mem, size_t n)
{
    size_t at = (size_t)sprintf(mem, "GET / HTTP/1.1\r\nHost: h\r\n");

    for (size_t i = 1; i < n; i++)
        at += (size_t)sprintf(mem + at, "X: %zu\r\n", i);
    return at + (size_t)sprintf(mem + at, "\r\n");
}

Test(head_limits, as_many_fields_as_the_limit_pass)
{
    static char mem[ROOM];
    struct test_request r;

    read_request(&r, slice_of(mem, fields_of(mem, 100)), &test_limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert_eq(r.head.n_fields, 100);
    read_request(&r, slice_of(mem, fields_of(mem, 101)), &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 431);
    cr_assert_eq(r.head.n_fields, 100);
}

Test(head_limits, dropped_fields_count_too)
{
    struct head_limits limits = test_limits;
    struct test_request r;

    limits.underscores = UNDERSCORES_DROPPED;
    limits.fields = 2;
    read_request(&r, SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nA_B: 1\r\n\r\n"), &limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert_eq(r.head.n_fields, 1);
    read_request(&r, SLICE_LIT("GET / HTTP/1.1\r\nHost: h\r\nA_B: 1\r\nA_C: 1\r\n\r\n"), &limits);
    cr_assert_eq(r.err.status, 431);
}

Test(head_limits, a_body_of_exactly_the_limit_passes)
{
    struct head_limits limits = test_limits;
    struct test_request r;

    good_request(&r, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 33554432\r\n\r\n");
    read_request(&r, SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 33554433\r\n\r\n"),
                 &limits);
    cr_assert_eq(r.err.status, 413);
    limits.body = UINT64_MAX;
    read_request(
        &r, SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n"),
        &limits);
    cr_assert_eq(r.rc, PARSE_DONE);
    cr_assert_eq(r.head.length, INT64_MAX);
}

Test(head_limits, a_line_limit_above_that_of_the_head_does_not_lift_it)
{
    struct head_limits limits = {.line = 8192, .head = 64, .fields = 10, .body = UINT64_MAX};
    static char mem[ROOM];
    struct test_request r;

    read_request(&r, line_of(mem, 100), &limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 431);
}

Test(head_limits, responses_that_pass_them_are_bad_gateways)
{
    static char mem[ROOM];
    struct test_response r;
    size_t at;

    at = (size_t)sprintf(mem, "HTTP/1.1 200 OK\r\nX: ");
    memset(mem + at, 'v', 65536 - 4 - at);
    memcpy(mem + 65536 - 4, "\r\n\r\n", 4);
    read_response(&r, slice_of(mem, 65536), false, false);
    cr_assert_eq(r.rc, PARSE_DONE);
    memmove(mem + at + 1, mem + at, 65536 - at);
    read_response(&r, slice_of(mem, 65537), false, false);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 502);
    cr_assert_eq(r.err.cause, CAUSE_BAD_GATEWAY);
}
