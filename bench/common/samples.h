/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMON_SAMPLES_H
#define BENCH_COMMON_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

/* Measurements, all of them kept: percentiles are exact.  Zeroed is empty.  One owner. */
struct samples {
    double *v;
    size_t n, cap;
    bool sorted;
};

void samples_add(struct samples *s, double x);
void samples_free(struct samples *s);

/* Smallest value that at least the share p (0..1) does not exceed; 0 when there is none. */
double samples_percentile(struct samples *s, double p);

/* Of a few numbers, by copy: the middle one, or the mean of the two in the middle. */
double median_of(const double *v, size_t n);

#endif
