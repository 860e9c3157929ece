/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_RUNNING_H
#define WEIR_DECIDE_RUNNING_H

#include "weir/decide/pool.h"

/*
 * What a running process knows beyond what outlives it (decide/kept.h), for one that takes over at
 * once: states of breakers with their windows, shares, cooldowns, what an operator has laid upon an
 * upstream, users with their quotas and leases.  As rows of numbers; times are monotonic, for both
 * processes have the same clock.  Requests are not among it: they end where they began.
 */
enum { RUNNING_VERSION = 1, RUNNING_MAX = 1400 };

struct running {
    uint32_t n; /* numbers; the same for every upstream of a version */
    uint64_t number[RUNNING_MAX];
    char cause[BREAKER_CAUSE_MAX];
};

void pool_keep_running(const struct pool *p, size_t upstream, struct running *out);
/*
 * Before anything was sent to this upstream.  False, and nothing has changed: a number is out of
 * its range, or there are more or fewer than this version has.
 */
bool pool_restore_running(struct pool *p, size_t upstream, const struct running *in,
                          uint64_t now_ns);

enum { RUNNING_OF_POOL = 2, RUNNING_OF_USER = 5, RUNNING_OF_LEASE = 2, RUNNING_OF_QUOTA = 11 };

void pool_keep_self(const struct pool *p, uint64_t out[RUNNING_OF_POOL]);
bool pool_restore_self(struct pool *p, const uint64_t in[RUNNING_OF_POOL], uint64_t now_ns);

/* Users who came in the last two minutes, one a call; *at begins at 0.  False: no more. */
bool pool_next_user(const struct pool *p, size_t *at, uint64_t out[RUNNING_OF_USER],
                    uint64_t now_ns);
bool pool_restore_user(struct pool *p, const uint64_t in[RUNNING_OF_USER], uint64_t now_ns);

/* Leases in force, in the same way. */
bool pool_next_lease(const struct pool *p, size_t *at, uint64_t out[RUNNING_OF_LEASE],
                     uint64_t now_ns);
bool pool_restore_lease(struct pool *p, const uint64_t in[RUNNING_OF_LEASE], uint64_t now_ns);

/*
 * What was counted under limits, four parts of a window a call; nothing where the pool that is
 * restored limits nothing.
 */
bool pool_next_quota(const struct pool *p, size_t *at, uint64_t out[RUNNING_OF_QUOTA],
                     uint64_t now_ns);
bool pool_restore_quota(struct pool *p, const uint64_t in[RUNNING_OF_QUOTA], uint64_t now_ns);

#endif
