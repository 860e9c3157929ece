/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_DIALECT_H
#define WEIR_HTTP_DIALECT_H

#include "weir/base/slice.h"

/*
 * The dialects in which backends stream their answers.  All that tells one from another is a row of
 * the table in proxy/http/dialect.c (docs/http.md shows it).  An event may speak two; the first in
 * this order counts.
 */
/* clang-format off */
#define WEIR_DIALECTS(X) \
    X(DIALECT_UNKNOWN) /* any event is content; a clean end of framing is the end */ \
    X(DIALECT_OPENAI_RESPONSES) \
    X(DIALECT_ANTHROPIC) \
    X(DIALECT_OPENAI_CHAT) /* chat and completions */ \
    X(DIALECT_GEMINI) \
    X(DIALECT_OLLAMA)
/* clang-format on */
#define WEIR_ENUM_ROW(e)  e,
#define WEIR_COUNT_ROW(e) +1
enum dialect { WEIR_DIALECTS(WEIR_ENUM_ROW) };
enum { DIALECT_COUNT = 0 WEIR_DIALECTS(WEIR_COUNT_ROW) };
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW

/*
 * Which dialect a request's path (target_path) speaks; paths of no known dialect are UNKNOWN, but
 * for requests that carry anthropic-version.
 */
enum dialect dialect_of_path(struct slice path, bool anthropic_version);

/* Are answers on this path (target_path) streams?  `asked`: by "stream": true in the body. */
enum path_streams { STREAMS_IF_ASKED, STREAMS_UNLESS_REFUSED, STREAMS_ALWAYS, STREAMS_NEVER };
enum path_streams streams_of_path(enum dialect d, struct slice path);

/* How an error is written into a stream that has begun. */
enum stream_error {
    STREAM_ERROR_NONE, /* not at all: its readers know no such event */
    STREAM_ERROR_EVENT,
    STREAM_ERROR_NUMBERED, /* an event with a sequence_number, and the error's parts at the top */
    STREAM_ERROR_LINE,     /* a line of NDJSON */
};
enum stream_error dialect_stream_error(enum dialect d);

/* The status of a refusal for load, where the dialect has one of its own; else 503. */
int dialect_overload_status(enum dialect d);

#endif
