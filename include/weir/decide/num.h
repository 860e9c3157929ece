/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_NUM_H
#define WEIR_DECIDE_NUM_H

#include <stdint.h>

#include "weir/base/clock.h"

/*
 * The little arithmetic the decisions share.  Own code where libm has a function too, so that the
 * layer links against nothing and gives the same bits everywhere (a run replays exactly).
 */

static inline double num_min(double a, double b)
{
    return a < b ? a : b;
}

static inline double num_max(double a, double b)
{
    return a > b ? a : b;
}

static inline double num_clamp(double x, double lo, double hi)
{
    return num_min(num_max(x, lo), hi);
}

/* The whole part of x, which must not be negative; saturates. */
static inline uint32_t num_floor(double x)
{
    return x >= 4294967295.0 ? UINT32_MAX : (uint32_t)x;
}

static inline uint32_t num_ceil(double x)
{
    uint32_t whole = num_floor(x);

    return (double)whole < x && whole < UINT32_MAX ? whole + 1 : whole;
}

static inline double num_s(uint64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

/* Seconds to nanoseconds; negative counts as 0. */
static inline uint64_t num_ns(double s)
{
    return s > 0 ? (uint64_t)(s * (double)NS_PER_S) : 0;
}

/* exp(-dt/tau): what is left of an old value after dt.  Within 1e-9. */
double num_decay(uint64_t dt_ns, uint64_t tau_ns);

/* A source of random numbers: splitmix64 (Steele, Lea, Flood 2014).  One owner, replays from its
 * seed. */
struct random {
    uint64_t state;
};

/* Uniform in [lo, hi). */
double random_between(struct random *c, double lo, double hi);

#endif
