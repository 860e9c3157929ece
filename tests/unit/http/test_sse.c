/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and events as WHATWG HTML 9.2.6 reads them, and where it is safe to speak in between. */
#include <stdio.h>

#include "answers.h"

static struct facts unknown(const char *text)
{
    return read_sse(DIALECT_UNKNOWN, text);
}

Test(sse, lines_end_with_lf_cr_or_both)
{
    cr_assert_eq(unknown("data: a\n\ndata: b\n\n").content_events, 2);
    cr_assert_eq(unknown("data: a\r\n\r\ndata: b\r\n\r\n").content_events, 2);
    cr_assert_eq(unknown("data: a\r\rdata: b\r\r").content_events, 2);
    cr_assert_eq(unknown("data: a\r\n\ndata: b\n\r\n").content_events, 2);
    cr_assert_eq(unknown("data: a\n\rdata: b\r\r\n").content_events, 2);
}

Test(sse, empty_lines_alone_are_no_events)
{
    cr_assert_eq(unknown("\n\n\r\n\r\rdata: a\n\n\n\n").events, 1);
    cr_assert_eq(unknown("\n\n").events, 0);
}

Test(sse, a_byte_order_mark_at_the_start_is_skipped)
{
    struct facts f = unknown("\xef\xbb\xbf"
                             "data: {\"choices\":[{\"text\":\"x\"}]}\n\n");

    cr_assert_eq(f.dialect, DIALECT_OPENAI_CHAT);
    cr_assert_eq(f.content_events, 1);
    cr_assert_eq(unknown("\n\xef\xbb\xbf"
                         "data: x\n\n")
                     .events,
                 0);
    cr_assert_eq(unknown("\xef\xbb"
                         "data: x\n\ndata: y\n\n")
                     .events,
                 1);
}

Test(sse, comments_are_no_events)
{
    struct facts f = unknown(": hello\n\n:\n\n: data: x\n\n");

    cr_assert_eq(f.events, 0);
    cr_assert(!f.content);
    cr_assert_eq(unknown(": c\ndata: x\n: d\ndata: y\n\n").content_events, 1);
}

Test(sse, fields_nobody_asks_for_are_no_events)
{
    cr_assert_eq(unknown("id: 7\nretry: 100\n\nfoo\nbar: x\ndatax: y\n: z\n\n").events, 0);
}

Test(sse, one_space_behind_the_colon_is_not_data)
{
    struct facts f = unknown("data:[DONE]\n\n");

    cr_assert(f.finished);
    cr_assert(unknown("data: [DONE]\n\n").finished);
    cr_assert(!unknown("data:  [DONE]\n\n").finished);
    cr_assert(!unknown("data:\t[DONE]\n\n").finished);
    cr_assert(!unknown("Data: [DONE]\n\n").finished);
    cr_assert(!unknown(" data: [DONE]\n\n").finished);
}

Test(sse, an_event_without_bytes_is_an_event_without_content)
{
    struct facts f = unknown("data\n\ndata:\n\ndata: \n\nevent: x\n\n");

    cr_assert_eq(f.events, 4);
    cr_assert(!f.content);
}

Test(sse, data_in_several_lines_is_one_text)
{
    struct facts f = unknown("data: {\"choices\":\ndata: [{\"delta\":{\ndata:\"content\":\"x\"}}]\n"
                             "data: }\n\n");

    cr_assert_eq(f.dialect, DIALECT_OPENAI_CHAT);
    cr_assert_eq(f.content_events, 1);
    cr_assert(!unknown("data: [DO\ndata: NE]\n\n").finished);
    cr_assert(!unknown("data\ndata: [DONE]\n\n").finished);
    cr_assert_eq(unknown("data: {\"error\":{\"code\":4\ndata: 29}}\n\n").error_status, 502);
}

Test(sse, the_name_may_come_behind_the_data)
{
    struct facts f = unknown("data: {}\nevent: error\n\n");

    cr_assert_eq(f.error, ERROR_SERVER);
    f = unknown("event: error\nevent: fine\ndata: {}\n\n");
    cr_assert_eq(f.error, ERROR_NONE);
}

Test(sse, an_unfinished_event_does_not_count)
{
    struct facts f = unknown("data: x\n\ndata: y\n");

    cr_assert_eq(f.events, 1);
    cr_assert(!f.at_boundary);
}

static bool boundary_after(const char *text)
{
    return unknown(text).at_boundary;
}

Test(sse, between_events_is_a_boundary_and_inside_is_not)
{
    cr_assert(boundary_after(""));
    cr_assert(boundary_after("data: x\n\n"));
    cr_assert(boundary_after("data: x\r\n\r\n"));
    cr_assert(boundary_after("data: x\r\r"));
    cr_assert(boundary_after("data: x\n\n: comment\n"));
    cr_assert(boundary_after("data: x\n\n: comment\n\n"));
    cr_assert(!boundary_after("d"));
    cr_assert(!boundary_after("data: x"));
    cr_assert(!boundary_after("data: x\n"));
    cr_assert(!boundary_after("data: x\r\n"));
    cr_assert(!boundary_after("data: x\n\n: comm"));
    cr_assert(!boundary_after("data: x\n\nid: 4\n"));
    cr_assert(!boundary_after("event: x\n: comment\n"));
}

Test(sse, half_a_line_end_is_no_boundary_where_lines_end_with_both)
{
    cr_assert(!boundary_after("data: x\r\n\r"));
    cr_assert(boundary_after("data: x\r\n\r\n"));
    cr_assert(!boundary_after("data: x\r\n\r\ndata: y\r\n\r"));
}

Test(sse, an_event_of_many_kilobytes_needs_no_memory)
{
    static char text[200000];
    size_t at = (size_t)sprintf(text, "data: {\"choices\":[{\"delta\":{\"content\":\"");
    struct answer a;

    memset(text + at, 'x', 150000);
    at += 150000;
    answer_init(&a, FORM_SSE, DIALECT_UNKNOWN);
    answer_feed(&a, slice_of(text, at));
    cr_assert(a.content, "known inside the event");
    cr_assert_eq(a.content_events, 0);
    answer_feed(&a, SLICE_LIT("\"},\"finish_reason\":null}]}\n\n"));
    cr_assert_eq(a.content_events, 1);
}

Test(sse, bytes_are_content_at_once)
{
    struct answer a;

    answer_init(&a, FORM_BYTES, DIALECT_OPENAI_CHAT);
    cr_assert(!a.content);
    cr_assert_eq(a.dialect, DIALECT_UNKNOWN);
    answer_feed(&a, SLICE_LIT("\x1f\x8b"));
    cr_assert(a.content);
    cr_assert(!a.at_boundary);
}

Test(ndjson, a_line_is_an_event)
{
    struct facts f =
        read_answer(FORM_NDJSON, DIALECT_UNKNOWN, "{\"a\":1}\n\n  \r\n{\"b\":2}\r\n{\"c\":");

    cr_assert_eq(f.events, 2);
    cr_assert_eq(f.content_events, 2);
    cr_assert(!f.at_boundary);
    cr_assert(read_answer(FORM_NDJSON, DIALECT_UNKNOWN, "{}\n").at_boundary);
}
