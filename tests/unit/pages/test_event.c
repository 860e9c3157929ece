/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

#include "weir/base/hash.h"

static struct buf event_of(const struct refusal *r, const struct answer_wish *w,
                           enum answer_form form, uint64_t sequence)
{
    struct buf out = BUF_INIT;

    cr_assert_eq(refusal_event(r, w, form, sequence, &out, 1 << 16), WEIR_OK);
    return out;
}

/* The data of the one event that the bytes must be; checks the frame. */
static struct slice data_of(struct slice bytes)
{
    static const char front[] = "event: error\ndata: ";
    struct slice data;

    cr_assert(slice_starts(bytes, SLICE_LIT("event: error\ndata: ")), "%.*s", (int)bytes.len,
              bytes.p);
    cr_assert(slice_ends(bytes, SLICE_LIT("\n\n")));
    data = slice_of(bytes.p + strlen(front), bytes.len - strlen(front) - 2);
    cr_assert_null(memchr(data.p, '\n', data.len));
    cr_assert_null(memchr(data.p, '\r', data.len));
    return data;
}

Test(event, is_the_universal_body_as_one_event)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_UPSTREAM_STALLED);
    struct buf out;
    json_t *j;

    r.retry_after_ms = 0;
    out = event_of(&r, &wish, FORM_SSE, 7);
    j = json_of(data_of(buf_slice(&out)));
    cr_assert_str_eq(json_at(j, NULL, "type"), "error");
    cr_assert_str_eq(json_at(j, "error", "type"), "overloaded_error");
    cr_assert_str_eq(json_at(j, "error", "code"), "upstream_stalled");
    cr_assert_str_eq(json_at(j, NULL, "request_id"), "req-1");
    cr_assert_eq(json_object_size(j), 3);
    json_decref(j);
    buf_free(&out);
}

Test(event, of_responses_carries_the_next_sequence_number)
{
    struct answer_wish wish = {.responses = true};
    struct refusal r = some_refusal(CAUSE_UPSTREAM_TRUNCATED);
    struct buf out = event_of(&r, &wish, FORM_SSE, 41);
    json_t *j = json_of(data_of(buf_slice(&out)));

    cr_assert_eq(json_integer_value(json_object_get(j, "sequence_number")), 42);
    cr_assert_str_eq(json_at(j, NULL, "code"), "upstream_truncated");
    cr_assert_str_eq(json_at(j, NULL, "message"), json_at(j, "error", "message"));
    cr_assert(json_is_null(json_object_get(j, "param")));
    json_decref(j);
    buf_free(&out);
}

Test(event, of_line_streams_is_a_line_with_a_sentence)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_UPSTREAM_TRUNCATED);
    struct buf out = event_of(&r, &wish, FORM_NDJSON, 0);
    struct slice line = buf_slice(&out);
    json_t *j;

    cr_assert_eq(line.p[line.len - 1], '\n');
    cr_assert_eq(memchr(line.p, '\n', line.len), line.p + line.len - 1);
    j = json_of(line);
    cr_assert(json_is_string(json_object_get(j, "error")));
    cr_assert_null(json_object_get(j, "done"));
    json_decref(j);
    buf_free(&out);
}

Test(event, has_no_form_in_a_stream_of_bytes)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_UPSTREAM_TRUNCATED);
    struct buf out = BUF_INIT;

    cr_assert_eq(refusal_event(&r, &wish, FORM_BYTES, 0, &out, 4096), WEIR_BAD);
    cr_assert(buf_empty(&out));
}

Test(event, does_not_claim_that_an_answer_under_way_was_not_started)
{
    static const enum cause under_way[] = {CAUSE_DRAINING,           CAUSE_UPSTREAM_RESET,
                                           CAUSE_BAD_GATEWAY,        CAUSE_GATEWAY_TIMEOUT,
                                           CAUSE_UPSTREAM_ERROR,     CAUSE_IN_BAND_ERROR,
                                           CAUSE_UPSTREAM_TRUNCATED, CAUSE_UPSTREAM_STALLED};
    struct answer_wish wish = {.format = FORMAT_JSON};

    for (size_t i = 0; i < sizeof under_way / sizeof under_way[0]; i++) {
        struct refusal r = some_refusal(under_way[i]);
        struct buf out = event_of(&r, &wish, FORM_SSE, 0);

        cr_assert(slice_has(buf_slice(&out), "before it was complete") ||
                      slice_has(buf_slice(&out), "before the answer was complete"),
                  "%s", cause_name(under_way[i]));
        buf_free(&out);
    }
}

static void check_no_marker(struct slice bytes)
{
    cr_assert_not(slice_has(bytes, "[DONE]"));
    cr_assert_not(slice_has(bytes, "message_stop"));
    cr_assert_not(slice_has(bytes, "response.completed"));
    cr_assert_not(slice_has(bytes, "\"done\""));
}

static void random_text(struct rng *rng, char *out, size_t n)
{
    static const char *const pieces[] = {"[DONE]",
                                         "\n\ndata: [DONE]\n\n",
                                         "\r",
                                         "\n",
                                         "message_stop",
                                         "event: message_stop\n",
                                         "\"",
                                         "\\",
                                         "\xff",
                                         "é",
                                         "x",
                                         ":"};
    size_t len = 0;

    out[0] = '\0';
    while (rng_next(rng) % 8 != 0) {
        const char *p = pieces[rng_next(rng) % (sizeof pieces / sizeof pieces[0])];
        if (len + strlen(p) + 1 > n)
            return;
        strcpy(out + len, p);
        len += strlen(p);
    }
}

/* What a reader of the JSON sees of an operator's text; "(none)" for an empty one. */
static const char *expected_incident(const char *text)
{
    static char out[2048];
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\xff')
            n += (size_t)sprintf(out + n, "\xef\xbf\xbd");
        else
            out[n++] = *text < ' ' && *text > 0 ? ' ' : *text;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return out[strspn(out, " ")] == '\0' ? "(none)" : out + strspn(out, " ");
}

/* Whatever operators and trusted clients write, our frame stays one event and is never an end. */
Test(event, is_never_an_end_marker_and_never_two_events)
{
    struct rng rng;

    rng_seed(&rng, 1);
    for (int round = 0; round < 4000; round++) {
        struct answer_wish wish = {.anthropic = round % 2 == 1, .responses = round % 3 == 0};
        struct refusal r = some_refusal((enum cause)(rng_next(&rng) % CAUSE_COUNT));
        char incident[512], id[128];
        struct buf out;
        json_t *j;

        random_text(&rng, incident, sizeof incident);
        random_text(&rng, id, sizeof id);
        r.incident = incident;
        r.request_id = id;
        out = event_of(&r, &wish, FORM_SSE, rng_next(&rng) >> 12);
        j = json_of(data_of(buf_slice(&out)));
        cr_assert_str_eq(json_at(j, NULL, "type"), "error");
        cr_assert_str_eq(json_at(j, "error", "incident"), expected_incident(incident));
        json_decref(j);
        check_no_marker(buf_slice(&out));
        buf_free(&out);
    }
}

Test(event, holds_no_end_marker_of_its_own)
{
    for (int c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
        for (int form = FORM_SSE; form <= FORM_NDJSON; form++) {
            struct answer_wish wish = {.responses = true};
            struct refusal r = some_refusal((enum cause)c);
            struct buf out = event_of(&r, &wish, (enum answer_form)form, 0);

            check_no_marker(buf_slice(&out));
            buf_free(&out);
        }
    }
}
