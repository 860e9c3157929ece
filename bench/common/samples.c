/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements and what is said about them.  Pure but for memory. */
#include "bench/common/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"

void samples_add(struct samples *s, double x)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 256 : s->cap * 2;
        s->v = realloc(s->v, s->cap * sizeof s->v[0]);
        WEIR_ASSERT(s->v != NULL);
    }
    s->v[s->n++] = x;
    s->sorted = false;
}

void samples_free(struct samples *s)
{
    free(s->v);
    *s = (struct samples){0};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double samples_percentile(struct samples *s, double p)
{
    double rank = ceil(p * (double)s->n);

    if (s->n == 0)
        return 0;
    if (!s->sorted)
        qsort(s->v, s->n, sizeof s->v[0], by_size);
    s->sorted = true;
    return s->v[rank < 1 ? 0 : (size_t)rank - 1];
}

double median_of(const double *v, size_t n)
{
    double copy[256];

    if (n == 0)
        return 0;
    WEIR_ASSERT(n <= sizeof copy / sizeof copy[0]);
    memcpy(copy, v, n * sizeof v[0]);
    qsort(copy, n, sizeof copy[0], by_size);
    return n % 2 == 1 ? copy[n / 2] : (copy[n / 2 - 1] + copy[n / 2]) / 2;
}
