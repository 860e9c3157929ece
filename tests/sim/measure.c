/* SPDX-License-Identifier: Apache-2.0 */
/* Runs over seeds, and what is read out of them. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"

enum { WAIT_SLOTS = 4096, TOTAL_SLOTS = 2048 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double median(double *x, size_t n)
{
    WEIR_ASSERT(n > 0);
    qsort(x, n, sizeof *x, by_size);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static void add_hist(uint32_t *to, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

struct steady steady(struct scenario sc, const struct effort *e)
{
    struct result *r = malloc(sizeof *r);
    uint32_t wait[WAIT_SLOTS] = {0}, total[TOTAL_SLOTS] = {0};
    struct steady out = {0};
    double n = (double)e->seeds;

    WEIR_ASSERT(r != NULL);
    sc.seconds = e->seconds;
    for (uint64_t i = 0; i < e->seeds; i++) {
        double asked;
        sc.seed = e->first_seed + i;
        (void)sim_run(&sc, r);
        asked = sum_bins(r->group[0].asked, sc.warm_s, sc.seconds);
        out.good += good_rate(r, 0, sc.warm_s, sc.seconds) / n;
        out.shed += sum_bins(r->group[0].shed, sc.warm_s, sc.seconds) / num_max(1, asked) / n;
        out.cv += inflight_cv(r) / n;
        add_hist(wait, r->wait_ms, WAIT_SLOTS);
        add_hist(total, r->total_ms, TOTAL_SLOTS);
    }
    out.wait_p95_s = percentile_ms(wait, WAIT_SLOTS, 10, 0.95) / 1e3;
    out.answered_p99_s = percentile_ms(total, TOTAL_SLOTS, 10, 0.99) / 1e3;
    free(r);
    return out;
}

struct steady steady_fixed(struct scenario sc, const struct effort *e)
{
    sc.rule = RULE_FIXED;
    if (sc.fixed <= 0)
        sc.fixed = sc.backend->best_fixed;
    return steady(sc, e);
}

struct scenario outage_scenario(const struct backend *b, bool fragile, uint64_t seed)
{
    struct scenario sc = scenario_of(b, 1.2, 500, seed);

    sc.retries = 4;
    sc.comeback = COMEBACK_HEADER;
    sc.users = 0;
    sc.n_faults = 1;
    sc.fault[0] = (struct fault){
        .kind = FAULT_DEAD, .at_s = 200, .seconds = 60, .cold = true, .fragile = fragile};
    return sc;
}

static double opened_since(const struct result *r, double from_s)
{
    double n = 0;

    for (uint64_t i = 0; i < r->opened && i < sizeof r->opened_s / sizeof r->opened_s[0]; i++)
        n += r->opened_s[i] >= from_s;
    return n;
}

static double first_opened(const struct result *r, double from_s)
{
    for (uint64_t i = 0; i < r->opened && i < sizeof r->opened_s / sizeof r->opened_s[0]; i++)
        if (r->opened_s[i] >= from_s)
            return r->opened_s[i] - from_s;
    return 1e9;
}

struct outage outage(struct scenario sc, double dead_at_s, double dead_s, const struct effort *e)
{
    struct result *r = malloc(sizeof *r);
    double *full = malloc(e->seeds * sizeof *full), *probe = malloc(e->seeds * sizeof *probe);
    double back_s = dead_at_s + dead_s, capacity = sc.backend->capacity, n = (double)e->seeds;
    struct outage out = {0};

    WEIR_ASSERT(r != NULL && full != NULL && probe != NULL);
    for (uint64_t i = 0; i < e->seeds; i++) {
        double sent;
        sc.seed = e->first_seed + i;
        (void)sim_run(&sc, r);
        full[i] = time_to_rate(r, 0.72 * capacity, back_s, sc.seconds);
        probe[i] = r->first_probe_s;
        out.full_worst_s = num_max(out.full_worst_s, full[i]);
        out.good_after += good_rate(r, 0, back_s, back_s + 100) / capacity / n;
        sent = sum_bins(r->group[0].sent, back_s, back_s + 100);
        out.overshoot +=
            num_max(0, 1 - sum_bins(r->group[0].good, back_s, back_s + 100) / num_max(1, sent)) / n;
        out.opened_after_return += opened_since(r, back_s) / n;
        out.opened += (double)r->opened / n;
        out.dead_attempts += (double)r->dead_attempts / n;
        out.open_after_s = num_max(out.open_after_s, first_opened(r, dead_at_s));
    }
    out.full_median_s = median(full, e->seeds);
    out.probe_s = median(probe, e->seeds);
    free(r);
    free(full);
    free(probe);
    return out;
}
