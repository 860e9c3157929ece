/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bench/common/grow.h"
#include "bench/http/head.h"
#include "guard.h"

static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n"
                             "Retry-After:  7 \r\nConnection: keep-alive, Close\r\n\r\nabcde";

Test(head, an_answer_is_read_when_it_is_whole_and_not_before)
{
    struct head h;
    size_t head_len = sizeof answer - 1 - 5;

    for (size_t n = 0; n < head_len; n++)
        cr_assert_eq(head_parse(guarded(slice_of(answer, n)), &h), WEIR_AGAIN, "%zu", n);
    cr_assert_eq(head_parse(guarded(slice_of(answer, head_len)), &h), WEIR_OK);
    cr_assert_eq(h.status, 503);
    cr_assert_eq(h.size, head_len);
    cr_assert(slice_eq(head_field(&h, "retry-after"), SLICE_LIT("7")));
    cr_assert_eq(head_field(&h, "retry").len, 0);
    cr_assert(head_has_token(&h, "connection", "close"));
    cr_assert_not(head_keeps_alive(&h));
}

Test(head, requests_have_method_and_target)
{
    struct head h;

    cr_assert_eq(head_parse(SLICE_LIT("POST /v1/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n"), &h), WEIR_OK);
    cr_assert_eq(h.status, 0);
    cr_assert(slice_eq(h.start[0], SLICE_LIT("POST")));
    cr_assert(slice_eq(h.start[1], SLICE_LIT("/v1/x?y=1")));
    cr_assert(head_keeps_alive(&h));
    cr_assert_eq(head_parse(SLICE_LIT("GET / HTTP/1.0\r\n\r\n"), &h), WEIR_OK);
    cr_assert_not(head_keeps_alive(&h));
}

Test(head, what_is_not_http_is_refused)
{
    struct head h;

    cr_assert_eq(head_parse(SLICE_LIT("220 hello\r\n\r\n"), &h), WEIR_BAD);
    cr_assert_eq(head_parse(SLICE_LIT("HTTP/1.1 abc OK\r\n\r\n"), &h), WEIR_BAD);
    cr_assert_eq(head_parse(SLICE_LIT("HTTP/1.1 99 OK\r\n\r\n"), &h), WEIR_BAD);
    cr_assert_eq(head_parse(SLICE_LIT("\r\n\r\n"), &h), WEIR_BAD);
}

static struct body framing_of(const char *head)
{
    struct head h;
    struct body b;

    cr_assert_eq(head_parse(slice_str(head), &h), WEIR_OK);
    cr_assert_eq(body_of_answer(&h, false, &b), WEIR_OK);
    return b;
}

/* Feeds text in two pieces; returns the content, *status the worst result. */
static struct grow decode(struct body b, const char *text, size_t cut, bool *done)
{
    struct grow out = {0};
    struct slice parts[2] = {guarded(slice_of(text, cut)),
                             guarded(slice_of(text + cut, strlen(text) - cut))};

    for (int i = 0; i < 2; i++) {
        struct slice in = parts[i], piece;
        while (in.len > 0 && !b.done) {
            cr_assert_eq(body_next(&b, &in, &piece), WEIR_OK);
            grow_put(&out, piece);
        }
    }
    *done = b.done;
    grow_str(&out, "");
    return out;
}

Test(head, chunks_come_out_the_same_however_they_are_cut)
{
    static const char text[] =
        "5\r\nhello\r\n1;ext=1\r\n \r\nA\r\nwide world\r\n0\r\nTrailer: x\r\n\r\n";
    struct body b = framing_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    bool done;

    cr_assert_eq(b.kind, BODY_CHUNKED);
    for (size_t cut = 0; cut <= sizeof text - 1; cut++) {
        struct grow out = decode(b, text, cut, &done);
        cr_assert_str_eq(out.p, "hello wide world", "cut at %zu", cut);
        cr_assert(done, "cut at %zu", cut);
        grow_free(&out);
    }
}

Test(head, counted_bodies_end_with_their_count)
{
    struct body b = framing_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    struct slice in = SLICE_LIT("abcdef"), piece;

    cr_assert_eq(body_next(&b, &in, &piece), WEIR_OK);
    cr_assert(slice_eq(piece, SLICE_LIT("abc")));
    cr_assert(b.done);
    cr_assert(slice_eq(in, SLICE_LIT("def")));
}

Test(head, some_answers_have_no_body_and_some_end_with_the_connection)
{
    struct head h;
    struct body b = framing_of("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n");

    cr_assert(b.done);
    b = framing_of("HTTP/1.1 200 OK\r\n\r\n");
    cr_assert_eq(b.kind, BODY_UNTIL_CLOSE);
    cr_assert_eq(head_parse(SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), &h),
                 WEIR_OK);
    cr_assert_eq(body_of_answer(&h, true, &b), WEIR_OK);
    cr_assert(b.done, "an answer to HEAD");
    cr_assert_eq(head_parse(SLICE_LIT("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"), &h),
                 WEIR_OK);
    cr_assert_eq(body_of_request(&h, &b), WEIR_BAD);
}

Test(head, broken_chunks_are_found)
{
    static const char *const bad[] = {"x\r\n", "5\r\nhelloX", "fffffffffffffffffff\r\n"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct body b = framing_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        struct slice in = guarded(slice_str(bad[i])), piece;
        enum weir_status rc = WEIR_OK;
        while (rc == WEIR_OK && in.len > 0)
            rc = body_next(&b, &in, &piece);
        cr_assert_eq(rc, WEIR_BAD, "%s", bad[i]);
    }
}
