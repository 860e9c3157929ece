/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_TRACE_CONTEXT_H
#define WEIR_HTTP_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"
#include "weir/base/text.h"

/*
 * The field traceparent (W3C Trace Context, level 1, with the random flag of level 2): which trace
 * a request belongs to, and whose span is the parent of the receiver's.  Pure.
 */
enum { TRACE_SAMPLED = 1, TRACE_RANDOM = 2, TRACEPARENT_MAX = 56 }; /* with its NUL */

struct trace_context {
    uint64_t id[2]; /* of the trace, high half first; never both 0 */
    uint64_t span;  /* never 0 */
    uint8_t flags;  /* TRACE_SAMPLED, TRACE_RANDOM */
};

/* WEIR_BAD: no trace context; *out is untouched then.  A later version is read as version 00. */
enum weir_status trace_context_parse(struct slice value, struct trace_context *out) WEIR_MUST_CHECK;
void trace_context_put(struct text *t, const struct trace_context *c);

/*
 * Is a trace without a parent among those of the share (0 to 1)?  By the low 56 bits of its id, as
 * OpenTelemetry's consistent probability sampling: whoever asks with the same share agrees.
 */
bool trace_is_in_share(const uint64_t id[2], double share);

/* The id of the n-th span below `root`, n from 1; never 0. */
uint64_t trace_span_nth(uint64_t root, uint32_t n);

#endif
