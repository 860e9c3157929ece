/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_SUSPECTS_H
#define WEIR_DECIDE_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/window.h"

/*
 * The users whose requests are answered with 500 most often, over the same span as a window: does a
 * share of failures hold without them (docs/decisions.md, "Whose evidence")?  One client that sends
 * the same broken request again and again, however often, is no reason to take the upstream from
 * the others.  One of these beside each window that is judged; pure.
 */

enum { SUSPECTS_MAX = 4 };

struct suspect {
    uint64_t who;    /* keyed hash; 0 = free */
    uint64_t newest; /* number of the newest slice since time 0 */
    uint32_t failed_sum, ok_sum;
    uint16_t failed[WINDOW_SLICES], ok[WINDOW_SLICES]; /* ok: since it is a suspect */
};

struct suspects {
    uint64_t slice_ns;
    struct suspect at[SUSPECTS_MAX];
};

void suspects_init(struct suspects *s, uint64_t span_ns);

/* A 500 for this user; 0 (nobody known) is nobody's. */
void suspects_failed(struct suspects *s, uint64_t who, uint64_t now_ns);
/* A good answer for this user. */
void suspects_ok(struct suspects *s, uint64_t who, uint64_t now_ns);

/*
 * Of n outcomes of the window `failed` are failures, `rate` (0 to 1) of them are too many.  What is
 * left of both without the suspects of whom as many fail; false if hardly anything is left, so that
 * nothing is known of others.
 */
struct suspects_rest {
    uint32_t n, failed;
};
bool suspects_rest(struct suspects *s, uint32_t n, uint32_t failed, double rate, uint64_t now_ns,
                   struct suspects_rest *out);

/* This user is one of those that are left out there. */
bool suspects_has(struct suspects *s, uint64_t who, double rate, uint64_t now_ns);

#endif
