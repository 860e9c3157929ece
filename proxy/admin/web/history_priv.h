/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_HISTORY_PRIV_H
#define WEIR_ADMIN_HISTORY_PRIV_H

#include "web/history.h"

/* The rings, for history.c, which takes and shows points, and history_keep.c, which carries them
 * into the next process. */

enum {
    HISTORY_NAME_ROOM = 64,
    HISTORY_QUANTILE_TICKS = 10, /* first tokens of the last 10 s */
};

struct upstream_point {
    uint8_t state;
    float share, limit_streams, limit_pending, p50_ms, p99_ms;
    uint32_t inflight, pending;
    uint32_t outcomes[OUTCOME_COUNT]; /* in this second */
};

struct pool_point {
    uint32_t queued;
    uint32_t shed[CAUSE_REFUSAL_COUNT]; /* in this second */
};

struct upstream_series {
    struct upstream_series *next;
    char pool[HISTORY_NAME_ROOM], name[HISTORY_NAME_ROOM];
    uint64_t first, last;             /* ticks with points */
    bool counted;                     /* the sums below are of this process's own counters */
    uint64_t outcomes[OUTCOME_COUNT]; /* sums at the last point */
    struct histogram_sum ttft[HISTORY_QUANTILE_TICKS];
    struct upstream_point points[HISTORY_POINTS];
};

struct pool_series {
    struct pool_series *next;
    char name[HISTORY_NAME_ROOM];
    uint64_t first, last;
    bool counted;
    uint64_t shed[CAUSE_REFUSAL_COUNT];
    struct pool_point points[HISTORY_POINTS];
};

struct history {
    uint64_t tick; /* of the newest point; the first is 1 */
    uint64_t at_s[HISTORY_POINTS];
    struct upstream_series *upstreams;
    struct pool_series *pools;
};

/* By name; a new one, from the next tick on, at the end of its list; NULL without memory. */
struct upstream_series *history_upstream(struct history *h, const char *pool, const char *name);
struct pool_series *history_pool(struct history *h, const char *name);

#endif
