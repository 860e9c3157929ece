/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much an upstream's recent failures weigh in the choice.  What fails at once has nothing in
 * flight, and would get everything by the count alone.
 */
#include "weir/base/assert.h"
#include "weir/decide/pool_priv.h"

#define WEIGHT_LEAST 0.1
#define UNSEEN       1.0 /* good answers that each is credited with: one failure is no share */
#define PEERS_TIMES  2   /* client errors so many times the peers' are the upstream's own */

struct counts {
    double all, failed, client;
};

static struct counts count(const struct upstream *u, uint8_t kind)
{
    const struct window *w = breaker_part(&u->breaker, kind);
    struct counts c = {
        .failed = window_failures(w),
        .client = window_sum(w, WINDOW_CLIENT_ERROR),
    };

    c.all = UNSEEN + c.failed + c.client + window_sum(w, OUTCOME_OK);
    return c;
}

static void sort(double *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && v[j] < v[j - 1]; j--) {
            double t = v[j];
            v[j] = v[j - 1];
            v[j - 1] = t;
        }
}

/* The (lower) median of all but one whose value is x. */
static double median_beside(const double *sorted, size_t n, double x)
{
    size_t middle;

    if (n < 2)
        return x; /* nobody to be compared with: the clients' own errors */
    middle = (n - 2) / 2;
    return x <= sorted[middle] ? sorted[middle + 1] : sorted[middle];
}

void pool_weights(const struct pool *p, uint8_t kind, double *weight)
{
    double share[POOL_UPSTREAMS_MAX], sorted[POOL_UPSTREAMS_MAX];
    size_t members = 0;
    bool any = false;

    for (size_t i = 0; i < p->n_upstreams; i++) {
        struct counts c = count(&p->upstream[i], kind);
        share[i] = c.client / c.all;
        weight[i] = 1 - c.failed / c.all;
        any = any || c.client > 0;
        if (p->upstream[i].membership == MEMBER)
            sorted[members++] = share[i];
    }
    if (any)
        sort(sorted, members);
    for (size_t i = 0; i < p->n_upstreams; i++) {
        double peers = any ? PEERS_TIMES * median_beside(sorted, members, share[i]) : 0;
        if (share[i] > peers)
            weight[i] -= share[i];
        weight[i] = num_max(WEIGHT_LEAST, weight[i]);
    }
}
