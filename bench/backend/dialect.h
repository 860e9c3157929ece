/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_DIALECT_H
#define BENCH_BACKEND_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/common/grow.h"

/*
 * How answers are written: OpenAI chat, completions and responses, Anthropic messages.  Each writer
 * appends whole events (or a whole JSON body) to a text; framing and sending are the caller's.
 */
enum { TAG_MAX = 64, MODEL_MAX = 64 };

/* One answer as far as its words go. */
struct answer {
    const struct dialect *dialect;
    uint64_t number;  /* of the request, in ids */
    uint64_t created; /* seconds since 1970 */
    char tag[TAG_MAX + 1];
    char model[MODEL_MAX + 1];
    uint32_t prompt, cached; /* tokens */
    uint32_t produced;
    bool by_length;   /* ended by max_tokens, not by itself */
    bool wants_usage; /* stream_options.include_usage */
};

struct dialect {
    const char *name, *path;
    void (*begin)(struct grow *g, const struct answer *a); /* what comes before the first token */
    void (*token)(struct grow *g, const struct answer *a, uint32_t i);
    void (*end)(struct grow *g, const struct answer *a);             /* with the end marker */
    void (*error)(struct grow *g, const struct answer *a, int code); /* an in-band error event */
    void (*whole)(struct grow *g, const struct answer *a);           /* the answer in one piece */
    void (*refusal)(struct grow *g, int status); /* the body of an error status */
    const char *ping;                            /* a sign of life */
};

/* The dialect of this path (a query is ignored), or NULL. */
const struct dialect *dialect_of_path(struct slice path);

/*
 * Token i of an answer.  With a tag it is "TAG.i ", so that whoever reads knows whose it is,
 * whether one is missing, doubled or from somebody else; without one it is prose about a river.
 */
void token_text(struct grow *g, const struct answer *a, uint32_t i);

/* All tokens of an answer. */
void whole_text(struct grow *g, const struct answer *a);

/* Words for an error code, per family. */
struct error_words {
    int code;
    const char *openai_type, *anthropic_type, *message;
};
const struct error_words *error_words_of(int code);

#endif
