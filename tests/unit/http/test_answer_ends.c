/* SPDX-License-Identifier: Apache-2.0 */
/* Which answers are whole, and which are none. */
#include "answers.h"

#define DATA(json)        "data: " json "\n\n"
#define EVENT(name, json) "event: " name "\ndata: " json "\n\n"

#define ANTHROPIC_START                                                                            \
    EVENT("message_start",                                                                         \
          "{\"type\":\"message_start\",\"message\":{\"content\":[],\"role\":\"a\"}}")

/* What a whole answer says about its end, if the framing then ends cleanly. */
static bool is_whole(enum dialect d, const char *text, bool finish_reason_is_enough)
{
    enum answer_form form = text[0] == '{' ? FORM_NDJSON : FORM_SSE;
    struct answer a;

    (void)read_answer(form, d, text);
    answer_init(&a, form, d);
    answer_feed(&a, slice_str(text));
    return answer_is_whole(&a, finish_reason_is_enough) && !answer_is_empty(&a) &&
           a.error == ERROR_NONE;
}

#define CHUNK(delta, reason)                                                                       \
    DATA("{\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" reason "}]}")
#define BLOCK_START(block)                                                                         \
    EVENT("content_block_start", "{\"type\":\"content_block_start\",\"content_block\":" block "}")
#define MESSAGE_DELTA(reason)                                                                      \
    EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" reason "}}")
#define MESSAGE_STOP EVENT("message_stop", "{\"type\":\"message_stop\"}")

Test(answer_ends, an_answer_without_text_that_gives_its_reason_is_whole)
{
    static const struct {
        enum dialect d;
        const char *text;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, CHUNK("{}", "\"content_filter\"") DATA("[DONE]")},
        {DIALECT_OPENAI_CHAT, CHUNK("{\"content\":\"\"}", "\"length\"")},
        {DIALECT_OPENAI_CHAT, DATA("[DONE]")},
        {DIALECT_OPENAI_CHAT, DATA("{\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}")},
        {DIALECT_ANTHROPIC, MESSAGE_DELTA("\"refusal\"") MESSAGE_STOP},
        {DIALECT_ANTHROPIC, MESSAGE_DELTA("\"end_turn\"")},
        {DIALECT_OPENAI_RESPONSES, DATA("{\"type\":\"response.incomplete\",\"response\":{}}")},
        {DIALECT_OPENAI_RESPONSES, DATA("{\"type\":\"response.completed\",\"response\":{}}")},
        {DIALECT_GEMINI, DATA("{\"candidates\":[{\"finishReason\":\"SAFETY\",\"index\":0}]}")},
        {DIALECT_GEMINI, DATA("{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},"
                              "\"usageMetadata\":{\"promptTokenCount\":4}}")},
        {DIALECT_OLLAMA, "{\"message\":{\"content\":\"\"},\"done\":true}\n"},
        {DIALECT_OLLAMA, "{\"response\":\"\",\"done\":true,\"done_reason\":\"load\"}"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert(is_whole(rows[i].d, rows[i].text, false), "%s", rows[i].text);
}

Test(answer_ends, what_neither_answers_nor_ends_is_not_whole)
{
    static const struct {
        enum dialect d;
        const char *text;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, ": nothing\n\n"},
        {DIALECT_OPENAI_CHAT, CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null")},
        {DIALECT_OPENAI_CHAT, CHUNK("{}", "\"\"") DATA("{\"choices\":[],\"usage\":{\"x\":1}}")},
        {DIALECT_OPENAI_CHAT, DATA("{\"object\":\"chat.completion.chunk\",\"usage\":{\"x\":1}}")},
        {DIALECT_ANTHROPIC, ANTHROPIC_START EVENT("ping", "{\"type\":\"ping\"}")},
        {DIALECT_ANTHROPIC, ANTHROPIC_START MESSAGE_DELTA("null")},
        {DIALECT_OPENAI_RESPONSES, DATA("{\"type\":\"response.created\",\"response\":{}}")},
        {DIALECT_GEMINI, DATA("{\"candidates\":[{\"content\":{\"parts\":[]}}]}")},
        {DIALECT_GEMINI, DATA("{\"usageMetadata\":{\"promptTokenCount\":4}}")},
        {DIALECT_OLLAMA, "{\"message\":{\"content\":\"\"},\"done\":false}\n"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert(!is_whole(rows[i].d, rows[i].text, true), "%s", rows[i].text);
}

Test(answer_ends, a_reason_is_the_end_of_text_only_where_that_is_enough)
{
    static const struct {
        enum dialect d;
        const char *text;
        bool always;
    } rows[] = {
        {DIALECT_OPENAI_CHAT, CHUNK("{\"content\":\"x\"}", "null") CHUNK("{}", "\"stop\""), false},
        {DIALECT_OPENAI_CHAT, DATA("{\"choices\":[{\"text\":\"x\",\"finish_reason\":\"length\"}]}"),
         false},
        {DIALECT_ANTHROPIC,
         EVENT("content_block_delta",
               "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"x\"}}")
             MESSAGE_DELTA("\"end_turn\""),
         false},
        {DIALECT_OLLAMA, "{\"response\":\"x\",\"done\":false}\n{\"done_reason\":\"stop\"}\n",
         false},
        {DIALECT_GEMINI,
         DATA("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},"
              "\"finishReason\":\"STOP\"}]}"),
         true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert(is_whole(rows[i].d, rows[i].text, true), "%s", rows[i].text);
        cr_assert_eq(is_whole(rows[i].d, rows[i].text, false), rows[i].always, "%s", rows[i].text);
    }
    cr_assert(!is_whole(DIALECT_OPENAI_CHAT, CHUNK("{\"content\":\"x\"}", "null"), true));
    cr_assert(is_whole(DIALECT_OPENAI_CHAT, DATA("{\"token\":{\"text\":\"x\"}}"), false));
}
