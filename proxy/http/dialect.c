/* SPDX-License-Identifier: Apache-2.0 */
/* The table of dialects: all that tells one from another. */
#include "answer_priv.h"
#include "weir/base/assert.h"

#define ENDS(text, streams)                                                                        \
    {                                                                                              \
        {text, sizeof(text) - 1}, streams                                                          \
    }

static const struct dialect_row rows[DIALECT_COUNT] = {
    [DIALECT_UNKNOWN] =
        {
            .content = SEEN_BYTES,
            .end = SEEN_MARK,
            .error = STREAM_ERROR_NONE,
            .overload_status = 503,
        },
    [DIALECT_OPENAI_RESPONSES] =
        {
            .paths = {ENDS("/responses", STREAMS_IF_ASKED)},
            .told = SEEN_RESPONSES,
            .content = SEEN_PIECE | SEEN_ITEM,
            .end = SEEN_STOP | SEEN_MARK,
            .error = STREAM_ERROR_NUMBERED,
            .overload_status = 503,
        },
    [DIALECT_ANTHROPIC] =
        {
            .paths = {ENDS("/v1/messages", STREAMS_IF_ASKED), ENDS(":rawPredict", STREAMS_IF_ASKED),
                      ENDS(":streamRawPredict", STREAMS_ALWAYS)},
            .told = SEEN_ANTHROPIC,
            .content = SEEN_PIECE | SEEN_BLOCK,
            .end = SEEN_STOP | SEEN_MARK,
            .error = STREAM_ERROR_EVENT,
            .overload_status = 529,
        },
    [DIALECT_OPENAI_CHAT] =
        {
            .paths = {ENDS("/completions", STREAMS_IF_ASKED)}, /* chat, and the older ones */
            .told = SEEN_CHOICES,
            .content = SEEN_CHAT_CONTENT,
            .end = SEEN_MARK,
            .error = STREAM_ERROR_EVENT,
            .overload_status = 503,
        },
    [DIALECT_GEMINI] =
        {
            .paths = {ENDS(":streamGenerateContent", STREAMS_ALWAYS),
                      ENDS(":generateContent", STREAMS_NEVER)},
            .told = SEEN_CANDIDATES,
            .content = SEEN_GEMINI_CONTENT,
            .end = SEEN_MARK,
            .finish_is_end = true,
            .error = STREAM_ERROR_EVENT,
            .overload_status = 503,
        },
    [DIALECT_OLLAMA] =
        {
            .paths = {ENDS("/api/chat", STREAMS_UNLESS_REFUSED),
                      ENDS("/api/generate", STREAMS_UNLESS_REFUSED)},
            .told = SEEN_DONE_KEY,
            .content = SEEN_OLLAMA_CONTENT,
            .end = SEEN_DONE_TRUE | SEEN_MARK,
            .error = STREAM_ERROR_LINE,
            .overload_status = 503,
        },
};
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
