/* SPDX-License-Identifier: Apache-2.0 */
/* What answers say that they took, in streams and whole ones, in every split. */
#include <criterion/criterion.h>
#include <string.h>

#include "weir/http/answer.h"

static struct usage of_stream(enum answer_form form, enum dialect d, const char *text, size_t split)
{
    struct answer a;
    struct usage u;
    struct slice all = slice_str(text);

    answer_init(&a, form, d);
    answer_count_usage(&a, &u);
    answer_feed(&a, slice_of(all.p, split));
    answer_feed(&a, slice_from(all, split));
    return u;
}

static void stream_says(enum answer_form form, enum dialect d, const char *text, uint32_t prompt,
                        uint32_t output)
{
    for (size_t split = 0; split <= strlen(text); split++) {
        struct usage u = of_stream(form, d, text, split);

        cr_assert_eq(usage_prompt(&u), prompt, "%u at split %zu", usage_prompt(&u), split);
        cr_assert_eq(usage_output(&u), output, "%u at split %zu", usage_output(&u), split);
        cr_assert(u.knows_prompt == (prompt > 0) && u.knows_output == (output > 0));
    }
}

Test(usage, of_openai_chat_comes_with_the_last_chunk)
{
    stream_says(FORM_SSE, DIALECT_OPENAI_CHAT,
                "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n"
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":7,"
                "\"total_tokens\":26,\"prompt_tokens_details\":{\"cached_tokens\":4,"
                "\"prompt_tokens\":999}}}\n\ndata: [DONE]\n\n",
                19, 7);
}

Test(usage, grows_from_chunk_to_chunk_where_a_server_tells_it_each_time)
{
    stream_says(
        FORM_SSE, DIALECT_OPENAI_CHAT,
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":1}}\n\n"
        "data: {\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":2},\"choices\":[]}\n\n",
        19, 2);
}

Test(usage, of_openai_responses_stands_in_the_response)
{
    stream_says(FORM_SSE, DIALECT_OPENAI_RESPONSES,
                "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":"
                "{\"error\":null,\"usage\":{\"input_tokens\":36,\"input_tokens_details\":"
                "{\"cached_tokens\":0},\"output_tokens\":87,\"total_tokens\":123}}}\n\n",
                36, 87);
}

Test(usage, of_anthropic_comes_in_two_events_and_its_cache_is_part_of_the_prompt)
{
    stream_says(
        FORM_SSE, DIALECT_ANTHROPIC,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
        "{\"input_tokens\":25,\"cache_read_input_tokens\":100,"
        "\"cache_creation_input_tokens\":7,\"output_tokens\":1}}}\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
        "\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n",
        132, 15);
}

Test(usage, of_gemini_counts_its_thoughts)
{
    stream_says(
        FORM_SSE, DIALECT_GEMINI,
        "data: {\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":8,"
        "\"candidatesTokenCount\":20,\"thoughtsTokenCount\":30,\"totalTokenCount\":58}}\n\n",
        8, 50);
}

Test(usage, of_ollama_and_llama_cpp)
{
    stream_says(FORM_NDJSON, DIALECT_OLLAMA,
                "{\"message\":{\"content\":\"x\"},\"done\":false}\n"
                "{\"done\":true,\"prompt_eval_count\":26,\"eval_count\":290}\n",
                26, 290);
    stream_says(FORM_SSE, DIALECT_OPENAI_CHAT,
                "data: {\"choices\":[],\"timings\":{\"prompt_n\":12,\"prompt_ms\":3.5,"
                "\"predicted_n\":44}}\n\n",
                12, 44);
}

/* Its timings count what was evaluated, without what its cache held. */
Test(usage, of_llama_cpp_is_not_made_less_by_its_timings)
{
    stream_says(FORM_SSE, DIALECT_OPENAI_CHAT,
                "data: {\"choices\":[],\"usage\":{\"completion_tokens\":44,\"prompt_tokens\":912},"
                "\"timings\":{\"cache_n\":900,\"prompt_n\":12,\"predicted_n\":44}}\n\n",
                912, 44);
    stream_says(FORM_SSE, DIALECT_OPENAI_CHAT,
                "data: {\"choices\":[],\"timings\":{\"cache_n\":900,\"prompt_n\":12,"
                "\"predicted_n\":44}}\n\n",
                912, 44);
}

Test(usage, that_is_no_number_or_no_possible_one_is_passed_over)
{
    stream_says(FORM_SSE, DIALECT_OPENAI_CHAT,
                "data: {\"usage\":{\"prompt_tokens\":\"19\",\"completion_tokens\":-7}}\n\n"
                "data: {\"usage\":{\"prompt_tokens\":18446744073709551616,\"completion_tokens\":"
                "1e9}}\n\ndata: {\"usage\":[{\"prompt_tokens\":1}]}\n\n"
                "data: {\"choices\":[{\"usage\":{\"prompt_tokens\":3}}]}\n\n",
                0, 0);
}

static void answer_says(const char *text, uint32_t prompt, uint32_t output)
{
    for (size_t split = 0; split <= strlen(text); split++) {
        struct usage_scan s;

        usage_scan_init(&s);
        usage_scan_feed(&s, slice_of(text, split));
        usage_scan_feed(&s, slice_str(text + split));
        cr_assert_eq(usage_prompt(&s.usage), prompt, "at split %zu", split);
        cr_assert_eq(usage_output(&s.usage), output, "at split %zu", split);
    }
}

Test(usage, of_whole_answers)
{
    answer_says("{\"choices\":[{\"message\":{\"content\":\"\\\"usage\\\":{\"}}],\"usage\":"
                "{\"prompt_tokens\":5,\"completion_tokens\":6}}",
                5, 6);
    answer_says("{\"type\":\"message\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}", 5, 6);
    answer_says("{\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":6}}", 5, 6);
    answer_says("{\"eval_count\":6,\"prompt_eval_count\":5}", 5, 6);
    answer_says("{\"data\":[{\"embedding\":[0.1,0.2]}],\"usage\":{\"prompt_tokens\":8}}", 8, 0);
    answer_says("no JSON at all {\"usage\":{\"prompt_tokens\":8}}", 0, 0);
    answer_says("[{\"usage\":{\"prompt_tokens\":8}}]", 0, 0);
}
