/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_READING_H
#define BENCH_LOAD_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/common/grow.h"

/*
 * How the load generator understands a streamed answer, on its own terms: what is content, what
 * ends it, what is an error.  With a tag it also checks that the tokens are those of its own
 * request, in order and complete.  Pure but for memory.
 */
enum { READING_EVENT_MAX = 256 * 1024 };

struct reading {
    const char *tag;  /* tokens must read "TAG.0 TAG.1 ..."; NULL is no check */
    struct grow rest; /* an event that is not complete yet */
    uint32_t events;  /* complete ones, comments apart */
    uint32_t content; /* of them with content */
    uint32_t tokens;  /* checked ones */
    bool ended;       /* the dialect's end marker was seen */
    bool failed;      /* an error event was seen */
    bool too_long;    /* an event longer than READING_EVENT_MAX */
    bool mixed;       /* a token that is not ours, or not the next */
    uint64_t sum;     /* of all blocks so far */
    bool check;       /* set by the caller after reading_start: sums are kept */
    bool sum_seen;    /* the backend told the sum of what it had sent (": sum HEX") */
    bool sum_wrong;   /* and it was another */
    int error_code;   /* of the error event as a status, 0 unknown */
};

void reading_start(struct reading *r, const char *tag);
void reading_free(struct reading *r);

/* Takes bytes of the body.  Returns how many content events were completed by them. */
uint32_t reading_feed(struct reading *r, struct slice bytes);

/* Checks the text of a whole (not streamed) answer against the tag. */
void reading_check_whole(struct reading *r, struct slice body);

/*
 * The value of the first non-empty JSON string under this key, as it is written (escapes and all);
 * empty when there is none.  Never found inside another string: its quotes would be escaped there.
 */
struct slice json_text_of(struct slice json, const char *key);

#endif
