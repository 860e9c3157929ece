/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_POOL_LIMITS_H
#define WEIR_DECIDE_POOL_LIMITS_H

#include "weir/decide/pool.h"
#include "weir/decide/quota_fleet.h"

/*
 * The limits of a pool as parts of a fleet's: who waits for the store goes on when it has answered.
 * As pool.h: pure, in the daemon under the gate's lock; woken requests come from pool_next_woken.
 */
struct pool_limits_fleet {
    enum quota_mode mode;
    uint32_t nodes;       /* that share the limits */
    uint64_t pool;        /* a number of the pool's that all nodes agree on; nobody else knows it */
    uint64_t patience_ns; /* whoever has waited so long for an answer goes by the node's part */
};
void pool_limits_set(struct pool *p, const struct pool_limits_fleet *f, uint64_t now_ns);

/* What a call would be for. */
enum pool_limits_want { LIMITS_NOTHING, LIMITS_TELL, LIMITS_ASK };
enum pool_limits_want pool_limits_want(const struct pool *p);
/* The next call; answered by index, or not at all (NULL), and ended. */
size_t pool_limits_news(struct pool *p, struct quota_news *out, size_t max, uint64_t now_ns);
void pool_limits_answer(struct pool *p, size_t i, const struct quota_answer *a, uint64_t now_ns);
void pool_limits_end(struct pool *p, uint64_t now_ns);
void pool_limits_hot(struct pool *p, uint64_t id, uint64_t now_ns);

#endif
