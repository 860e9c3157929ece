/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "bench/http/fnv.h"
#include "bench/load/reading.h"
#include "guard.h"

static const char chat[] =
    ": a comment\n\n"
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"p1.0 \"}}]}\n\n"
    "data: {\"choices\":[{\"delta\": {\"content\" : \"p1.1 \"}}]}\r\n\r\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

Test(reading, a_stream_reads_the_same_however_it_is_cut)
{
    struct reading r = {0};

    for (size_t cut = 0; cut <= sizeof chat - 1; cut++) {
        uint32_t n;
        reading_start(&r, "p1");
        n = reading_feed(&r, guarded(slice_of(chat, cut)));
        n += reading_feed(&r, guarded(slice_of(chat + cut, sizeof chat - 1 - cut)));
        cr_assert_eq(n, 2, "cut at %zu", cut);
        cr_assert_eq(r.content, 2);
        cr_assert_eq(r.tokens, 2);
        cr_assert(r.ended && !r.failed && !r.mixed, "cut at %zu", cut);
    }
    reading_free(&r);
}

Test(reading, a_byte_at_a_time_is_enough)
{
    struct reading r = {0};

    reading_start(&r, "p1");
    for (size_t i = 0; i < sizeof chat - 1; i++)
        (void)reading_feed(&r, slice_of(chat + i, 1));
    cr_assert_eq(r.content, 2);
    cr_assert(r.ended);
    cr_assert_eq(r.rest.len, 0);
    reading_free(&r);
}

static struct reading read_all(const char *text, const char *tag)
{
    struct reading r = {0};

    reading_start(&r, tag);
    (void)reading_feed(&r, guarded(slice_str(text)));
    return r;
}

Test(reading, foreign_doubled_and_missing_tokens_are_noticed)
{
    cr_assert(read_all("data: {\"content\":\"p2.0 \"}\n\n", "p1").mixed);
    cr_assert(read_all("data: {\"content\":\"p1.1 \"}\n\n", "p1").mixed);
    cr_assert(read_all("data: {\"content\":\"p1.0 p1.0 \"}\n\n", "p1").mixed);
    cr_assert_not(read_all("data: {\"content\":\"p1.0 p1.1 \"}\n\n", "p1").mixed);
}

Test(reading, anthropic_and_responses_have_their_own_marks)
{
    struct reading r = read_all(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"content_block\":"
        "{\"type\":\"text\",\"text\":\"\"}}\n\n"
        "event: ping\ndata: {\"type\":\"ping\"}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":"
        "{\"type\":\"text_delta\",\"text\":\"a \"}}\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
        "\"end_turn\"}}\n\n"
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        NULL);

    cr_assert_eq(r.content, 1);
    cr_assert(r.ended && !r.failed);
    r = read_all(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":"
        "{\"error\":null}}\n\n"
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
        "\"delta\":\"a \"}\n\n"
        "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\","
        "\"text\":\"a \"}\n\n"
        "event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n",
        NULL);
    cr_assert_eq(r.content, 1, "the repetition at the end is not content");
    cr_assert(r.ended && !r.failed);
}

Test(reading, errors_in_every_form_are_errors)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"data: {\"error\":{\"message\":\"no\",\"code\":503}}\n\n", 503},
        {"data: {\"error\": {\"code\": \"429\"}}\n\n", 429},
        {"data: { \"error\" : \"overloaded\" }\n\n", 503},
        {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
         503},
        {"data: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}\n\n", 0},
        {"event: response.failed\ndata: {\"type\":\"response.failed\"}\n\n", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading r = read_all(rows[i].text, NULL);
        cr_assert(r.failed, "%s", rows[i].text);
        cr_assert_eq(r.error_code, rows[i].code, "%s: %d", rows[i].text, r.error_code);
        cr_assert_eq(r.content, 0);
    }
    cr_assert_not(read_all("data: {\"error\":null,\"content\":\"x\"}\n\n", NULL).failed);
}

Test(reading, a_key_inside_a_text_is_text)
{
    struct slice text = json_text_of(
        SLICE_LIT("{\"note\":\"say \\\"content\\\":\\\"x\\\"\",\"content\":\"y\\\"z\"}"),
        "content");

    cr_assert(slice_eq(text, SLICE_LIT("y\\\"z")));
    cr_assert_eq(json_text_of(guarded(SLICE_LIT("{\"content\":\"cut off")), "content").len, 0);
    cr_assert_eq(json_text_of(guarded(SLICE_LIT("{\"content\"")), "content").len, 0);
    cr_assert_eq(json_text_of(guarded(SLICE_LIT("{\"content\":\"\\")), "content").len, 0);
}

Test(reading, an_event_without_end_is_given_up)
{
    struct reading r = {0};
    char bytes[4096];

    memset(bytes, 'x', sizeof bytes);
    reading_start(&r, NULL);
    for (int i = 0; i < READING_EVENT_MAX / 4096 + 1; i++)
        (void)reading_feed(&r, slice_of(bytes, sizeof bytes));
    cr_assert(r.too_long);
    cr_assert(r.rest.len <= READING_EVENT_MAX);
    reading_free(&r);
}

static bool sum_is_wrong(const char *text, size_t piece)
{
    struct reading r = {0};
    bool wrong;

    reading_start(&r, NULL);
    r.check = true;
    for (size_t at = 0; at < strlen(text); at += piece) {
        size_t n = strlen(text) - at;
        (void)reading_feed(&r, slice_of(text + at, n < piece ? n : piece));
    }
    cr_assert(r.sum_seen);
    wrong = r.sum_wrong;
    reading_free(&r);
    return wrong;
}

Test(reading, a_told_sum_finds_the_smallest_change_however_the_bytes_come)
{
    char told[200], other[200];
    const char *text = "data: {\"content\":\"x\"}\n\n: a comment\n\n";

    (void)snprintf(told, sizeof told, "%s: sum %016llx\n\ndata: [DONE]\n\n", text,
                   (unsigned long long)fnv_feed(fnv_start, slice_str(text)));
    memcpy(other, told, sizeof told);
    other[19] = 'y';
    for (size_t piece = 1; piece <= strlen(told); piece++) {
        cr_assert_not(sum_is_wrong(told, piece));
        cr_assert(sum_is_wrong(other, piece));
    }
}
