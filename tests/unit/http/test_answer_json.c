/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/http/answer.h"

static void error_is(enum answer_form form, const char *events, const char *json)
{
    struct buf out = BUF_INIT;

    cr_assert_eq(answer_error_json(form, slice_str(events), &out, 4096), WEIR_OK, "%s", events);
    cr_assert(slice_eq(buf_slice(&out), slice_str(json)), "%.*s", (int)out.len, out.mem + out.at);
    buf_free(&out);
}

static void no_error(enum answer_form form, const char *events)
{
    struct buf out = BUF_INIT;

    cr_assert_eq(answer_error_json(form, slice_str(events), &out, 4096), WEIR_NOT_FOUND, "%s",
                 events);
    cr_assert_null(out.mem);
}

#define ERROR "{\"error\":{\"code\":503,\"message\":\"m\"}}"

Test(answer_json, the_first_error_is_copied_out)
{
    error_is(FORM_SSE, "data: " ERROR "\n\n", ERROR);
    error_is(FORM_SSE, "data:" ERROR "\r\n\r\ndata: [DONE]\r\n\r\n", ERROR);
    error_is(FORM_SSE, ": hi\n\nevent: ping\ndata: {}\n\nevent: error\nid: 3\ndata: " ERROR "\n\n",
             ERROR);
    error_is(FORM_SSE, "data: " ERROR, ERROR);
    error_is(FORM_SSE,
             "\xef\xbb\xbf"
             "data: " ERROR "\r\r",
             ERROR);
    error_is(FORM_SSE, "data: " ERROR "\n\ndata: {\"error\":{\"code\":400}}\n\n", ERROR);
    error_is(FORM_NDJSON, "{\"status\":\"x\"}\n" ERROR "\r\n", ERROR);
    error_is(FORM_NDJSON, ERROR, ERROR);
}

Test(answer_json, data_in_several_lines_is_joined)
{
    error_is(FORM_SSE, "data: {\"error\":\nevent: error\ndata: {\"code\":503}\ndata:}\n\n",
             "{\"error\":\n{\"code\":503}\n}");
}

Test(answer_json, an_error_inside_of_a_response_is_brought_to_the_top)
{
    error_is(FORM_SSE,
             "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"error\":"
             "{\"code\":\"server_error\",\"message\":\"} \\\" {\"},\"usage\":{}}}\n\n",
             "{\"error\":{\"code\":\"server_error\",\"message\":\"} \\\" {\"}}");
    error_is(FORM_SSE, "event: response.failed\ndata: {\"response\":{\"error\":{}}}\n\n",
             "{\"error\":{}}");
    error_is(FORM_SSE, "event: response.failed\ndata: {\"response\":{\"error\":null}}\n\n",
             "{\"response\":{\"error\":null}}");
    error_is(FORM_SSE, "data: {\"response\":{\"error\":{}},\"error\":{\"code\":500}}\n\n",
             "{\"response\":{\"error\":{}},\"error\":{\"code\":500}}");
}

Test(answer_json, without_an_error_or_without_json_there_is_nothing)
{
    no_error(FORM_SSE, "");
    no_error(FORM_SSE, "data: {\"choices\":[]}\n\n");
    no_error(FORM_SSE, "event: error\ndata: oops\n\n");
    no_error(FORM_SSE, "event: error\ndata: {\"x\":\n\n");
    no_error(FORM_SSE, "event: error\n\n");
    no_error(FORM_NDJSON, "{\"done\":true}\n");
    no_error(FORM_BYTES, ERROR);
}

Test(answer_json, has_a_bound_and_leaves_what_was_there)
{
    struct buf out = BUF_INIT;

    cr_assert_eq(buf_append(&out, SLICE_LIT("ab"), 100), WEIR_OK);
    cr_assert_eq(
        answer_error_json(FORM_SSE, SLICE_LIT("data: " ERROR "\n\n"), &out, 2 + sizeof(ERROR) - 2),
        WEIR_LIMIT);
    cr_assert(slice_eq(buf_slice(&out), SLICE_LIT("ab")));
    cr_assert_eq(
        answer_error_json(FORM_SSE, SLICE_LIT("data: " ERROR "\n\n"), &out, 2 + sizeof(ERROR) - 1),
        WEIR_OK);
    cr_assert(slice_eq(buf_slice(&out), SLICE_LIT("ab" ERROR)));
    buf_free(&out);
}
