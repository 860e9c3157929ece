/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/decide/predict.h"

static struct predict p;

static void start(void)
{
    predict_init(&p);
}

TestSuite(predict, .init = start);

Test(predict, sorts_sizes_by_octaves_of_tokens)
{
    cr_assert_eq(predict_class(0), 0);
    cr_assert_eq(predict_class(4), 0);
    cr_assert_eq(predict_class(8), 1);
    cr_assert_eq(predict_class(1599), 8); /* 399 tokens */
    cr_assert_eq(predict_class(4096), 10);
    cr_assert_eq(predict_class(UINT64_MAX), 23);
}

Test(predict, expects_a_second_when_nothing_is_known)
{
    cr_assert_eq(predict_s(&p, 1024, false), 1);
    cr_assert_eq(predict_s(&p, 1024, true), 1);
}

Test(predict, takes_the_first_time_as_it_is)
{
    predict_learn_stream(&p, 1024, 0.3, false);
    cr_assert_eq(predict_s(&p, 1024, false), 0.3);
}

Test(predict, follows_faster_answers_at_once)
{
    predict_learn_stream(&p, 1024, 1.0, true);
    predict_learn_stream(&p, 1024, 0.5, false);
    cr_assert_float_eq(predict_s(&p, 1024, false), 0.85, 1e-9);
}

Test(predict, follows_slower_answers_slowly_and_only_when_calm)
{
    predict_learn_stream(&p, 1024, 1.0, true);
    predict_learn_stream(&p, 1024, 1.5, false);
    cr_assert_eq(predict_s(&p, 1024, false), 1.0);
    predict_learn_stream(&p, 1024, 1.5, true);
    cr_assert_float_eq(predict_s(&p, 1024, false), 1.015, 1e-9);
}

Test(predict, bounds_what_one_slow_answer_can_do)
{
    predict_learn_stream(&p, 1024, 1.0, true);
    predict_learn_stream(&p, 1024, 100, true);
    cr_assert_float_eq(predict_s(&p, 1024, false), 1.03, 1e-9);
}

Test(predict, guesses_larger_ones_from_smaller_ones_by_doubling)
{
    predict_learn_stream(&p, 4 * 256, 0.2, true); /* class 8 */
    cr_assert_float_eq(predict_s(&p, 4 * 512, false), 0.4, 1e-9);
    cr_assert_float_eq(predict_s(&p, 4 * 1024, false), 0.8, 1e-9);
}

Test(predict, takes_the_place_within_an_octave_into_account)
{
    predict_learn_stream(&p, 4 * 256, 0.2, true);
    predict_learn_stream(&p, 4 * 512, 0.3, true);
    cr_assert_float_eq(predict_s(&p, 4 * 384, false), 0.25, 1e-9);
}

Test(predict, learns_the_time_of_the_lower_end_of_an_octave)
{
    predict_learn_stream(&p, 4 * 384, 0.3, true); /* as if in proportion to the size */
    cr_assert_float_eq(predict_s(&p, 4 * 256, false), 0.2, 1e-9);
    cr_assert_float_eq(predict_s(&p, 4 * 384, false), 0.3, 1e-9);
}

Test(predict, never_guesses_smaller_ones_to_be_faster)
{
    predict_learn_stream(&p, 4 * 1024, 0.8, true);
    cr_assert_eq(predict_s(&p, 4, false), 0.8);
}

Test(predict, learns_twice_the_slowest_of_the_first_whole_answers)
{
    predict_learn_unary(&p, 0.1, false);
    cr_assert_float_eq(predict_s(&p, 0, true), 0.2, 1e-9);
    predict_learn_unary(&p, 0.3, false);
    predict_learn_unary(&p, 0.2, false);
    cr_assert_float_eq(predict_s(&p, 0, true), 0.6, 1e-9);
}

Test(predict, settles_near_the_98th_percentile_of_whole_answers)
{
    double seen = 0;

    for (int i = 0; i < 16; i++)
        predict_learn_unary(&p, 1.0, true);
    for (int i = 0; i < 100000; i++) /* uniform in 0..1, in a fixed order that mixes well */
        predict_learn_unary(&p, (double)(i * 61 % 1000) / 1000, true);
    seen = predict_s(&p, 0, true);
    cr_assert(seen > 0.9 && seen < 1.06, "%f", seen);
}

Test(predict, learns_whole_answers_only_when_calm)
{
    for (int i = 0; i < 16; i++)
        predict_learn_unary(&p, 1.0, true);
    predict_learn_unary(&p, 50, false);
    cr_assert_eq(predict_s(&p, 0, true), 2.0);
    predict_learn_unary(&p, 50, true);
    cr_assert_float_eq(predict_s(&p, 0, true), 2.1, 1e-9);
}
