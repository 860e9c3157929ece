/* SPDX-License-Identifier: Apache-2.0 */
/* Errors inside of streams, and what only looks like one. */
#include <stdio.h>

#include "answers.h"

#define DATA(json) "data: " json "\n\n"

static struct facts chat(const char *json)
{
    char text[512];

    (void)snprintf(text, sizeof text, DATA("%s"), json);
    return read_sse(DIALECT_OPENAI_CHAT, text);
}

Test(answer_errors, errors_of_openai_servers)
{
    static const struct {
        const char *json;
        enum error_meaning meaning;
        int status;
    } rows[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}}", ERROR_CLIENT,
         400},
        {"{\"error\":{\"message\":\"m\",\"type\":\"InternalServerError\",\"code\":500}}",
         ERROR_SERVER, 500},
        {"{\"error\":{\"code\":503}}", ERROR_OVERLOADED, 503},
        {"{\"error\":{\"code\":\"503\"}}", ERROR_OVERLOADED, 503},
        {"{\"error\":{\"code\":529}}", ERROR_OVERLOADED, 503},
        {"{\"error\":{\"code\":\"429\",\"message\":\"m\"}}", ERROR_RATE_LIMIT, 429},
        {"{\"error\":{\"code\":418}}", ERROR_CLIENT, 418},
        {"{\"error\":{\"code\":504}}", ERROR_SERVER, 504},
        {"{\"error\":{\"code\":200}}", ERROR_SERVER, 502},
        {"{\"error\":{\"code\":-1}}", ERROR_SERVER, 502},
        {"{\"error\":{\"code\":null,\"type\":\"server_error\"}}", ERROR_SERVER, 500},
        {"{\"error\":{\"code\":\"rate_limit_exceeded\",\"type\":\"requests\"}}", ERROR_RATE_LIMIT,
         429},
        {"{\"error\":{\"code\":\"queue_timeout\",\"type\":\"overloaded_error\"}}", ERROR_OVERLOADED,
         503},
        {"{\"error\":{\"type\":\"overloaded_error\",\"code\":400}}", ERROR_CLIENT, 400},
        {"{\"error\":{\"type\":\"unavailable_error\",\"code\":503}}", ERROR_OVERLOADED, 503},
        {"{\"error\":{\"type\":\"exceed_context_size_error\"}}", ERROR_CLIENT, 400},
        {"{\"error\":\"it broke\"}", ERROR_SERVER, 502},
        {"{\"error\":\"it broke\",\"error_type\":\"overloaded\"}", ERROR_OVERLOADED, 503},
        {"{\"error\":{\"message\":\"m\"}}", ERROR_SERVER, 502},
        {"{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}",
         ERROR_CLIENT, 400},
        {"{\"object\":\"error\",\"message\":\"m\",\"type\":\"NotFoundError\"}", ERROR_CLIENT, 404},
        {"{\"code\":503,\"message\":\"m\"}", ERROR_OVERLOADED, 503},
        {"{\"message\":\"m\",\"code\":\"429\"}", ERROR_RATE_LIMIT, 429},
        {"{\"type\":\"error\",\"message\":\"m\"}", ERROR_SERVER, 502},
        {"{\"\\u0065rror\":{\"c\\u006fde\":503}}", ERROR_OVERLOADED, 503},
        {"{\"choices\":[{\"delta\":{\"content\":\"\"}}],\"error\":{\"code\":502}}", ERROR_SERVER,
         502},
        {"{\"error\":{\"code\":400,\"type\":\"overloaded_error\"}}", ERROR_CLIENT, 400},
        {"{\"error\":{\"code\":503},\"choices\":[{\"delta\":{\"content\":\"x\"}}]}",
         ERROR_OVERLOADED, 503},
        {"{\"error\":{\"code\":500},\"error\":{\"code\":503}}", ERROR_OVERLOADED, 503},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = chat(rows[i].json);

        cr_assert_eq(f.error, rows[i].meaning, "%s: %d", rows[i].json, f.error);
        cr_assert_eq(f.error_status, rows[i].status, "%s: %d", rows[i].json, f.error_status);
        cr_assert(!f.content, "%s", rows[i].json);
    }
}

Test(answer_errors, what_only_looks_like_an_error_is_none)
{
    static const char *const rows[] = {
        "{\"choices\":[],\"error\":null}",
        "{\"choices\":[],\"error\":false}",
        "{\"choices\":[],\"error\":0}",
        "{\"choices\":[],\"error\":\"\"}",
        "{\"choices\":[],\"error\":{}}",
        "{\"choices\":[],\"error\":{\"code\":null,\"message\":null}}",
        "{\"choices\":[],\"error\":{\"code\":null,\"message\":null,\"metadata\":{\"a\":1}}}",
        "{\"choices\":[],\"error\":{\"code\":0,\"message\":\"\",\"type\":\"none\",\"param\":\"x\"}"
        "}",
        "{\"choices\":[],\"error\":{\"code\":\"0\",\"message\":\"None\"}}",
        "{\"choices\":[],\"error\":\"none\"}",
        "{\"choices\":[],\"error\":{\"code\":\"\",\"message\":\" \"}}",
        "{\"choices\":[],\"code\":503,\"message\":\"m\"}",
        "{\"choices\":[{\"error\":{\"code\":503}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"{\\\"error\\\":{\\\"code\\\":503}}\"}}]}",
        "{\"x\":{\"error\":{\"code\":503}}}",
        "{\"code\":200,\"message\":\"fine\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"m\"}}",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(chat(rows[i]).error, ERROR_NONE, "%s", rows[i]);
}

Test(answer_errors, an_error_that_says_nothing_hides_no_content)
{
    struct facts f = chat("{\"error\":{\"code\":null,\"message\":null},"
                          "\"choices\":[{\"delta\":{\"content\":\"x\"}}]}");

    cr_assert(f.content);
    cr_assert_eq(f.error, ERROR_NONE);
}

Test(answer_errors, the_first_error_counts_and_content_before_it_stays)
{
    struct facts f = read_sse(DIALECT_UNKNOWN, DATA("{\"choices\":[{\"text\":\"x\"}]}")
                                                   DATA("{\"error\":{\"code\":503}}")
                                                       DATA("{\"error\":{\"code\":400}}"));

    cr_assert(f.content);
    cr_assert_eq(f.content_events, 1);
    cr_assert_eq(f.error, ERROR_OVERLOADED);
    cr_assert_eq(f.events, 3);
}

Test(answer_errors, an_error_is_known_before_the_empty_line)
{
    struct facts f = read_sse(DIALECT_OPENAI_CHAT, "data: {\"error\":{\"code\":503}}");

    cr_assert_eq(f.error, ERROR_OVERLOADED);
    f = read_sse(DIALECT_OPENAI_CHAT, "data: [DONE]");
    cr_assert(f.finished);
    f = read_sse(DIALECT_OPENAI_CHAT, "data: {\"error\":{\"code\":503}");
    cr_assert_eq(f.error, ERROR_NONE);
}
