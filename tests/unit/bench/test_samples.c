/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bench/common/draw.h"
#include "bench/common/samples.h"

Test(samples, percentiles_are_values_that_were_measured)
{
    struct samples s = {0};

    for (int i = 100; i >= 1; i--)
        samples_add(&s, i);
    cr_assert_float_eq(samples_percentile(&s, 0.5), 50, 1e-9);
    cr_assert_float_eq(samples_percentile(&s, 0.99), 99, 1e-9);
    cr_assert_float_eq(samples_percentile(&s, 1), 100, 1e-9);
    cr_assert_float_eq(samples_percentile(&s, 0), 1, 1e-9);
    samples_add(&s, 1000);
    cr_assert_float_eq(samples_percentile(&s, 1), 1000, 1e-9, "sorted anew after an addition");
    samples_free(&s);
}

Test(samples, nothing_measured_is_zero)
{
    struct samples s = {0};

    cr_assert_eq(samples_percentile(&s, 0.5), 0);
}

Test(samples, the_median_of_a_few)
{
    static const double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};

    cr_assert_float_eq(median_of(odd, 3), 2, 1e-9);
    cr_assert_float_eq(median_of(even, 4), 2.5, 1e-9);
    cr_assert_eq(median_of(odd, 0), 0);
}

Test(draw, lengths_have_their_median_and_their_bounds)
{
    struct samples s = {0};
    struct rng r;
    double sum = 0;

    rng_seed(&r, 1);
    for (int i = 0; i < 20000; i++)
        samples_add(&s, draw_length(&r, 150, 0.8, 1, 2000));
    cr_assert_float_eq(samples_percentile(&s, 0.5), 150, 5);
    for (size_t i = 0; i < s.n; i++)
        sum += s.v[i];
    cr_assert_float_eq(sum / 20000, 150 * 1.377, 10, "exp(sigma^2 / 2), cut at 2000");
    cr_assert(samples_percentile(&s, 1) <= 2000);
    cr_assert(samples_percentile(&s, 0) >= 1);
    samples_free(&s);
    cr_assert_eq(draw_length(&r, 150, 0, 1, 2000), 150);
}

Test(draw, gaps_of_arrivals_have_their_mean)
{
    struct rng r;
    double sum = 0;

    rng_seed(&r, 2);
    for (int i = 0; i < 20000; i++)
        sum += draw_exp(&r, 3);
    cr_assert_float_eq(sum / 20000, 3, 0.1);
}
