/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_USAGE_PRIV_H
#define WEIR_HTTP_USAGE_PRIV_H

#include "weir/http/usage.h"

/*
 * Rows of a schema that reads usage: USAGE_TOP(X) at the top, USAGE_INSIDE(X) of objects that may
 * hold it a level deeper, USAGE_OF(X) of the object itself.  USAGE_NODE and USAGE_LEAF are the
 * schema's: its node for the object, its leaf of a count.
 */
#define USAGE_COUNTS(X)                                                                            \
    X(USAGE_PROMPT)                                                                                \
    X(USAGE_OUTPUT)                                                                                \
    X(USAGE_CACHED) X(USAGE_CACHED_ANEW) X(USAGE_THOUGHTS) X(USAGE_EVALUATED) X(USAGE_REUSED)

#define USAGE_INSIDE(X) X("usage", .object = USAGE_NODE)
#define USAGE_TOP(X)                                                                               \
    USAGE_INSIDE(X)                                                                                \
    X("timings", .object = USAGE_NODE)                                                             \
    X("prompt_eval_count", .leaf = USAGE_LEAF(USAGE_PROMPT))                                       \
    X("eval_count", .leaf = USAGE_LEAF(USAGE_OUTPUT))
#define USAGE_OF(X)                                                                                \
    X("prompt_tokens", .leaf = USAGE_LEAF(USAGE_PROMPT))                                           \
    X("completion_tokens", .leaf = USAGE_LEAF(USAGE_OUTPUT))                                       \
    X("input_tokens", .leaf = USAGE_LEAF(USAGE_PROMPT))                                            \
    X("output_tokens", .leaf = USAGE_LEAF(USAGE_OUTPUT))                                           \
    X("cache_read_input_tokens", .leaf = USAGE_LEAF(USAGE_CACHED))                                 \
    X("cache_creation_input_tokens", .leaf = USAGE_LEAF(USAGE_CACHED_ANEW))                        \
    X("promptTokenCount", .leaf = USAGE_LEAF(USAGE_PROMPT))                                        \
    X("candidatesTokenCount", .leaf = USAGE_LEAF(USAGE_OUTPUT))                                    \
    X("thoughtsTokenCount", .leaf = USAGE_LEAF(USAGE_THOUGHTS))                                    \
    X("prompt_n", .leaf = USAGE_LEAF(USAGE_EVALUATED))                                             \
    X("cache_n", .leaf = USAGE_LEAF(USAGE_REUSED))                                                 \
    X("predicted_n", .leaf = USAGE_LEAF(USAGE_OUTPUT))

#define USAGE_ENUM_ROW(e) e,
enum usage_count { USAGE_COUNTS(USAGE_ENUM_ROW) USAGE_COUNT };
#undef USAGE_ENUM_ROW

/* A count came: what is no whole number, or larger than any, is passed over. */
void usage_take(struct usage *u, enum usage_count c, enum json_kind kind, struct slice text);

#endif
