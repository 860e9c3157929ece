/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_HOLD_H
#define WEIR_DECIDE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/num.h"

/*
 * An upstream that refuses (429, 503, 529, or the same inside a stream) speaks about its quota, not
 * its health: it is left alone for as long as it asked, and gets no mark (docs/decisions.md,
 * "Refusals by the upstream").
 */
struct hold {
    uint64_t until_ns; /* 0 = never held */
};

/* retry_after_ms 0: it did not say, one second. */
void hold_refused(struct hold *h, struct chance *chance, uint32_t retry_after_ms, uint64_t now_ns);

static inline bool hold_on(const struct hold *h, uint64_t now_ns)
{
    return now_ns < h->until_ns;
}

#endif
