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

struct users_conf {
    double fair_share;
    uint32_t max_streams;         /* 0 = off */
    uint32_t requests_per_minute; /* 0 = off */
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
