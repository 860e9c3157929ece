/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of the decisions: an exponential and a source of random numbers of our own. */
#include "weir/decide/num.h"

#include <string.h>

#define LOG2_E 1.4426950408889634
#define LN_2   0.6931471805599453

/* 2 to the power -k, for k in 0..1022, put together from its bits. */
static double half_to_the(uint32_t k)
{
    uint64_t bits = (uint64_t)(1023 - k) << 52;
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

double num_decay(uint64_t dt_ns, uint64_t tau_ns)
{
    static const double inverse_factorial[] = {
        1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
        1.0 / 24,      1.0 / 6,      0.5,         1,          1,
    };
    double halvings = (double)dt_ns / (double)tau_ns * LOG2_E;
    double x, sum = 0;
    uint32_t whole;

    if (halvings > 1000)
        return 0;
    whole = (uint32_t)halvings;
    x = -(halvings - whole) * LN_2;
    for (unsigned i = 0; i < sizeof inverse_factorial / sizeof inverse_factorial[0]; i++)
        sum = sum * x + inverse_factorial[i]; /* |x| < 0.7: the 11th term is below 1e-9 */
    return sum * half_to_the(whole);
}

static uint64_t random_next(struct random *c)
{
    uint64_t z = (c->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double random_between(struct random *c, double lo, double hi)
{
    return lo + (hi - lo) * ((double)(random_next(c) >> 11) * 0x1.0p-53);
}
