/* SPDX-License-Identifier: Apache-2.0 */
/* Names: of events, of dialects, and of the dialect that a path speaks. */
#include "answer_priv.h"
#include "weir/base/assert.h"

static const struct {
    struct slice name;
    enum event_kind kind;
} kinds[] = {
#define KIND(text, kind)                                                                           \
    {                                                                                              \
        {text, sizeof(text) - 1}, kind                                                             \
    }
    KIND("content_block_delta", KIND_ANTHROPIC_DELTA),
    KIND("error", KIND_ERROR),
    KIND("ping", KIND_PING),
    KIND("message_start", KIND_ANTHROPIC),
    KIND("message_delta", KIND_ANTHROPIC),
    KIND("message_stop", KIND_ANTHROPIC_STOP),
    KIND("content_block_start", KIND_ANTHROPIC),
    KIND("content_block_stop", KIND_ANTHROPIC),
    KIND("response.completed", KIND_RESPONSE_END),
    KIND("response.incomplete", KIND_RESPONSE_END),
    KIND("response.failed", KIND_RESPONSE_FAILED),
#undef KIND
};

enum event_kind event_kind_of(struct slice type)
{
    if (type.len == 0)
        return KIND_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_eq(type, kinds[i].name))
            return kinds[i].kind;
    if (!slice_starts(type, SLICE_LIT("response.")))
        return KIND_OTHER;
    if (slice_ends(type, SLICE_LIT(".delta")) || slice_ends(type, SLICE_LIT(".partial_image")))
        return KIND_RESPONSE_DELTA;
    return KIND_RESPONSE;
}

const char *dialect_name(enum dialect d)
{
    switch (d) {
    case DIALECT_UNKNOWN:
        return "unknown";
    case DIALECT_OPENAI_CHAT:
        return "openai_chat";
    case DIALECT_OPENAI_RESPONSES:
        return "openai_responses";
    case DIALECT_ANTHROPIC:
        return "anthropic";
    case DIALECT_GEMINI:
        return "gemini";
    case DIALECT_OLLAMA:
        return "ollama";
    }
    WEIR_UNREACHABLE("dialect");
}

enum dialect dialect_of_path(struct slice path, bool anthropic_version)
{
    static const struct {
        struct slice end;
        enum dialect dialect;
    } paths[] = {
#define ENDS(text, dialect) {{text, sizeof(text) - 1}, dialect}
        ENDS("/v1/messages", DIALECT_ANTHROPIC),
        ENDS("/completions", DIALECT_OPENAI_CHAT), /* chat, and the older ones */
        ENDS("/responses", DIALECT_OPENAI_RESPONSES),
        ENDS(":streamGenerateContent", DIALECT_GEMINI),
        ENDS(":generateContent", DIALECT_GEMINI),
        ENDS("/api/chat", DIALECT_OLLAMA),
        ENDS("/api/generate", DIALECT_OLLAMA),
#undef ENDS
    };

    if (anthropic_version)
        return DIALECT_ANTHROPIC;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (slice_ends(path, paths[i].end))
            return paths[i].dialect;
    return DIALECT_UNKNOWN;
}
