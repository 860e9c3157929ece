/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are refused, among them what is known to smuggle requests past a proxy. */
#include <stdio.h>

#include "heads.h"

struct row {
    struct slice bytes;
    int status;
};
#define H "Host: h\r\n"
#define ROW(status, text)                                                                          \
    {                                                                                              \
        {(text), sizeof(text) - 1}, (status)                                                       \
    }

static void all_refused(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct test_request r;

        read_request(&r, rows[i].bytes, &test_limits);
        cr_assert_eq(r.rc, PARSE_BAD, "row %zu passed: %.*s", i, (int)rows[i].bytes.len,
                     rows[i].bytes.p);
        cr_assert_eq(r.err.status, rows[i].status, "row %zu: %d %s", i, r.err.status, r.err.what);
        cr_assert_not_null(r.err.what);
        cr_assert_eq(r.used, 0);
    }
}
#define ALL_REFUSED(rows) all_refused(rows, sizeof(rows) / sizeof((rows)[0]))

Test(request_refused, bodies_with_two_lengths_or_a_doubtful_one)
{
    static const struct row rows[] = {
#define BODY(status, fields) ROW(status, "POST / HTTP/1.1\r\n" H fields "\r\n")
        BODY(400, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        BODY(400, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        BODY(400, "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
        BODY(400, "Content-Length: 5\r\nContent-Length: 6\r\n"),
        BODY(400, "Content-Length: 5\r\nX: 1\r\nContent-Length: 5x\r\n"),
        BODY(400, "Content-Length: 5, 5\r\n"),
        BODY(400, "Content-Length: +5\r\n"),
        BODY(400, "Content-Length: -5\r\n"),
        BODY(400, "Content-Length: 0x5\r\n"),
        BODY(400, "Content-Length: 5 5\r\n"),
        BODY(400, "Content-Length: 5.0\r\n"),
        BODY(400, "Content-Length: 5e3\r\n"),
        BODY(400, "Content-Length: five\r\n"),
        BODY(400, "Content-Length:\r\n"),
        BODY(400, "Content-Length: \"5\"\r\n"),
        BODY(400, "Content-Length: 9223372036854775808\r\n"),
        BODY(400, "Content-Length: 18446744073709551616\r\n"),
        BODY(400, "Content-Length: 18446744073709551621\r\n"),
        BODY(400, "Content-Length: 99999999999999999999999999999999999999999\r\n"),
        BODY(413, "Content-Length: 9223372036854775807\r\n"),
        BODY(413, "Content-Length: 33554433\r\n"),
#undef BODY
    };

    ALL_REFUSED(rows);
}

Test(request_refused, transfer_encodings_other_than_exactly_chunked)
{
    static const struct row rows[] = {
#define TE(value) ROW(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:" value "\r\n\r\n")
        TE(""),
        TE(" identity"),
        TE(" gzip"),
        TE(" gzip, chunked"),
        TE(" chunked, gzip"),
        TE(" chunked, chunked"),
        TE(" chunked, identity"),
        TE(" chunked,"),
        TE(",chunked"),
        TE(" xchunked"),
        TE(" chunkedx"),
        TE(" chunk"),
        TE(" \"chunked\""),
        TE(" 'chunked'"),
        TE(" chunked;q=1"),
        TE("\x0b"
           "chunked"),
        TE(" chunked\x0c"),
        TE(" chun\xe2\x84\xaa"
           "ed"),
        TE(" chunked\r\nTransfer-Encoding: chunked"),
        TE(" chunked\r\nTransfer-Encoding: identity"),
        TE(" identity\r\nTransfer-Encoding: chunked"),
        TE("\r\nTransfer-Encoding: chunked"),
        TE(" chunked\n"),
        TE("\r\n chunked"),
        TE("\n chunked"),
#undef TE
        ROW(400, "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding\t: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H " Transfer-Encoding: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "Transfer_Encoding: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding\x00: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "\x00Transfer-Encoding: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "X: y\rTransfer-Encoding: chunked\r\n\r\n"),
        ROW(400, "POST / HTTP/1.1\r\n" H "X: y\nTransfer-Encoding: chunked\r\n\r\n"),
    };

    ALL_REFUSED(rows);
}

Test(request_refused, line_ends_and_fields_out_of_form)
{
    static const struct row rows[] = {
        ROW(400, "GET / HTTP/1.1\n" H "\r\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: h\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: h\r\n\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: h\r\n\rx"),
        ROW(400, "GET / HTTP/1.1\r" H "\r\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: a\nb\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: a\x01"
                 "b\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: 12345678\x7f\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n " H "\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X : a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H ": a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X(Y): a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X\xc3\xa9: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X_Y: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X/Y: a\r\n\r\n"),
        ROW(400, "\nGET / HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "\r\rGET / HTTP/1.1\r\n" H "\r\n"),
    };

    ALL_REFUSED(rows);
}

Test(request_refused, request_lines_out_of_form)
{
    static const struct row rows[] = {
        ROW(400, " GET / HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET  / HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /  HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET\t/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /\tHTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET / HTTP/1.1 \r\n" H "\r\n"),
        ROW(400, "GET / x HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /#x HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /a\0b HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /a\x7f HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /a\x1f HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET /\r\n" H "\r\n"),
        ROW(400, "GET\r\n" H "\r\n"),
        ROW(400, "\x16\x03\x01\x02\x00\x01\x00\x01"),
        ROW(400, "G@T / HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "G\xc3\x89T / HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET / http/1.1\r\n" H "\r\n"),
        ROW(400, "GET / HTTP/1.10\r\n" H "\r\n"),
        ROW(400, "GET / HTTP/1\r\n" H "\r\n"),
        ROW(400, "GET / HTTP/a.b\r\n" H "\r\n"),
        ROW(400, "GET / HTTPS/1.1\r\n" H "\r\n"),
        ROW(400, "GET / \r\n" H "\r\n"),
        ROW(505, "GET / HTTP/2.0\r\n" H "\r\n"),
        ROW(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ROW(505, "GET / HTTP/0.9\r\n" H "\r\n"),
        ROW(505, "GET / HTTP/1.2\r\n" H "\r\n"),
        ROW(505, "GET / HTTP/3.0\r\n" H "\r\n"),
        ROW(501, "CONNECT h:443 HTTP/1.1\r\n" H "\r\n"),
        ROW(501, "TRACE / HTTP/1.1\r\n" H "\r\n"),
    };

    ALL_REFUSED(rows);
}

Test(request_refused, targets_and_hosts_out_of_form)
{
    static const struct row rows[] = {
        ROW(400, "GET x HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET * HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "OPTIONS ** HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET h:80 HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET ?q HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET ftp://h/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http:/h/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http:///p HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http:// HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http://u@h/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http://u:p@h/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http://h?q HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http://h:x/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http://h\\.x/ HTTP/1.1\r\n" H "\r\n"),
        ROW(400, "GET http://h/ HTTP/1.1\r\n\r\n"),
        ROW(400, "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H H "\r\n"),
        ROW(400, "GET / HTTP/1.0\r\n" H H "\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n" H "X: y\r\nhOST: other\r\n\r\n"),
#define HOST(value) ROW(400, "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n")
        HOST(""),
        HOST(" a b"),
        HOST(" a/b"),
        HOST(" a,b/"),
        HOST(" u@h"),
        HOST(" :80"),
        HOST(" h:80:80"),
        HOST(" h:65536"),
        HOST(" h:-1"),
        HOST(" h:8a"),
        HOST(" h\\"),
        HOST(" h#"),
        HOST(" h?"),
        HOST(" %4"),
        HOST(" %zz"),
        HOST(" [::1"),
        HOST(" [::1]x"),
        HOST(" [::1]:x"),
        HOST(" [1.2.3.4]"),
        HOST(" [fe80::1%25eth0]"),
        HOST(" []"),
        HOST(" [ab:1]"),
        HOST(" a[::1]"),
        HOST(" \"h\""),
        HOST(" <h>"),
        HOST(" h\xc3\xa9"),
#undef HOST
    };

    ALL_REFUSED(rows);
}

Test(request_refused, the_cause_goes_with_the_status)
{
    static const struct {
        struct slice bytes;
        enum cause cause;
    } rows[] = {
        {SLICE_LIT("GET / HTTP/1.1\r\n\r\n"), CAUSE_BAD_REQUEST},
        {SLICE_LIT("GET / HTTP/2.0\r\n\r\n"), CAUSE_BAD_REQUEST},
        {SLICE_LIT("TRACE / HTTP/1.1\r\n\r\n"), CAUSE_NOT_ALLOWED},
        {SLICE_LIT("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n"),
         CAUSE_REQUEST_TOO_LARGE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct test_request r;

        read_request(&r, rows[i].bytes, &test_limits);
        cr_assert_eq(r.err.cause, rows[i].cause, "row %zu", i);
    }
}

Test(request_refused, what_was_understood_is_there_for_the_answer)
{
    struct test_request r;

    read_request(&r,
                 SLICE_LIT("POST /v1/messages HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n"
                           "Content-Length: 99999999\r\n\r\n"),
                 &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert(slice_is(r.head.method, "POST"));
    cr_assert(slice_is(r.head.target, "/v1/messages"));
    cr_assert(slice_is(request_field(&r.head, FIELD_ACCEPT), "text/html"));
    cr_assert_eq(r.head.n_fields, 3);
}

Test(request_refused, more_options_in_connection_than_anyone_needs)
{
    char text[1024] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: a";
    struct test_request r;

    for (int i = 1; i < 64; i++)
        (void)strcat(text, ",a");
    (void)strcat(text, "\r\n\r\n");
    good_request(&r, text);
    text[strlen(text) - 4] = '\0';
    (void)strcat(text, ",a\r\n\r\n");
    read_request(&r, slice_str(text), &test_limits);
    cr_assert_eq(r.rc, PARSE_BAD);
    cr_assert_eq(r.err.status, 400);
}
