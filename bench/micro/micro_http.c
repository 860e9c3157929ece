/* SPDX-License-Identifier: Apache-2.0 */
/* What parsing costs: heads by number of fields, events by kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/micro.h"
#include "weir/base/assert.h"
#include "weir/http/answer.h"
#include "weir/http/chunked.h"

enum { TEXT_MAX = 8192, FIELDS_MAX = 100 };

struct words {
    char text[TEXT_MAX];
    size_t len;
    struct http_field fields[FIELDS_MAX];
    struct answer answer;
};

static const struct head_limits limits = {
    .line = 8192, .head = 32768, .fields = FIELDS_MAX, .body = UINT64_MAX};

static struct words *new_words(const char *text)
{
    struct words *w = calloc(1, sizeof *w);

    WEIR_ASSERT(w != NULL && strlen(text) < TEXT_MAX);
    w->len = strlen(text);
    memcpy(w->text, text, w->len);
    return w;
}

/* A request with so many fields beside the usual ones. */
static void *begin_request(int64_t size)
{
    char text[TEXT_MAX];
    int n = snprintf(text, sizeof text,
                     "POST /v1/chat/completions HTTP/1.1\r\nHost: api.example.com\r\n"
                     "Authorization: Bearer sk-0123456789abcdef\r\n"
                     "Content-Type: application/json\r\nContent-Length: 512\r\n");

    for (int64_t i = 0; i < size; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "X-Stainless-Something-%d: value-%d\r\n",
                      (int)i, (int)i);
    (void)snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    return new_words(text);
}

static void run_request(void *state, uint64_t n)
{
    struct words *w = state;

    for (uint64_t i = 0; i < n; i++) {
        struct request_head head;
        struct head_error error;
        size_t used = 0;
        WEIR_ASSERT(request_parse(slice_of(w->text, w->len), &limits, w->fields, &head, &used,
                                  &error) == PARSE_DONE);
        micro_keep(used);
    }
}

static void *begin_response(int64_t size)
{
    (void)size;
    return new_words("HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 08:00:00 GMT\r\nServer: uvicorn\r\n"
                     "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
}

static void run_response(void *state, uint64_t n)
{
    struct words *w = state;

    for (uint64_t i = 0; i < n; i++) {
        struct response_head head;
        struct head_error error;
        size_t used = 0;
        WEIR_ASSERT(response_parse(slice_of(w->text, w->len), &limits, false, false, w->fields,
                                   &head, &used, &error) == PARSE_DONE);
        micro_keep(used);
    }
}

static void *begin_chat_event(int64_t size)
{
    struct words *w =
        new_words("data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":"
                  "1795508105,\"model\":\"some-model\",\"choices\":[{\"index\":0,\"delta\":{"
                  "\"content\":\" river\"},\"finish_reason\":null}]}\n\n");

    (void)size;
    answer_init(&w->answer, FORM_SSE, DIALECT_OPENAI_CHAT);
    return w;
}

static void *begin_anthropic_event(int64_t size)
{
    struct words *w =
        new_words("event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                  "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" river\"}}\n\n");

    (void)size;
    answer_init(&w->answer, FORM_SSE, DIALECT_ANTHROPIC);
    return w;
}

static void run_event(void *state, uint64_t n)
{
    struct words *w = state;

    for (uint64_t i = 0; i < n; i++)
        answer_feed(&w->answer, slice_of(w->text, w->len));
    micro_keep(w->answer.content_events);
}

static void *begin_chunk(int64_t size)
{
    static const char data[] =
        "data: "
        "{\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":1795508105,"
        "\"model\":\"some-model\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" river\"},"
        "\"finish_reason\":null}]}\n\n";
    char text[TEXT_MAX];

    (void)size;
    (void)snprintf(text, sizeof text, "%zx\r\n%s\r\n", sizeof data - 1, data);
    return new_words(text);
}

static void run_chunk(void *state, uint64_t n)
{
    struct words *w = state;
    struct chunked c;

    chunked_init(&c);
    for (uint64_t i = 0; i < n; i++) {
        struct slice in = slice_of(w->text, w->len), data;
        size_t used = 1;
        while (in.len > 0 && used > 0) {
            WEIR_ASSERT(chunked_next(&c, in, &used, &data) != PARSE_BAD);
            in = slice_from(in, used);
        }
        micro_keep(in.len);
    }
}

static void end_words(void *state)
{
    free(state);
}

const struct micro_case micro_http[] = {
    {"request-head", "a request's head, by further fields", 0, begin_request, run_request,
     end_words},
    {"request-head", "a request's head, by further fields", 12, begin_request, run_request,
     end_words},
    {"request-head", "a request's head, by further fields", 48, begin_request, run_request,
     end_words},
    {"response-head", "a response's head", -1, begin_response, run_response, end_words},
    {"chunk", "a chunk with an event of OpenAI's chat", -1, begin_chunk, run_chunk, end_words},
    {"event-chat", "an event of OpenAI's chat", -1, begin_chat_event, run_event, end_words},
    {"event-anthropic", "an event of Anthropic's messages", -1, begin_anthropic_event, run_event,
     end_words},
};
const int n_micro_http = (int)(sizeof micro_http / sizeof micro_http[0]);
