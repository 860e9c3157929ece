/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's chat and completions, Anthropic's messages, and what all dialects share.  The forms are
 * those the public servers send; tests/clients checks them with the official SDKs.
 */
#include "bench/backend/dialect.h"

#include <inttypes.h>

#include "bench/backend/dialect_priv.h"

static const char *const prose[] = {
    "A ",    "weir ",    "holds ", "the ", "river ", "back, ",    "so ",    "that ",
    "what ", "stands ",  "below ", "is ",  "not ",   "washed ",   "away, ", "and ",
    "lets ", "through ", "what ",  "can ", "be ",    "carried. ",
};
enum { N_PROSE = sizeof prose / sizeof prose[0] };

void token_text(struct grow *g, const struct answer *a, uint32_t i)
{
    if (a->tag[0] != '\0')
        grow_printf(g, "%s.%u ", a->tag, i);
    else
        grow_str(g, prose[i % N_PROSE]);
}

void whole_text(struct grow *g, const struct answer *a)
{
    for (uint32_t i = 0; i < a->produced; i++)
        token_text(g, a, i);
}

const struct error_words *error_words_of(int code)
{
    static const struct error_words words[] = {
        {400, "invalid_request_error", "invalid_request_error", "The request could not be read."},
        {404, "invalid_request_error", "not_found_error", "There is nothing at this path."},
        {405, "invalid_request_error", "invalid_request_error", "Not with this method."},
        {413, "invalid_request_error", "request_too_large", "The request is too large."},
        {429, "rate_limit_error", "rate_limit_error", "Rate limit reached, slow down."},
        {503, "overloaded_error", "overloaded_error", "The engine is overloaded."},
        {529, "overloaded_error", "overloaded_error", "Overloaded"},
        {0, "server_error", "api_error", "The server had an error."},
    };
    const struct error_words *w = words;

    while (w->code != code && w->code != 0)
        w++;
    return w;
}

static const char *finish_reason(const struct answer *a)
{
    return a->by_length ? "length" : "stop";
}

static void openai_usage(struct grow *g, const struct answer *a)
{
    grow_printf(g,
                "\"usage\":{\"prompt_tokens\":%u,\"completion_tokens\":%u,\"total_tokens\":%u,"
                "\"prompt_tokens_details\":{\"cached_tokens\":%u}}",
                a->prompt, a->produced, a->prompt + a->produced, a->cached);
}

static void openai_refusal(struct grow *g, int status)
{
    const struct error_words *w = error_words_of(status);

    grow_printf(g, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":%d}}",
                w->message, w->openai_type, status);
}

/* chat and completions */

static void chat_open(struct grow *g, const struct answer *a)
{
    grow_printf(g,
                "data: {\"id\":\"chatcmpl-%" PRIu64 "\",\"object\":\"chat.completion.chunk\","
                "\"created\":%" PRIu64 ",\"model\":\"%s\",",
                a->number, a->created, a->model);
}

static void chat_begin(struct grow *g, const struct answer *a)
{
    chat_open(g, a);
    grow_str(g, "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                "\"finish_reason\":null}]}\n\n");
}

static void chat_token(struct grow *g, const struct answer *a, uint32_t i)
{
    chat_open(g, a);
    grow_str(g, "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
    token_text(g, a, i);
    grow_str(g, "\"},\"finish_reason\":null}]}\n\n");
}

static void chat_end(struct grow *g, const struct answer *a)
{
    chat_open(g, a);
    grow_printf(g, "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n",
                finish_reason(a));
    if (a->wants_usage) {
        chat_open(g, a);
        grow_str(g, "\"choices\":[],");
        openai_usage(g, a);
        grow_str(g, "}\n\n");
    }
    grow_str(g, "data: [DONE]\n\n");
}

static void openai_error(struct grow *g, const struct answer *a, int code)
{
    (void)a;
    grow_str(g, "data: ");
    openai_refusal(g, code);
    grow_str(g, "\n\ndata: [DONE]\n\n");
}

static void chat_whole(struct grow *g, const struct answer *a)
{
    grow_printf(g,
                "{\"id\":\"chatcmpl-%" PRIu64
                "\",\"object\":\"chat.completion\",\"created\":%" PRIu64
                ",\"model\":\"%s\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                "\"content\":\"",
                a->number, a->created, a->model);
    whole_text(g, a);
    grow_printf(g, "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"%s\"}],",
                finish_reason(a));
    openai_usage(g, a);
    grow_str(g, "}");
}

static void text_open(struct grow *g, const struct answer *a)
{
    grow_printf(g,
                "{\"id\":\"cmpl-%" PRIu64 "\",\"object\":\"text_completion\",\"created\":%" PRIu64
                ",\"model\":\"%s\",\"choices\":[",
                a->number, a->created, a->model);
}

static void text_begin(struct grow *g, const struct answer *a)
{
    (void)g, (void)a;
}

static void text_token(struct grow *g, const struct answer *a, uint32_t i)
{
    grow_str(g, "data: ");
    text_open(g, a);
    grow_str(g, "{\"index\":0,\"text\":\"");
    token_text(g, a, i);
    grow_str(g, "\",\"logprobs\":null,\"finish_reason\":null}]}\n\n");
}

static void text_end(struct grow *g, const struct answer *a)
{
    grow_str(g, "data: ");
    text_open(g, a);
    grow_printf(g, "{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"%s\"}]}\n\n",
                finish_reason(a));
    if (a->wants_usage) {
        grow_str(g, "data: ");
        text_open(g, a);
        grow_str(g, "],");
        openai_usage(g, a);
        grow_str(g, "}\n\n");
    }
    grow_str(g, "data: [DONE]\n\n");
}

static void text_whole(struct grow *g, const struct answer *a)
{
    text_open(g, a);
    grow_str(g, "{\"index\":0,\"text\":\"");
    whole_text(g, a);
    grow_printf(g, "\",\"logprobs\":null,\"finish_reason\":\"%s\"}],", finish_reason(a));
    openai_usage(g, a);
    grow_str(g, "}");
}

/* Anthropic messages */

static const char *stop_reason(const struct answer *a)
{
    return a->by_length ? "max_tokens" : "end_turn";
}

static void message_open(struct grow *g, const struct answer *a)
{
    grow_printf(g,
                "{\"id\":\"msg_%" PRIu64
                "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"%s\",\"content\":[",
                a->number, a->model);
}

static void message_usage(struct grow *g, const struct answer *a, uint32_t output)
{
    grow_printf(g,
                "\"usage\":{\"input_tokens\":%u,\"cache_creation_input_tokens\":0,"
                "\"cache_read_input_tokens\":%u,\"output_tokens\":%u}",
                a->prompt - a->cached, a->cached, output);
}

static void message_begin(struct grow *g, const struct answer *a)
{
    grow_str(g, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
    message_open(g, a);
    grow_str(g, "],\"stop_reason\":null,\"stop_sequence\":null,");
    message_usage(g, a, 1);
    grow_str(g, "}}\n\nevent: content_block_start\n"
                "data: {\"type\":\"content_block_start\",\"index\":0,"
                "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
                "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

static void message_token(struct grow *g, const struct answer *a, uint32_t i)
{
    grow_str(g, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                "\"delta\":{\"type\":\"text_delta\",\"text\":\"");
    token_text(g, a, i);
    grow_str(g, "\"}}\n\n");
}

static void message_end(struct grow *g, const struct answer *a)
{
    grow_printf(
        g,
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
        "{\"stop_reason\":\"%s\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%u}}\n\n"
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        stop_reason(a), a->produced);
}

static void message_refusal(struct grow *g, int status)
{
    const struct error_words *w = error_words_of(status);

    grow_printf(g, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}",
                w->anthropic_type, w->message);
}

static void message_error(struct grow *g, const struct answer *a, int code)
{
    (void)a;
    grow_str(g, "event: error\ndata: ");
    message_refusal(g, code);
    grow_str(g, "\n\n");
}

static void message_whole(struct grow *g, const struct answer *a)
{
    message_open(g, a);
    grow_str(g, "{\"type\":\"text\",\"text\":\"");
    whole_text(g, a);
    grow_printf(g, "\"}],\"stop_reason\":\"%s\",\"stop_sequence\":null,", stop_reason(a));
    message_usage(g, a, a->produced);
    grow_str(g, "}");
}

static const struct dialect dialects[] = {
    {"chat", "/v1/chat/completions", chat_begin, chat_token, chat_end, openai_error, chat_whole,
     openai_refusal, ": ping\n\n"},
    {"completions", "/v1/completions", text_begin, text_token, text_end, openai_error, text_whole,
     openai_refusal, ": ping\n\n"},
    {"responses", "/v1/responses", responses_begin, responses_token, responses_end, responses_error,
     responses_whole, openai_refusal, ": ping\n\n"},
    {"anthropic", "/v1/messages", message_begin, message_token, message_end, message_error,
     message_whole, message_refusal, "event: ping\ndata: {\"type\":\"ping\"}\n\n"},
};

const struct dialect *dialect_of_path(struct slice path)
{
    const char *query = path.len == 0 ? NULL : memchr(path.p, '?', path.len);

    if (query != NULL)
        path.len = (size_t)(query - path.p);
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        if (slice_eq(path, slice_str(dialects[i].path)))
            return &dialects[i];
    }
    return NULL;
}
