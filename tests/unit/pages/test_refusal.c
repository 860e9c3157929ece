/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

#include "weir/base/clock.h"

/* What each cause means on the wire, written down apart from the code's table. */
struct expected {
    enum cause cause;
    int status, anthropic;
    const char *type, *proxy_error;
};
static const struct expected expectations[] = {
    {CAUSE_OVERLOADED, 503, 529, "overloaded_error", "connection_limit_reached"},
    {CAUSE_QUEUE_TIMEOUT, 503, 529, "overloaded_error", "connection_limit_reached"},
    {CAUSE_DEADLINE, 503, 529, "overloaded_error", "connection_limit_reached"},
    {CAUSE_CIRCUIT_OPEN, 503, 503, "overloaded_error", "destination_unavailable"},
    {CAUSE_RECOVERING, 503, 503, "overloaded_error", "destination_unavailable"},
    {CAUSE_HELD, 503, 529, "overloaded_error", "destination_unavailable"},
    {CAUSE_RATE_LIMITED, 429, 429, "rate_limit_error", "http_request_denied"},
    {CAUSE_NO_UPSTREAM, 503, 503, "overloaded_error", "destination_unavailable"},
    {CAUSE_DRAINING, 503, 503, "overloaded_error", "destination_unavailable"},
    {CAUSE_CONNECT_FAILED, 502, 502, "api_error", "connection_refused"},
    {CAUSE_UPSTREAM_RESET, 502, 502, "api_error", "connection_terminated"},
    {CAUSE_BAD_GATEWAY, 502, 502, "api_error", "http_protocol_error"},
    {CAUSE_GATEWAY_TIMEOUT, 504, 504, "api_error", "http_response_timeout"},
    {CAUSE_UPSTREAM_ERROR, 502, 502, "api_error", NULL},
    {CAUSE_UPSTREAM_REFUSED, 503, 529, "overloaded_error", NULL},
    {CAUSE_IN_BAND_ERROR, 502, 502, "api_error", NULL},
    {CAUSE_EMPTY_STREAM, 502, 502, "api_error", "http_response_incomplete"},
    {CAUSE_UPSTREAM_TRUNCATED, 502, 502, "api_error", "http_response_incomplete"},
    {CAUSE_UPSTREAM_STALLED, 504, 504, "overloaded_error", "connection_read_timeout"},
    {CAUSE_CLIENT_GONE, 400, 400, "invalid_request_error", "http_request_error"},
    {CAUSE_BAD_REQUEST, 400, 400, "invalid_request_error", "http_request_error"},
    {CAUSE_REQUEST_TIMEOUT, 408, 408, "invalid_request_error", "http_request_error"},
    {CAUSE_REQUEST_TOO_LARGE, 413, 413, "invalid_request_error", "http_request_error"},
    {CAUSE_URI_TOO_LONG, 414, 414, "invalid_request_error", "http_request_error"},
    {CAUSE_HEADERS_TOO_LARGE, 431, 431, "invalid_request_error", "http_request_error"},
    {CAUSE_NOT_FOUND, 404, 404, "invalid_request_error", "http_request_error"},
    {CAUSE_NOT_ALLOWED, 405, 405, "invalid_request_error", "http_request_denied"},
};
enum { EXPECTATIONS = sizeof expectations / sizeof expectations[0] };

Test(refusal, every_cause_is_expected_here)
{
    cr_assert_eq((int)EXPECTATIONS, (int)CAUSE_COUNT - 1);
    for (int i = 0; i < EXPECTATIONS; i++)
        cr_assert_eq((int)expectations[i].cause, i + 1);
}

static void check_proxy_status(const struct written *w, const struct expected *e)
{
    char wanted[160];

    if (e->proxy_error != NULL)
        snprintf(wanted, sizeof wanted, "weir; error=%s; details=\"%s\"", e->proxy_error,
                 cause_name(e->cause));
    else
        snprintf(wanted, sizeof wanted, "weir; details=\"%s\"", cause_name(e->cause));
    cr_assert_str_eq(field_of(w, "Proxy-Status"), wanted);
}

static void check_json(const struct written *w, const struct expected *e, int status, bool problem)
{
    json_t *j = json_of(w->body), *error = json_object_get(j, "error");

    cr_assert_str_eq(json_at(j, NULL, "type"), "error");
    cr_assert_str_eq(json_at(j, "error", "type"), e->type);
    cr_assert_str_eq(json_at(j, "error", "code"), cause_name(e->cause));
    cr_assert(json_is_null(json_object_get(error, "param")));
    cr_assert_str_eq(json_at(j, NULL, "request_id"), "req-1");
    cr_assert_eq(json_object_size(error), 4);
    cr_assert_eq(json_object_size(j), problem ? 6 : 3);
    if (problem) {
        cr_assert_eq(json_integer_value(json_object_get(j, "status")), status);
        cr_assert_str_eq(json_at(j, NULL, "detail"), json_at(j, "error", "message"));
        cr_assert_gt(strlen(json_at(j, NULL, "title")), 2);
    }
    json_decref(j);
}

static void check_common(const struct written *w, const struct expected *e, int status)
{
    cr_assert_eq(w->head.status, status, "%s: %d", cause_name(e->cause), w->head.status);
    cr_assert_gt(w->head.reason.len, 2, "%d needs a reason phrase", status);
    cr_assert_not(slice_eq(w->head.reason, SLICE_LIT("Unknown")), "%d", status);
    cr_assert_str_eq(field_of(w, "Date"), "Tue, 24 Nov 2026 07:50:04 GMT");
    cr_assert_str_eq(field_of(w, "Cache-Control"), "no-store");
    cr_assert_str_eq(field_of(w, "x-request-id"), "req-1");
    cr_assert_str_eq(field_of(w, "request-id"), "req-1");
    cr_assert_eq(w->head.body, w->body.len == 0 && w->head.length == 0 ? BODY_NONE : BODY_COUNTED);
    check_proxy_status(w, e);
}

static const char *const types[] = {"application/json", "application/problem+json",
                                    "text/html; charset=utf-8"};

static void check_answer(const struct expected *e, const struct answer_wish *wish)
{
    struct refusal r = some_refusal(e->cause);
    int status = wish->anthropic ? e->anthropic : e->status;
    struct written w = write_refusal(&r, wish);

    cr_assert_eq(refusal_status(&r, wish), status);
    check_common(&w, e, status);
    cr_assert_str_eq(field_of(&w, "Content-Type"), types[wish->format]);
    cr_assert_eq(w.head.length, w.body.len);
    if (wish->format == FORMAT_HTML)
        cr_assert(slice_starts(w.body, SLICE_LIT("<!doctype html>")));
    else
        check_json(&w, e, status, wish->format == FORMAT_PROBLEM);
    buf_free(&w.bytes);
}

Test(refusal, each_cause_has_its_status_and_body_in_each_format_and_dialect)
{
    for (int i = 0; i < EXPECTATIONS; i++) {
        for (int format = FORMAT_JSON; format <= FORMAT_HTML; format++) {
            for (int anthropic = 0; anthropic < 2; anthropic++) {
                struct answer_wish wish = {.format = (enum answer_format)format,
                                           .anthropic = anthropic == 1};
                check_answer(&expectations[i], &wish);
            }
        }
    }
}

Test(refusal, the_json_body_is_the_one_that_every_sdk_reads)
{
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct written w = write_refusal(&r, &wish);
    const char *wanted =
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"The service is "
        "overloaded and did not start this request. Please retry after 3 "
        "seconds.\",\"param\":null,\"code\":\"overloaded\"},\"request_id\":\"req-1\"}";

    cr_assert(slice_eq(w.body, slice_str(wanted)), "%.*s", (int)w.body.len, w.body.p);
    buf_free(&w.bytes);
}

Test(refusal, a_pool_may_ask_for_429_where_load_is_the_reason)
{
    struct answer_wish openai = {.format = FORMAT_JSON}, anthropic = {.anthropic = true};
    struct refusal r = some_refusal(CAUSE_QUEUE_TIMEOUT);

    r.overload_status = 429;
    cr_assert_eq(refusal_status(&r, &openai), 429);
    cr_assert_eq(refusal_status(&r, &anthropic), 529);
    r.cause = CAUSE_CIRCUIT_OPEN;
    cr_assert_eq(refusal_status(&r, &openai), 503);
    r.cause = CAUSE_CONNECT_FAILED;
    cr_assert_eq(refusal_status(&r, &openai), 502);
}

Test(refusal, a_status_that_is_given_wins)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_BAD_REQUEST);
    struct written w;

    r.status = 505;
    w = write_refusal(&r, &wish);
    cr_assert_eq(w.head.status, 505);
    cr_assert(slice_eq(w.head.reason, SLICE_LIT("HTTP Version Not Supported")));
    buf_free(&w.bytes);
}

/* retry_after_ms, Retry-After, retry-after-ms */
struct appointment_row {
    uint32_t ms;
    const char *seconds, *sent_ms;
};

Test(refusal, an_appointment_is_1_to_59_seconds_and_both_fields_agree)
{
    static const struct appointment_row rows[] = {{0, "", ""},
                                                  {1, "1", "1"},
                                                  {999, "1", "999"},
                                                  {1000, "1", "1000"},
                                                  {1001, "2", "1001"},
                                                  {58001, "59", "58001"},
                                                  {59000, "59", "59000"},
                                                  {59001, "59", "59000"},
                                                  {UINT32_MAX, "59", "59000"}};
    struct answer_wish wish = {.format = FORMAT_JSON};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal r = some_refusal(CAUSE_OVERLOADED);
        struct written w;

        r.retry_after_ms = rows[i].ms;
        w = write_refusal(&r, &wish);
        cr_assert_str_eq(field_of(&w, "Retry-After"), rows[i].seconds);
        cr_assert_str_eq(field_of(&w, "retry-after-ms"), rows[i].sent_ms);
        cr_assert_eq(slice_has(w.body, "Please retry after"), rows[i].ms > 0);
        cr_assert_eq(slice_has(w.body, "after 1 second."), strcmp(rows[i].seconds, "1") == 0);
        buf_free(&w.bytes);
    }
}

Test(refusal, no_appointment_where_the_same_request_would_fail_again)
{
    struct answer_wish wish = {.format = FORMAT_HTML};
    struct refusal r = some_refusal(CAUSE_REQUEST_TOO_LARGE);
    struct written w = write_refusal(&r, &wish);

    cr_assert_str_eq(field_of(&w, "Retry-After"), "");
    cr_assert_str_eq(field_of(&w, "Refresh"), "");
    buf_free(&w.bytes);
}

Test(refusal, says_x_should_retry_only_to_forbid)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_CIRCUIT_OPEN);
    struct written w = write_refusal(&r, &wish);

    cr_assert_str_eq(field_of(&w, "x-should-retry"), "");
    buf_free(&w.bytes);
    r.no_retry = true;
    w = write_refusal(&r, &wish);
    cr_assert_str_eq(field_of(&w, "x-should-retry"), "false");
    buf_free(&w.bytes);
}

Test(refusal, a_405_names_the_methods)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_NOT_ALLOWED);
    struct written w = write_refusal(&r, &wish);

    cr_assert(strstr(field_of(&w, "Allow"), "POST") != NULL);
    buf_free(&w.bytes);
    r.allow = "GET, HEAD";
    w = write_refusal(&r, &wish);
    cr_assert_str_eq(field_of(&w, "Allow"), "GET, HEAD");
    buf_free(&w.bytes);
}

Test(refusal, a_more_exact_proxy_error_replaces_the_cause_s)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_CONNECT_FAILED);
    struct written w;

    r.proxy_error = "dns_timeout";
    w = write_refusal(&r, &wish);
    cr_assert_str_eq(field_of(&w, "Proxy-Status"),
                     "weir; error=dns_timeout; details=\"connect_failed\"");
    buf_free(&w.bytes);
}

Test(refusal, says_what_was_wrong_with_a_bad_request)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_BAD_REQUEST);
    struct written w;
    json_t *j;

    r.what = "a bare LF in the head";
    w = write_refusal(&r, &wish);
    j = json_of(w.body);
    cr_assert_str_eq(json_at(j, "error", "message"),
                     "The request is not valid HTTP: a bare LF in the head.");
    json_decref(j);
    buf_free(&w.bytes);
}

Test(refusal, a_hostile_request_id_breaks_neither_head_nor_body)
{
    static const char *const ids[] = {"a\r\nSet-Cookie: x=1", "<script>\"'&", "\x01\x7f\xff\xc3",
                                      "a b", ""};

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        for (int format = FORMAT_JSON; format <= FORMAT_HTML; format++) {
            struct answer_wish wish = {.format = (enum answer_format)format};
            struct refusal r = some_refusal(CAUSE_OVERLOADED);
            struct written w;

            r.request_id = ids[i];
            w = write_refusal(&r, &wish);
            cr_assert_str_eq(field_of(&w, "Set-Cookie"), "");
            cr_assert_str_eq(field_of(&w, "x-request-id"), field_of(&w, "request-id"));
            cr_assert_not(format == FORMAT_HTML && slice_has(w.body, "<script"));
            if (format != FORMAT_HTML) {
                json_t *j = json_of(w.body);
                cr_assert_str_eq(json_at(j, NULL, "request_id"), field_of(&w, "x-request-id"));
                json_decref(j);
            }
            buf_free(&w.bytes);
        }
    }
}

Test(refusal, an_operator_s_text_stands_beside_the_message)
{
    static const char text[] = "Billing is down; \"back\" at 9\nSorry <b>!</b> \xff";
    struct answer_wish wish = {.format = FORMAT_PROBLEM};
    struct refusal r = some_refusal(CAUSE_CIRCUIT_OPEN);
    struct written w;
    json_t *j;

    r.incident = text;
    w = write_refusal(&r, &wish);
    j = json_of(w.body);
    cr_assert_str_eq(json_at(j, "error", "incident"),
                     "Billing is down; \"back\" at 9 Sorry <b>!</b> \xef\xbf\xbd");
    cr_assert_null(strstr(json_at(j, "error", "message"), "Billing"));
    cr_assert_null(strstr(json_at(j, NULL, "detail"), "Billing"));
    json_decref(j);
    buf_free(&w.bytes);
}

Test(refusal, an_answer_that_does_not_fit_leaves_nothing_behind)
{
    struct answer_wish wish = {.format = FORMAT_JSON};
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct buf out = BUF_INIT;

    cr_assert_eq(buf_append(&out, SLICE_LIT("before"), 1000), WEIR_OK);
    for (size_t max = 6; max < 150; max++) {
        cr_assert_eq(refusal_body(&r, &wish, &out, max), WEIR_LIMIT);
        cr_assert(slice_eq(buf_slice(&out), SLICE_LIT("before")));
    }
    buf_free(&out);
}

/* What makes LangChain (@langchain/openai, utils/errors and async_caller) give up for good. */
static const char *const fatal_words[] = {"billing",       "usage quota", "credit balance",
                                          "will reset at", "quota",       "insufficient",
                                          "api key",       "abort",       "cancel"};

static void check_harmless(const char *text)
{
    for (size_t i = 0; i < sizeof fatal_words / sizeof fatal_words[0]; i++)
        cr_assert_null(strcasestr(text, fatal_words[i]), "\"%s\" says %s", text, fatal_words[i]);
}

Test(refusal, no_message_has_words_that_stop_a_client_for_good)
{
    for (int c = CAUSE_NONE; c < CAUSE_COUNT; c++) {
        struct refusal r = some_refusal((enum cause)c);
        struct answer_wish wish = {.format = FORMAT_JSON};
        struct written w = write_refusal(&r, &wish);
        struct buf event = BUF_INIT;
        json_t *j = json_of(w.body);

        check_harmless(json_at(j, "error", "message"));
        json_decref(j);
        cr_assert_eq(refusal_event(&r, &wish, FORM_NDJSON, 0, &event, 8192), WEIR_OK);
        j = json_of(buf_slice(&event));
        check_harmless(json_at(j, NULL, "error"));
        json_decref(j);
        buf_free(&event);
        buf_free(&w.bytes);
    }
}

Test(refusal, dates_are_right_over_leap_years_and_centuries)
{
    static const struct {
        uint64_t s;
        const char *date;
    } rows[] = {{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
                {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
                {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
                {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
                {1798761599, "Thu, 31 Dec 2026 23:59:59 GMT"},
                {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"}};
    struct answer_wish wish = {.format = FORMAT_JSON};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal r = some_refusal(CAUSE_OVERLOADED);
        struct written w;

        r.wall_ns = rows[i].s * NS_PER_S;
        w = write_refusal(&r, &wish);
        cr_assert_str_eq(field_of(&w, "Date"), rows[i].date);
        buf_free(&w.bytes);
    }
}
