/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_CLOCKED_H
#define BENCH_BACKEND_CLOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/hash.h"

/*
 * Servers without slots and steps: each answer goes by the clock, whatever else is under way, as
 * hosted APIs, caches and reasoning models do.  Their first tokens vary by nature and not by load.
 * Pure: times are milliseconds after the request was whole, the random generator is the caller's.
 */
struct clocked_conf {
    double first_ms, first_sigma;   /* first token, lognormal */
    double hit_share, hit_ms;       /* prefix cache: this share has its first token after hit_ms */
    double think_ms, think_most_ms; /* silence before the first token, uniform; 0: first_ms */
    double ping_ms, ping_share;     /* signs of life in the silence, and the share that has them */
    double gap_ms;                  /* between tokens */
    double pause_share;             /* of the answers: one pause within */
    double pause_ms, pause_most_ms; /* uniform */
    double whole_ms, whole_sigma;   /* answers in one piece, lognormal */
    double tail_share, tail_ms;     /* share of them that takes tail_ms instead */
    double quota_per_s;             /* requests of one key; 0: no bound */
    int quota_burst, retry_after_s; /* requests at once, and what a 429 says */
    const char *loading;            /* a model that answers 503 while it loads; NULL: none */
    double loading_ms;              /* from the start */
    double quiet_ms, beat_ms;       /* event streams that say nothing: length, gap of comments */
};

/* How one answer will go. */
struct clocked_plan {
    double first_ms; /* silence before the first token */
    double ping_ms;  /* between signs of life in that silence; 0: none */
    double gap_ms;
    uint32_t pause_before; /* this token comes pause_ms later; 0: no pause */
    double pause_ms;
    double whole_ms; /* when the answer is not streamed */
};

/* tokens: how many the answer will have. */
struct clocked_plan clocked_draw(const struct clocked_conf *c, struct rng *r, uint32_t tokens);

/* Milliseconds from token number `produced` (0: from the request) to the next one. */
double clocked_next_ms(const struct clocked_plan *p, uint32_t produced);

/*
 * Quotas by key, as hosted APIs have them: a bucket for each of the latest KEYS_MAX keys.  Returns
 * false when the key has asked too much.  Zeroed: no key was seen.
 */
enum { KEYS_MAX = 256 };
struct key_bucket {
    uint64_t key, at_ns;
    double tokens;
};
struct key_quota {
    struct key_bucket v[KEYS_MAX];
};
bool key_quota_take(struct key_quota *q, const struct clocked_conf *c, uint64_t key,
                    uint64_t now_ns);

#endif
