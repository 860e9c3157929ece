/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_HEAD_H
#define BENCH_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * HTTP/1 heads and body framing for a test partner: tolerant where weir is strict, because the
 * harness has to see what comes, not to judge it twice.  Not weir's parser on purpose: two
 * implementations that agree prove more than one that agrees with itself.
 */
enum { HEAD_MAX = 64 * 1024 };

struct head {
    struct slice start[3]; /* method target version, or version status reason */
    struct slice fields;   /* all field lines */
    size_t size;           /* bytes of the head with its empty line */
    int status;            /* of an answer; 0 for a request */
};

/* WEIR_OK, WEIR_AGAIN (not whole yet), WEIR_BAD, WEIR_LIMIT (longer than HEAD_MAX). */
enum weir_status head_parse(struct slice in, struct head *out) WEIR_MUST_CHECK;

/* The first field of this name, trimmed; empty when there is none.  Case is ignored. */
struct slice head_field(const struct head *h, const char *name);

/* Whether the comma list in this field has the token, case ignored. */
bool head_has_token(const struct head *h, const char *name, const char *token);

/* HTTP/1.1 unless told to close, HTTP/1.0 only when told to keep. */
bool head_keeps_alive(const struct head *h);

/* How a body is framed, and how much of it was seen. */
enum body_kind { BODY_NONE, BODY_COUNTED, BODY_CHUNKED, BODY_UNTIL_CLOSE };
struct body {
    enum body_kind kind;
    uint64_t left; /* of the counted body or the chunk */
    int step;      /* place in the chunked grammar */
    bool done;
};

/* From a request's head; WEIR_BAD for a length that is no number. */
enum weir_status body_of_request(const struct head *h, struct body *b) WEIR_MUST_CHECK;
/* From an answer's head to a request of this method. */
enum weir_status body_of_answer(const struct head *h, bool was_head,
                                struct body *b) WEIR_MUST_CHECK;

/*
 * Takes framing and bytes off the front of *in until it has a piece of content, which may be empty
 * at the end (b->done) or when *in is used up.  WEIR_BAD for broken chunks.
 */
enum weir_status body_next(struct body *b, struct slice *in, struct slice *piece) WEIR_MUST_CHECK;

#endif
