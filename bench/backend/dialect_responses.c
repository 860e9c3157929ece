/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's responses: named events with a sequence number, the whole answer repeated at the end. */
#include <inttypes.h>

#include "bench/backend/dialect_priv.h"

enum { EVENTS_BEFORE_TOKENS = 4 };

static void event_open(struct grow *g, const char *type, uint32_t sequence)
{
    grow_printf(g, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%u,", type, type,
                sequence);
}

static void text_part(struct grow *g, const struct answer *a, bool with_text)
{
    grow_str(g, "{\"type\":\"output_text\",\"annotations\":[],\"text\":\"");
    if (with_text)
        whole_text(g, a);
    grow_str(g, "\"}");
}

static void item(struct grow *g, const struct answer *a, bool done)
{
    grow_printf(g,
                "{\"id\":\"msg_%" PRIu64 "\",\"type\":\"message\",\"status\":\"%s\","
                "\"role\":\"assistant\",\"content\":[",
                a->number, done ? "completed" : "in_progress");
    if (done)
        text_part(g, a, true);
    grow_str(g, "]}");
}

static void response(struct grow *g, const struct answer *a, const char *status)
{
    bool done = a->produced > 0;

    grow_printf(g,
                "{\"id\":\"resp_%" PRIu64 "\",\"object\":\"response\",\"created_at\":%" PRIu64
                ",\"status\":\"%s\",\"error\":null,\"incomplete_details\":%s,"
                "\"instructions\":null,\"model\":\"%s\",\"parallel_tool_calls\":true,"
                "\"tool_choice\":\"auto\",\"tools\":[],\"metadata\":{},\"output\":[",
                a->number, a->created, status,
                done && a->by_length ? "{\"reason\":\"max_output_tokens\"}" : "null", a->model);
    if (done)
        item(g, a, true);
    grow_str(g, "],\"usage\":");
    if (done)
        grow_printf(g,
                    "{\"input_tokens\":%u,\"input_tokens_details\":{\"cached_tokens\":%u},"
                    "\"output_tokens\":%u,\"output_tokens_details\":{\"reasoning_tokens\":0},"
                    "\"total_tokens\":%u}",
                    a->prompt, a->cached, a->produced, a->prompt + a->produced);
    else
        grow_str(g, "null");
    grow_str(g, "}");
}

static const char *final_status(const struct answer *a)
{
    return a->by_length ? "incomplete" : "completed";
}

/* The fields that place a delta or a part within the answer. */
static void place(struct grow *g, const struct answer *a)
{
    grow_printf(g, "\"item_id\":\"msg_%" PRIu64 "\",\"output_index\":0,\"content_index\":0,",
                a->number);
}

void responses_begin(struct grow *g, const struct answer *a)
{
    struct answer nothing_yet = *a;

    nothing_yet.produced = 0;
    event_open(g, "response.created", 0);
    grow_str(g, "\"response\":");
    response(g, &nothing_yet, "in_progress");
    grow_str(g, "}\n\n");
    event_open(g, "response.in_progress", 1);
    grow_str(g, "\"response\":");
    response(g, &nothing_yet, "in_progress");
    grow_str(g, "}\n\n");
    event_open(g, "response.output_item.added", 2);
    grow_str(g, "\"output_index\":0,\"item\":");
    item(g, a, false);
    grow_str(g, "}\n\n");
    event_open(g, "response.content_part.added", 3);
    place(g, a);
    grow_str(g, "\"part\":");
    text_part(g, a, false);
    grow_str(g, "}\n\n");
}

void responses_token(struct grow *g, const struct answer *a, uint32_t i)
{
    event_open(g, "response.output_text.delta", EVENTS_BEFORE_TOKENS + i);
    place(g, a);
    grow_str(g, "\"delta\":\"");
    token_text(g, a, i);
    grow_str(g, "\"}\n\n");
}

void responses_end(struct grow *g, const struct answer *a)
{
    uint32_t sequence = EVENTS_BEFORE_TOKENS + a->produced;
    const char *last = a->by_length ? "response.incomplete" : "response.completed";

    event_open(g, "response.output_text.done", sequence);
    place(g, a);
    grow_str(g, "\"text\":\"");
    whole_text(g, a);
    grow_str(g, "\"}\n\n");
    event_open(g, "response.content_part.done", sequence + 1);
    place(g, a);
    grow_str(g, "\"part\":");
    text_part(g, a, true);
    grow_str(g, "}\n\n");
    event_open(g, "response.output_item.done", sequence + 2);
    grow_str(g, "\"output_index\":0,\"item\":");
    item(g, a, true);
    grow_str(g, "}\n\n");
    event_open(g, last, sequence + 3);
    grow_str(g, "\"response\":");
    response(g, a, final_status(a));
    grow_str(g, "}\n\n");
}

void responses_error(struct grow *g, const struct answer *a, int code)
{
    const struct error_words *w = error_words_of(code);

    event_open(g, "error", EVENTS_BEFORE_TOKENS + a->produced);
    grow_printf(g, "\"code\":\"%s\",\"message\":\"%s\",\"param\":null}\n\n", w->openai_type,
                w->message);
}

void responses_whole(struct grow *g, const struct answer *a)
{
    response(g, a, final_status(a));
}
