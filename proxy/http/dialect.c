/* SPDX-License-Identifier: Apache-2.0 */
/* The table of dialects: all that tells one from another. */
#include "answer_priv.h"
#include "weir/base/assert.h"

#define ENDS(text, streams)                                                                        \
    {                                                                                              \
        {text, sizeof(text) - 1}, streams                                                          \
    }
#define PATHS(...)                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* All columns, in their order; see struct dialect_row. */
#define ROW(e, paths_, told_, content_, end_, finish_is_end_, error_, overload_status_)            \
    [e] = {                                                                                        \
        .paths = paths_,                                                                           \
        .told = told_,                                                                             \
        .content = content_,                                                                       \
        .end = end_,                                                                               \
        .finish_is_end = finish_is_end_,                                                           \
        .error = error_,                                                                           \
        .overload_status = overload_status_,                                                       \
    }

/* clang-format off */
static const struct dialect_row rows[] = {
    ROW(DIALECT_UNKNOWN,
        PATHS({{NULL, 0}, STREAMS_IF_ASKED}),
        0, SEEN_BYTES, SEEN_MARK, false,
        STREAM_ERROR_NONE, 503),
    ROW(DIALECT_OPENAI_RESPONSES,
        PATHS(ENDS("/responses", STREAMS_IF_ASKED)),
        SEEN_RESPONSES, SEEN_PIECE | SEEN_ITEM, SEEN_STOP | SEEN_MARK, false,
        STREAM_ERROR_NUMBERED, 503),
    ROW(DIALECT_ANTHROPIC,
        PATHS(ENDS("/v1/messages", STREAMS_IF_ASKED), ENDS(":rawPredict", STREAMS_IF_ASKED),
              ENDS(":streamRawPredict", STREAMS_ALWAYS)),
        SEEN_ANTHROPIC, SEEN_PIECE | SEEN_BLOCK, SEEN_STOP | SEEN_MARK, false,
        STREAM_ERROR_EVENT, 529),
    ROW(DIALECT_OPENAI_CHAT,
        PATHS(ENDS("/completions", STREAMS_IF_ASKED)), /* chat, and the older ones */
        SEEN_CHOICES, SEEN_CHAT_CONTENT, SEEN_MARK, false,
        STREAM_ERROR_EVENT, 503),
    ROW(DIALECT_GEMINI,
        PATHS(ENDS(":streamGenerateContent", STREAMS_ALWAYS),
              ENDS(":generateContent", STREAMS_NEVER)),
        SEEN_CANDIDATES, SEEN_GEMINI_CONTENT, SEEN_MARK, true,
        STREAM_ERROR_EVENT, 503),
    ROW(DIALECT_OLLAMA,
        PATHS(ENDS("/api/chat", STREAMS_UNLESS_REFUSED),
              ENDS("/api/generate", STREAMS_UNLESS_REFUSED)),
        SEEN_DONE_KEY, SEEN_OLLAMA_CONTENT, SEEN_DONE_TRUE | SEEN_MARK, false,
        STREAM_ERROR_LINE, 503),
};
/* clang-format on */
_Static_assert(sizeof rows / sizeof rows[0] == DIALECT_COUNT, "each dialect has a row");
#undef ROW
#undef PATHS
#undef ENDS

const struct dialect_row *dialect_row(enum dialect d)
{
    WEIR_ASSERT((unsigned)d < DIALECT_COUNT);
    return &rows[d];
}

enum stream_error dialect_stream_error(enum dialect d)
{
    return dialect_row(d)->error;
}

int dialect_overload_status(enum dialect d)
{
    return dialect_row(d)->overload_status;
}

/* As slice_ends; most paths differ in their last letter. */
static bool ends_with(struct slice path, struct slice end)
{
    return path.len >= end.len && path.p[path.len - 1] == end.p[end.len - 1] &&
           slice_ends(path, end);
}

/* The path of a dialect that this one is; NULL: none. */
static const struct dialect_path *path_find(enum dialect d, struct slice path)
{
    for (size_t i = 0; i < DIALECT_PATHS && rows[d].paths[i].end.len > 0; i++)
        if (ends_with(path, rows[d].paths[i].end))
            return &rows[d].paths[i];
    return NULL;
}

enum dialect dialect_of_path(struct slice path, bool anthropic_version)
{
    for (int d = 0; d < DIALECT_COUNT; d++)
        if (path_find((enum dialect)d, path) != NULL)
            return (enum dialect)d;
    return anthropic_version ? DIALECT_ANTHROPIC : DIALECT_UNKNOWN;
}

enum path_streams streams_of_path(enum dialect d, struct slice path)
{
    const struct dialect_path *p = path_find(d, path);

    return p == NULL ? STREAMS_IF_ASKED : p->streams;
}

bool dialect_told(uint32_t seen, enum dialect *d)
{
    for (int i = 0; i < DIALECT_COUNT; i++)
        if ((seen & rows[i].told) != 0) {
            *d = (enum dialect)i;
            return true;
        }
    return false;
}
