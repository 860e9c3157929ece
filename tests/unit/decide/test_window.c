/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "fixture.h"
#include "weir/decide/rate.h"
#include "weir/decide/window.h"

Test(window, counts_what_is_added)
{
    struct window w;

    window_init(&w, S(10), S(100));
    window_add(&w, OUTCOME_OK, S(100));
    window_add(&w, OUTCOME_OK, S(101));
    window_add(&w, OUTCOME_FAILED, S(102));
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 2);
    cr_assert_eq(window_sum(&w, OUTCOME_FAILED), 1);
}

Test(window, forgets_slice_by_slice)
{
    struct window w;

    window_init(&w, S(10), S(100));
    for (int i = 0; i < 20; i++) /* one in each half second */
        window_add(&w, OUTCOME_OK, S(100) + MS(500) * (uint64_t)i);
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 20);
    for (int i = 1; i <= 20; i++) {
        window_advance(&w, S(100) + MS(9500) + MS(500) * (uint64_t)i);
        cr_assert_eq(window_sum(&w, OUTCOME_OK), (uint32_t)(20 - i));
    }
}

Test(window, forgets_everything_after_a_long_silence)
{
    struct window w;

    window_init(&w, S(10), S(100));
    window_add(&w, OUTCOME_OK, S(100));
    window_advance(&w, S(5000));
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 0);
    window_add(&w, OUTCOME_OK, S(5000));
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 1);
}

Test(window, takes_the_most_recent_back)
{
    struct window w;

    window_init(&w, S(10), S(100));
    window_add(&w, OUTCOME_OK, S(100));
    window_add(&w, OUTCOME_OK, S(105));
    window_take_back(&w, OUTCOME_OK, S(106));
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 1);
    window_advance(&w, S(111)); /* the older one is what was left */
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 0);
}

Test(window, takes_nothing_back_from_an_empty_one)
{
    struct window w;

    window_init(&w, S(10), S(100));
    window_take_back(&w, OUTCOME_OK, S(100));
    cr_assert_eq(window_sum(&w, OUTCOME_OK), 0);
}

Test(window, adds_up_the_kinds_of_failure)
{
    struct window w;

    window_init(&w, S(10), S(100));
    window_add(&w, OUTCOME_FAILED, S(100));
    window_add(&w, OUTCOME_CONNECT_FAILED, S(100));
    window_add(&w, OUTCOME_STALLED, S(100));
    window_add(&w, OUTCOME_REFUSED, S(100));
    window_add(&w, OUTCOME_NEUTRAL, S(100));
    cr_assert_eq(window_failures(&w), 3);
}

Test(rate, finds_the_rate_of_a_steady_stream)
{
    struct rate r = {0, S(1)};

    for (int i = 0; i < 600; i++)
        rate_add(&r, S(1) + MS(100) * (uint64_t)i);
    cr_assert_float_eq(rate_now(&r, S(61)), 10, 0.1);
}

Test(rate, forgets_in_ten_seconds_and_not_while_frozen)
{
    struct rate r = {8, S(1)};

    rate_freeze(&r, S(100));
    cr_assert_eq(rate_now(&r, S(100)), 8);
    cr_assert_float_eq(rate_now(&r, S(110)), 8 * 0.3679, 0.001);
}
