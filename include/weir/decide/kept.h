/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_KEPT_H
#define WEIR_DECIDE_KEPT_H

#include "weir/decide/kinds.h"
#include "weir/decide/pool.h"
#include "weir/decide/predict.h"

/*
 * What was learnt of an upstream, as numbers that outlive the process: its limits, how long first
 * tokens take by size and by how much they vary, its calm pace, the load it carried well
 * (docs/decisions.md, "What outlives a restart").  States are not among them: a breaker begins
 * CLOSED.
 */
enum {
    KEPT_OF_UPSTREAM = 14,
    KEPT_OF_KIND = 2 * PREDICT_CLASSES + 11,
    KEPT_NUMBERS = KEPT_OF_UPSTREAM + KINDS * KEPT_OF_KIND,
};

struct kept {
    double number[KEPT_NUMBERS];
};

void pool_keep(const struct pool *p, size_t upstream, struct kept *out);

/*
 * Puts it back, before anything was sent to this upstream: as if no request had come for `away_ns`.
 * Every limit goes down and up as usual from there.  False, and nothing has changed: a number is
 * out of its range.
 */
bool pool_restore(struct pool *p, size_t upstream, const struct kept *in, uint64_t away_ns,
                  uint64_t now_ns);

#endif
