/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: one writer each, summed by control. */
#include "weir/flow/counters.h"

#include <stddef.h>

#define WEIR_BOUND_ROW(us) us,
const uint32_t bucket_bounds_us[BUCKET_COUNT - 1] = {WEIR_BUCKETS_US(WEIR_BOUND_ROW)};

static int bucket_of(uint64_t us)
{
    int lo = 0, hi = BUCKET_COUNT - 1;

    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (us <= bucket_bounds_us[mid])
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    uint64_t us = ns / 1000;

    counter_add(&h->n[bucket_of(us)], 1);
    counter_add(&h->sum_us, us);
}

double histogram_quantile_ms(const struct histogram_sum *h, unsigned permille)
{
    uint64_t total = 0, below = 0;
    double want;

    for (int i = 0; i < BUCKET_COUNT; i++)
        total += h->n[i];
    if (total == 0)
        return 0;
    want = (double)total * permille / 1000.0;
    for (int i = 0; i < BUCKET_COUNT - 1; i++) {
        double lower = i == 0 ? 0 : bucket_bounds_us[i - 1], upper = bucket_bounds_us[i];
        if ((double)(below + h->n[i]) >= want && h->n[i] > 0)
            return (lower + (upper - lower) * (want - (double)below) / (double)h->n[i]) / 1000.0;
        below += h->n[i];
    }
    return bucket_bounds_us[BUCKET_COUNT - 2] / 1000.0;
}
