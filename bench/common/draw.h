/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_DRAW_H
#define BENCH_COMMON_DRAW_H

#include "weir/base/hash.h"

/* Random draws from a seeded generator: the same seed gives the same run. */

/* Exponential with this mean: the gaps of a Poisson process. */
double draw_exp(struct rng *r, double mean);

/* Lognormal with this median; sigma of its logarithm.  sigma 0 gives the median itself. */
double draw_lognormal(struct rng *r, double median, double sigma);

/* The same, rounded and kept within [min, max]. */
uint32_t draw_length(struct rng *r, double median, double sigma, uint32_t min, uint32_t max);

/* Uniform in [low, high). */
double draw_between(struct rng *r, double low, double high);

#endif
