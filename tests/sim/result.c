/* SPDX-License-Identifier: Apache-2.0 */
/* What is read out of a run. */
#include <math.h>

#include "sim.h"

double sum_bins(const uint32_t *bins, double from_s, double to_s)
{
    double sum = 0;

    for (int s = (int)from_s; s < (int)to_s && s < SIM_SECONDS_MAX; s++)
        sum += bins[s];
    return sum;
}

double good_rate(const struct result *r, int group, double from_s, double to_s)
{
    return sum_bins(r->group[group].good, from_s, to_s) / (to_s - from_s);
}

double time_to_rate(const struct result *r, double rate, double from_s, double end_s)
{
    for (double s = from_s; s + 10 <= end_s; s += 1)
        if (sum_bins(r->group[0].good, s, s + 10) >= 10 * rate)
            return s - from_s;
    return end_s - from_s;
}

double inflight_cv(const struct result *r)
{
    double mean = r->inflight_sum / r->inflight_n;
    double variance = r->inflight_sq / r->inflight_n - mean * mean;

    return sqrt(variance > 0 ? variance : 0) / mean;
}

double percentile_ms(const uint32_t *hist, size_t n, double width_ms, double share)
{
    double sum = 0, seen = 0;

    for (size_t i = 0; i < n; i++)
        sum += hist[i];
    for (size_t i = 0; i < n; i++) {
        seen += hist[i];
        if (seen >= share * sum)
            return width_ms * (double)(i + 1);
    }
    return width_ms * (double)n;
}
