/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_SDK_H
#define BENCH_LOAD_SDK_H

#include <stdbool.h>

#include "bench/http/head.h"
#include "weir/base/hash.h"

/*
 * How clients retry, by name.  Read in the sources of the official packages and watched on the wire
 * (docs/benchmarks.md).  Pure.
 */
struct sdk {
    const char *name, *help;
    int retries;
    bool obeys_should_retry; /* x-should-retry */
    bool reads_ms;           /* retry-after-ms before Retry-After */
    double hint_max_s;       /* a longer hint is not followed */
    bool hint_on_429_only;
    bool patient_hint; /* follows a hint of any length, as a virtual user with a page does */
    bool retries_all;  /* every failure but a few client errors, not the usual list */
    double base_s, factor, cap_s; /* without a hint: base * factor^n, at most cap */
    double low, high;             /* times a random number between these */
    const char *user_agent;
    bool stainless; /* sends X-Stainless-Retry-Count */
};

extern const struct sdk sdks[];
extern const int n_sdks;
const struct sdk *sdk_find(const char *name);

/* What an attempt came to, as far as retrying goes. */
struct sdk_attempt {
    bool connected; /* false: no connection, or no answer on it, or the client's timeout */
    bool accepted;  /* a 200 was seen: no SDK retries after that */
    int status;
    double hint_ms;   /* from retry-after-ms, -1 none */
    double hint_s;    /* from Retry-After in seconds, -1 none */
    int should_retry; /* x-should-retry: 1, 0, or -1 not there */
};

/* Reads the fields that matter.  Dates in Retry-After are not understood and read as none. */
void sdk_read_head(const struct head *h, struct sdk_attempt *a);

/*
 * Seconds until the next attempt, after `done` retries; negative: there is none.  retries < 0 is
 * the SDK's own number.  *by_hint tells whether the answer's hint decided.
 */
double sdk_retry_after(const struct sdk *s, int retries, int done, const struct sdk_attempt *a,
                       struct rng *r, bool *by_hint);

/* 429, 503 or 529 that says when to come back, within what clients obey: an honest refusal. */
bool sdk_is_polite(const struct sdk_attempt *a);

#endif
