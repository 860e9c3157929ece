/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_SETTINGS_H
#define WEIR_DECIDE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the decisions are told.  Filled from the settings table (config/); immutable once handed
 * over. Meaning, ranges and defaults of each: docs/settings.md.  `enforce` false is mode "observe":
 * the rule decides, counts and reports, and never delays or refuses.
 */

struct limiter_conf {
    bool enforce;
    uint64_t queue_target_ns;
    uint64_t pace_target_ns; /* per event; 0 is "auto" */
};

struct breaker_conf {
    bool enforce;
    uint64_t window_ns;
    uint32_t min_requests;
    double error_rate;
    uint32_t consecutive;
    uint64_t open_min_ns, open_max_ns;
    uint32_t probes;
    uint64_t silence_ns;
    uint32_t silence_streams;
};

struct ramp_conf {
    bool enforce;
    double start, factor;
    uint64_t dwell_ns, rest_ns;
};

struct queue_conf {
    bool enforce;
    uint64_t max_wait_ns, batch_wait_ns;
    uint64_t cold_wait_ns; /* instead of max_wait_ns while no limit is known */
    uint32_t max_length;
};

struct retry_conf {
    double budget; /* of first attempts; 0 = never */
    double burst;
    bool replay_generation; /* also of what an upstream has read, on generation paths */
};

/* What is counted. */
enum quota_unit { QUOTA_REQUESTS, QUOTA_PROMPT, QUOTA_OUTPUT, QUOTA_UNITS };

enum quota_span { QUOTA_AT_ONCE, QUOTA_MINUTE, QUOTA_DAY };

/*
 * The limits: one row each, from which settings, `weirctl why`, metrics and answers take their
 * words.  X(enumerator, "name", span, units as bits, "what is limited, for people")
 */
/* clang-format off */
#define WEIR_QUOTA_LIMITS(X) \
    X(QUOTA_MAX_STREAMS, "max_streams", QUOTA_AT_ONCE, 0, "requests at once") \
    X(QUOTA_REQUESTS_MINUTE, "requests_per_minute", QUOTA_MINUTE, 1 << QUOTA_REQUESTS, \
      "requests a minute") \
    X(QUOTA_TOKENS_MINUTE, "tokens_per_minute", QUOTA_MINUTE, \
      1 << QUOTA_PROMPT | 1 << QUOTA_OUTPUT, "tokens a minute") \
    X(QUOTA_PROMPT_MINUTE, "prompt_tokens_per_minute", QUOTA_MINUTE, 1 << QUOTA_PROMPT, \
      "prompt tokens a minute") \
    X(QUOTA_OUTPUT_MINUTE, "output_tokens_per_minute", QUOTA_MINUTE, 1 << QUOTA_OUTPUT, \
      "output tokens a minute") \
    X(QUOTA_REQUESTS_DAY, "requests_per_day", QUOTA_DAY, 1 << QUOTA_REQUESTS, \
      "requests a day") \
    X(QUOTA_TOKENS_DAY, "tokens_per_day", QUOTA_DAY, 1 << QUOTA_PROMPT | 1 << QUOTA_OUTPUT, \
      "tokens a day") \
    X(QUOTA_PROMPT_DAY, "prompt_tokens_per_day", QUOTA_DAY, 1 << QUOTA_PROMPT, \
      "prompt tokens a day") \
    X(QUOTA_OUTPUT_DAY, "output_tokens_per_day", QUOTA_DAY, 1 << QUOTA_OUTPUT, \
      "output tokens a day")
/* clang-format on */
#define WEIR_ENUM_ROW(e, ...)  e,
#define WEIR_COUNT_ROW(e, ...) +1
enum quota_limit { WEIR_QUOTA_LIMITS(WEIR_ENUM_ROW) };
enum { QUOTA_LIMITS = 0 WEIR_QUOTA_LIMITS(WEIR_COUNT_ROW) };
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW

/* Numbers by limit; 0 = none. */
struct quota_limits {
    uint64_t most[QUOTA_LIMITS];
};

/* Of pools[].limits: how many there may be, and how many of them one request may match. */
enum { LIMITS_MAX = 64, LIMITS_MEET_MAX = 7 };

struct users_conf {
    double fair_share;
    struct quota_limits limits;
};

struct decide_conf {
    bool api; /* profile "api": ordinary request/response servers */
    struct limiter_conf limiter;
    struct breaker_conf breaker;
    struct ramp_conf ramp;
    struct queue_conf queue;
    struct retry_conf retry;
    struct users_conf users;
    uint64_t first_token_ns; /* the proxy's patience for a first token */
    uint64_t lease_ns;
};

#endif
