/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>

#include "fixture.h"
#include "weir/decide/num.h"

Test(num, decays_like_the_exponential)
{
    for (int i = 0; i <= 4000; i++) {
        uint64_t dt = (uint64_t)i * NS_PER_MS * 7;
        cr_assert_float_eq(num_decay(dt, S(1)), exp(-0.007 * i), 1e-9, "at %d", i);
    }
}

Test(num, decays_to_nothing_after_a_very_long_time)
{
    cr_assert_eq(num_decay(0, S(1)), 1);
    cr_assert_eq(num_decay(UINT64_MAX, S(1)), 0);
}

Test(num, rounds_without_surprises)
{
    cr_assert_eq(num_floor(3.999), 3);
    cr_assert_eq(num_ceil(3.001), 4);
    cr_assert_eq(num_ceil(4.0), 4);
    cr_assert_eq(num_floor(1e30), UINT32_MAX);
    cr_assert_eq(num_ns(-1), 0);
}

Test(random, replays_from_its_seed_and_stays_between)
{
    struct random a = {42}, b = {42};
    double sum = 0;

    for (int i = 0; i < 10000; i++) {
        double x = random_between(&a, 2, 4);
        cr_assert(x >= 2 && x < 4);
        cr_assert_eq(x, random_between(&b, 2, 4));
        sum += x;
    }
    cr_assert_float_eq(sum / 10000, 3, 0.05);
}
