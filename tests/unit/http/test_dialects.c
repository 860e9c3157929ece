/* SPDX-License-Identifier: Apache-2.0 */
/* The dialects: what is content, what ends an answer, what is an error. */
#include <stdio.h>

#include "answers.h"

#define DATA(json)        "data: " json "\n\n"
#define EVENT(name, json) "event: " name "\ndata: " json "\n\n"

Test(dialects, openai_chat)
{
    struct facts f = read_sse(
        DIALECT_UNKNOWN,
        DATA("{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
             "\"delta\":"
             "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"finish_reason\":null}]}")
            DATA("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}")
                DATA("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}")
                    DATA("{\"choices\":[],\"usage\":{\"total_tokens\":7}}") DATA("[DONE]"));

    cr_assert_eq(f.dialect, DIALECT_OPENAI_CHAT);
    cr_assert_eq(f.events, 5);
    cr_assert_eq(f.content_events, 1);
    cr_assert(f.finished);
    cr_assert_eq(f.error, ERROR_NONE);
}

static bool chat_content(const char *delta)
{
    char text[400];

    (void)snprintf(text, sizeof text, DATA("{\"choices\":[{\"delta\":%s}]}"), delta);
    return read_sse(DIALECT_OPENAI_CHAT, text).content;
}

Test(dialects, openai_chat_content_has_many_names_and_is_not_empty)
{
    cr_assert(chat_content("{\"content\":\"x\"}"));
    cr_assert(chat_content("{\"content\":\" \"}"));
    cr_assert(chat_content("{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}"));
    cr_assert(chat_content("{\"reasoning_content\":\"x\"}"));
    cr_assert(chat_content("{\"reasoning\":\"x\"}"));
    cr_assert(chat_content("{\"refusal\":\"no\"}"));
    cr_assert(chat_content("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\"}}]}"));
    cr_assert(chat_content("{\"function_call\":{\"name\":\"f\"}}"));
    cr_assert(chat_content("{\"content\":\"\",\"reasoning\":\"x\"}"));
    cr_assert(chat_content("{\"reasoning_details\":[{\"type\":\"reasoning.encrypted\"}]}"));
    cr_assert(chat_content("{\"images\":[{\"image_url\":{\"url\":\"data:\"}}]}"));
    cr_assert(chat_content("{\"audio\":{\"data\":\"AA\"}}"));
    cr_assert(chat_content("{\"annotations\":[{\"type\":\"url_citation\"}]}"));
    cr_assert(chat_content("{\"thinking_blocks\":[{\"type\":\"thinking\"}],\"content\":null}"));
    cr_assert(!chat_content("{\"images\":[],\"reasoning_details\":[],\"audio\":null}"));
    cr_assert(!chat_content("{\"role\":\"assistant\"}"));
    cr_assert(!chat_content("{\"content\":\"\"}"));
    cr_assert(!chat_content("{\"content\":null}"));
    cr_assert(!chat_content("{\"content\":[]}"));
    cr_assert(!chat_content("{\"tool_calls\":[]}"));
    cr_assert(!chat_content("{\"tool_calls\":null,\"reasoning\":\"\"}"));
    cr_assert(!chat_content("{\"x\":{\"content\":\"x\"}}"));
    cr_assert(!chat_content("{}"));
    cr_assert(!chat_content("null"));
}

Test(dialects, a_token_without_text_is_content_by_its_logprobs)
{
    cr_assert(read_sse(DIALECT_OPENAI_CHAT,
                       DATA("{\"choices\":[{\"delta\":{\"content\":\"\"},\"logprobs\":{\"content\":"
                            "[{\"token\":\"\",\"bytes\":[226]}]}}]}"))
                  .content);
    cr_assert(read_sse(DIALECT_OPENAI_CHAT, DATA("{\"choices\":[{\"text\":\"\",\"logprobs\":"
                                                 "{\"tokens\":[\"bytes:\\xe2\"]}}]}"))
                  .content);
    cr_assert(!read_sse(DIALECT_OPENAI_CHAT,
                        DATA("{\"choices\":[{\"delta\":{},\"logprobs\":{\"content\":[]}}]}"))
                   .content);
}

Test(dialects, older_completions_have_text)
{
    struct facts f = read_sse(DIALECT_UNKNOWN, DATA("{\"choices\":[{\"text\":\"\"}]}")
                                                   DATA("{\"choices\":[{\"text\":\"x\"}]}"));

    cr_assert_eq(f.dialect, DIALECT_OPENAI_CHAT);
    cr_assert_eq(f.events, 2);
    cr_assert_eq(f.content_events, 1);
    cr_assert(!f.finished);
}

Test(dialects, content_outside_of_choices_is_none_of_chat)
{
    struct facts f = read_sse(DIALECT_OPENAI_CHAT,
                              DATA("{\"choices\":[]}") DATA("{\"message\":{\"content\":\"x\"}}"));

    cr_assert(!f.content);
    f = read_sse(DIALECT_OPENAI_CHAT,
                 DATA("{\"choices\":[],\"delta\":{\"content\":\"x\"},\"text\":\"x\"}"));

    cr_assert(!f.content);
}

Test(dialects, openai_responses)
{
    struct facts f = read_sse(
        DIALECT_UNKNOWN,
        EVENT("response.created",
              "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":"
              "{\"id\":\"r\",\"error\":null}}")
            EVENT("response.output_item.added", "{\"type\":\"response.output_item.added\"}")
                EVENT("response.output_text.delta",
                      "{\"type\":\"response.output_text.delta\",\"delta\":\"\"}")
                    EVENT("response.output_text.delta",
                          "{\"type\":\"response.output_text.delta\",\"delta\":\"x\","
                          "\"sequence_number\":41}")
                        EVENT("response.output_text.done",
                              "{\"type\":\"response.output_text.done\",\"text\":\"x\"}")
                            EVENT("response.completed",
                                  "{\"sequence_number\":43,\"type\":\"response.completed\"}"));

    cr_assert_eq(f.dialect, DIALECT_OPENAI_RESPONSES);
    cr_assert_eq(f.events, 6);
    cr_assert_eq(f.content_events, 1);
    cr_assert(f.finished);
    cr_assert_eq(f.sequence, 43);
    cr_assert(read_sse(DIALECT_UNKNOWN, DATA("{\"type\":\"response.incomplete\"}")).finished);
    cr_assert(
        read_sse(DIALECT_UNKNOWN,
                 DATA("{\"type\":\"response.code_interpreter_call_code.delta\",\"delta\":\"x\"}"))
            .content);
    cr_assert(read_sse(DIALECT_UNKNOWN, DATA("{\"type\":\"response.audio.delta\"}")).content);
    cr_assert(read_sse(DIALECT_UNKNOWN, EVENT("response.output_text.delta", "{\"delta\":\"x\"}"))
                  .content);
}

Test(dialects, openai_responses_fail_in_three_ways)
{
    struct facts f =
        read_sse(DIALECT_OPENAI_RESPONSES,
                 DATA("{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":"
                      "{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}}"));

    cr_assert_eq(f.error, ERROR_RATE_LIMIT);
    cr_assert_eq(f.error_status, 429);
    f = read_sse(
        DIALECT_OPENAI_RESPONSES,
        EVENT("error", "{\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\"}"));
    cr_assert_eq(f.error, ERROR_SERVER);
    cr_assert_eq(f.error_status, 500);
    f = read_sse(DIALECT_OPENAI_RESPONSES,
                 DATA("{\"error\":{\"type\":\"invalid_request_error\"}}"));
    cr_assert_eq(f.error, ERROR_CLIENT);
    cr_assert_eq(f.error_status, 400);
    cr_assert(!f.finished);
}

#define ANTHROPIC_START                                                                            \
    EVENT("message_start",                                                                         \
          "{\"type\":\"message_start\",\"message\":{\"content\":[],\"role\":\"a\"}}")

Test(dialects, anthropic_messages)
{
    struct facts f = read_sse(
        DIALECT_UNKNOWN,
        ANTHROPIC_START EVENT("ping", "{\"type\": \"ping\"}") EVENT(
            "content_block_start",
            "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"text\":\"\"}}")
            EVENT("content_block_delta", "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"
                                         "\"type\":\"text_delta\",\"text\":\"Hi\"}}")
                EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}")
                    EVENT("message_delta",
                          "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}")
                        EVENT("message_stop", "{\"type\":\"message_stop\"}"));

    cr_assert_eq(f.dialect, DIALECT_ANTHROPIC);
    cr_assert_eq(f.events, 7);
    cr_assert_eq(f.content_events, 1);
    cr_assert(f.finished);
}

static bool anthropic_content(const char *delta)
{
    char text[400];

    (void)snprintf(text, sizeof text, DATA("{\"delta\":%s,\"type\":\"content_block_delta\"}"),
                   delta);
    return read_sse(DIALECT_ANTHROPIC, text).content;
}

Test(dialects, anthropic_deltas_are_content_unless_empty)
{
    cr_assert(anthropic_content("{\"type\":\"text_delta\",\"text\":\"x\"}"));
    cr_assert(anthropic_content("{\"type\":\"thinking_delta\",\"thinking\":\"x\"}"));
    cr_assert(anthropic_content("{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}"));
    cr_assert(anthropic_content("{\"type\":\"citations_delta\",\"citation\":{\"type\":\"x\"}}"));
    cr_assert(!anthropic_content("{\"type\":\"text_delta\",\"text\":\"\"}"));
    cr_assert(!anthropic_content("{\"type\":\"input_json_delta\",\"partial_json\":\"\"}"));
}

static bool anthropic_block(const char *block)
{
    char text[400];

    (void)snprintf(text, sizeof text,
                   DATA("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":%s}"),
                   block);
    return read_sse(DIALECT_ANTHROPIC, text).content;
}

Test(dialects, an_anthropic_block_that_begins_with_something_is_content)
{
    cr_assert(anthropic_block("{\"type\":\"redacted_thinking\",\"data\":\"abc\"}"));
    cr_assert(
        anthropic_block("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"now\",\"input\":{}}"));
    cr_assert(anthropic_block("{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"t\"}"));
    cr_assert(!anthropic_block("{\"type\":\"text\",\"text\":\"\",\"citations\":null}"));
    cr_assert(!anthropic_block("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
}

Test(dialects, responses_may_bring_an_item_without_deltas)
{
    cr_assert(read_sse(DIALECT_OPENAI_RESPONSES,
                       DATA("{\"type\":\"response.output_item.done\",\"item\":{\"type\":"
                            "\"function_call\",\"name\":\"now\",\"arguments\":\"{}\"}}"))
                  .content);
    cr_assert(read_sse(DIALECT_OPENAI_RESPONSES,
                       DATA("{\"type\":\"response.output_text.annotation.added\"}"))
                  .content);
}

Test(dialects, anthropic_errors)
{
    struct facts f =
        read_sse(DIALECT_ANTHROPIC,
                 EVENT("error", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                                "\"message\":\"Overloaded\"}}"));

    cr_assert_eq(f.error, ERROR_OVERLOADED);
    cr_assert_eq(f.error_status, 529);
    f = read_sse(DIALECT_UNKNOWN, ANTHROPIC_START DATA("{\"type\":\"error\",\"error\":{\"type\":"
                                                       "\"overloaded_error\"}}"));
    cr_assert_eq(f.error_status, 529);
    f = read_sse(DIALECT_ANTHROPIC,
                 DATA("{\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}"));
    cr_assert_eq(f.error, ERROR_SERVER);
    cr_assert_eq(f.error_status, 500);
    f = read_sse(DIALECT_ANTHROPIC, EVENT("error", "oops"));
    cr_assert_eq(f.error, ERROR_SERVER);
    cr_assert_eq(f.error_status, 502);
}

Test(dialects, gemini)
{
    struct facts f = read_sse(
        DIALECT_UNKNOWN,
        DATA("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"}}]}")
            DATA("{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"}}]}")
                DATA("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]}}]}")
                    DATA("{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{}}]}}]}")
                        DATA("{\"candidates\":[{\"finishReason\":\"STOP\",\"content\":{\"parts\":["
                             "{\"text\":\"\",\"thoughtSignature\":\"x\"}]}}]}"));

    cr_assert_eq(f.dialect, DIALECT_GEMINI);
    cr_assert_eq(f.events, 5);
    cr_assert_eq(f.content_events, 2);
    cr_assert(f.finish_reason);
    cr_assert(!f.finished);
    f = read_sse(DIALECT_GEMINI, DATA("{\"candidates\":[{\"finishReason\":null}]}"));
    cr_assert(!f.finish_reason);
}

Test(dialects, gemini_errors)
{
    struct facts f = read_sse(DIALECT_GEMINI, DATA("{\"error\":{\"code\":503,\"message\":\"m\","
                                                   "\"status\":\"UNAVAILABLE\"}}"));

    cr_assert_eq(f.error, ERROR_OVERLOADED);
    cr_assert_eq(f.error_status, 503);
    f = read_sse(DIALECT_GEMINI, DATA("{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}"));
    cr_assert_eq(f.error, ERROR_RATE_LIMIT);
}

#define LINE(json) json "\n"

Test(dialects, ollama)
{
    struct facts f = read_answer(
        FORM_NDJSON, DIALECT_UNKNOWN,
        LINE("{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":"
             "false}") LINE("{\"message\":{\"content\":\"Hi\"},\"done\":false}")
            LINE("{\"message\":{\"content\":\"\",\"thinking\":\"h\"},\"done\":false}") LINE(
                "{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{}}]},\"done\":"
                "false}") LINE("{\"response\":\"x\",\"done\":false}")
                LINE("{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}"));

    cr_assert_eq(f.dialect, DIALECT_OLLAMA);
    cr_assert_eq(f.events, 6);
    cr_assert_eq(f.content_events, 4);
    cr_assert(f.finished);
}

Test(dialects, ollama_may_end_without_a_line_end)
{
    struct facts f = read_answer(FORM_NDJSON, DIALECT_OLLAMA, "{\"response\":\"x\",\"done\":true}");

    cr_assert(f.content && f.finished);
    f = read_answer(FORM_NDJSON, DIALECT_OLLAMA, "{\"error\":\"model not found\"}");
    cr_assert_eq(f.error, ERROR_SERVER);
    cr_assert_eq(f.error_status, 502);
}

Test(dialects, done_is_no_end_in_an_event_stream)
{
    cr_assert(!read_sse(DIALECT_UNKNOWN, DATA("{\"done\":true}")).finished);
}

Test(dialects, anything_else_is_unknown_and_every_event_is_content)
{
    struct facts f = read_sse(DIALECT_UNKNOWN, DATA("hello") DATA("{\"x\":1}") EVENT("tick", "1"));

    cr_assert_eq(f.dialect, DIALECT_UNKNOWN);
    cr_assert_eq(f.content_events, 3);
    cr_assert(!f.finished);
    f = read_sse(DIALECT_UNKNOWN, EVENT("ping", "{}") DATA("[DONE]"));
    cr_assert(!f.content);
    cr_assert(f.finished);
}

Test(dialects, events_overrule_the_path)
{
    struct facts f = read_sse(DIALECT_ANTHROPIC, DATA("{\"choices\":[{\"text\":\"x\"}]}"));

    cr_assert_eq(f.dialect, DIALECT_OPENAI_CHAT);
    cr_assert(f.content);
    f = read_sse(DIALECT_OPENAI_CHAT, DATA("{\"token\":{\"text\":\"x\"}}"));
    cr_assert_eq(f.dialect, DIALECT_UNKNOWN);
    cr_assert(f.content);
}

Test(dialects, once_told_strange_events_are_no_content)
{
    struct facts f =
        read_sse(DIALECT_UNKNOWN, DATA("{\"choices\":[]}") DATA("{\"x\":1}") DATA("x"));

    cr_assert_eq(f.dialect, DIALECT_OPENAI_CHAT);
    cr_assert_eq(f.events, 3);
    cr_assert(!f.content);
}

Test(dialects, paths_speak_their_dialect)
{
    static const struct {
        const char *path;
        bool version;
        enum dialect d;
    } rows[] = {
        {"/v1/chat/completions", false, DIALECT_OPENAI_CHAT},
        {"/openai/deployments/x/completions", false, DIALECT_OPENAI_CHAT},
        {"/v1/responses", false, DIALECT_OPENAI_RESPONSES},
        {"/v1/messages", false, DIALECT_ANTHROPIC},
        {"/proxy/v1/messages", false, DIALECT_ANTHROPIC},
        {"/v1/complete", true, DIALECT_ANTHROPIC},
        {"/v1beta/models/gemini-pro:streamGenerateContent", false, DIALECT_GEMINI},
        {"/api/chat", false, DIALECT_OLLAMA},
        {"/api/generate", false, DIALECT_OLLAMA},
        {"/generate", false, DIALECT_UNKNOWN},
        {"/v1/projects/p/models/m:streamRawPredict", false, DIALECT_ANTHROPIC},
        {"/v1/chat/completions", true, DIALECT_OPENAI_CHAT},
        {"/v1/messages/count_tokens", false, DIALECT_UNKNOWN},
        {"/api/pull", false, DIALECT_UNKNOWN},
        {"/mcp", false, DIALECT_UNKNOWN},
        {"/", false, DIALECT_UNKNOWN},
        {"", false, DIALECT_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(dialect_of_path(slice_str(rows[i].path), rows[i].version), rows[i].d, "%s",
                     rows[i].path);
}

Test(dialects, paths_say_whether_their_answers_are_streams)
{
    cr_assert_eq(streams_of_path(DIALECT_OPENAI_CHAT, SLICE_LIT("/v1/chat/completions")),
                 STREAMS_IF_ASKED);
    cr_assert_eq(streams_of_path(DIALECT_OLLAMA, SLICE_LIT("/api/chat")), STREAMS_UNLESS_REFUSED);
    cr_assert_eq(streams_of_path(DIALECT_GEMINI, SLICE_LIT("/v1beta/models/g:generateContent")),
                 STREAMS_NEVER);
    cr_assert_eq(
        streams_of_path(DIALECT_GEMINI, SLICE_LIT("/v1beta/models/g:streamGenerateContent")),
        STREAMS_ALWAYS);
    cr_assert_eq(streams_of_path(DIALECT_UNKNOWN, SLICE_LIT("/mcp")), STREAMS_IF_ASKED);
    cr_assert_eq(dialect_stream_error(DIALECT_UNKNOWN), STREAM_ERROR_NONE);
    cr_assert_eq(dialect_overload_status(DIALECT_ANTHROPIC), 529);
}
