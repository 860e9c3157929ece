/* SPDX-License-Identifier: Apache-2.0 */
/* Random draws.  Pure: the caller owns the generator. */
#include "bench/common/draw.h"

#include <math.h>

double draw_exp(struct rng *r, double mean)
{
    return -mean * log(1.0 - rng_unit(r));
}

/* Box and Muller; the second of the pair is thrown away, which keeps the generator the only state.
 */
static double draw_normal(struct rng *r)
{
    double u = 1.0 - rng_unit(r), v = rng_unit(r);

    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

double draw_lognormal(struct rng *r, double median, double sigma)
{
    return sigma <= 0 ? median : median * exp(sigma * draw_normal(r));
}

uint32_t draw_length(struct rng *r, double median, double sigma, uint32_t min, uint32_t max)
{
    double x = round(draw_lognormal(r, median, sigma));

    if (!(x > min))
        return min;
    return x < max ? (uint32_t)x : max;
}

double draw_between(struct rng *r, double low, double high)
{
    return low + (high - low) * rng_unit(r);
}
