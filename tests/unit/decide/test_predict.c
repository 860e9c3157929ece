/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/decide/predict.h"

static struct predict p;

static void start(void)
{
    predict_init(&p);
}

TestSuite(predict, .init = start);

/* `calm` and not free, as most are. */
static void stream(uint64_t bytes, double took_s, bool calm)
{
    predict_learn_stream(
        &p, &(struct lesson){.bytes = bytes, .took_s = took_s, .calm = calm, .wait_s = 0.5});
}

/* A stream that nothing was in the way of. */
static void free_stream(double took_s)
{
    predict_learn_stream(
        &p, &(struct lesson){
                .bytes = 1024, .took_s = took_s, .calm = true, .free = true, .wait_s = 0.5});
}

static void whole(double took_s, bool calm)
{
    predict_learn_unary(&p, &(struct lesson){.took_s = took_s, .calm = calm, .wait_s = 0.5});
}

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
    stream(1024, 0.3, false);
    cr_assert_eq(predict_s(&p, 1024, false), 0.3);
}

Test(predict, follows_faster_answers_at_once)
{
    stream(1024, 1.0, true);
    stream(1024, 0.5, false);
    cr_assert_float_eq(predict_s(&p, 1024, false), 0.85, 1e-9);
}

Test(predict, follows_slower_answers_slowly_and_only_when_calm)
{
    stream(1024, 1.0, true);
    stream(1024, 1.5, false);
    cr_assert_eq(predict_s(&p, 1024, false), 1.0);
    stream(1024, 1.5, true);
    cr_assert_float_eq(predict_s(&p, 1024, false), 1.015, 1e-9);
}

Test(predict, bounds_what_one_slow_answer_can_do)
{
    stream(1024, 1.0, true);
    stream(1024, 100, true);
    cr_assert_float_eq(predict_s(&p, 1024, false), 1.03, 1e-9);
}

Test(predict, guesses_larger_ones_from_smaller_ones_by_doubling)
{
    stream(4 * 256, 0.2, true); /* class 8 */
    cr_assert_float_eq(predict_s(&p, 4 * 512, false), 0.4, 1e-9);
    cr_assert_float_eq(predict_s(&p, 4 * 1024, false), 0.8, 1e-9);
}

Test(predict, takes_the_place_within_an_octave_into_account)
{
    stream(4 * 256, 0.2, true);
    stream(4 * 512, 0.3, true);
    cr_assert_float_eq(predict_s(&p, 4 * 384, false), 0.25, 1e-9);
}

Test(predict, does_not_take_the_first_of_a_size_for_proportional)
{
    stream(4 * 384, 0.3, true);
    cr_assert_float_eq(predict_s(&p, 4 * 256, false), 0.3, 1e-9);
    cr_assert_float_eq(predict_s(&p, 4 * 384, false), 0.3, 1e-9);
}

Test(predict, believes_the_first_of_a_size_that_may_have_waited_up_to_its_neighbours)
{
    stream(4 * 256, 0.2, true);
    stream(4 * 512, 9, false);
    cr_assert_float_eq(predict_s(&p, 4 * 512, false), 0.4, 1e-9);
}

Test(predict, never_guesses_smaller_ones_to_be_faster)
{
    stream(4 * 1024, 0.8, true);
    cr_assert_eq(predict_s(&p, 4, false), 0.8);
}

Test(predict, learns_twice_the_slowest_of_the_first_whole_answers)
{
    whole(0.1, false);
    cr_assert_float_eq(predict_s(&p, 0, true), 0.2, 1e-9);
    whole(0.3, false);
    whole(0.2, false);
    cr_assert_float_eq(predict_s(&p, 0, true), 0.6, 1e-9);
}

Test(predict, settles_near_the_98th_percentile_of_whole_answers)
{
    double seen = 0;

    for (int i = 0; i < 16; i++)
        whole(1.0, true);
    for (int i = 0; i < 100000; i++) /* uniform in 0..1, in a fixed order that mixes well */
        whole((double)(i * 61 % 1000) / 1000, true);
    seen = predict_s(&p, 0, true);
    cr_assert(seen > 0.9 && seen < 1.06, "%f", seen);
}

Test(predict, learns_whole_answers_of_a_crowd_only_while_the_crowd_makes_no_difference)
{
    struct lesson crowded = {.took_s = 50, .beside = 20, .wait_s = 0.5};

    for (int i = 0; i < 16; i++)
        whole(1.0, true);
    for (int i = 0; i < 40; i++)
        predict_learn_unary(&p, &crowded);
    p.unary_s = 2;
    predict_learn_unary(&p, &crowded);
    cr_assert_eq(predict_s(&p, 0, true), 2.0);
    whole(50, true);
    cr_assert_float_eq(predict_s(&p, 0, true), 2.1, 1e-9);
}

Test(predict, knows_nothing_before_the_first)
{
    cr_assert(!predict_knows(&p, false));
    cr_assert(!predict_is_quick(&p, 1024, false, 0.001, 0.5));
    stream(1024, 0.3, false);
    cr_assert(predict_knows(&p, false));
    cr_assert(!predict_knows(&p, true));
}

Test(predict, late_is_beyond_the_wait_or_half_of_the_base)
{
    stream(1024, 0.4, true);
    cr_assert_float_eq(predict_late_s(&p, 1024, false, 0.5), 0.9, 1e-9);
    cr_assert_float_eq(predict_late_s(&p, 1024, false, 0.1), 0.6, 1e-9);
}

Test(predict, the_spread_of_free_ones_puts_late_off)
{
    for (int i = 0; i < 300; i++) /* one in ten takes four times as long, by nature */
        free_stream(i % 10 == 9 ? 4 : 1);
    cr_assert_gt(predict_late_s(&p, 1024, false, 0.5), 4);
    cr_assert(predict_is_quick(&p, 1024, false, 1.2, 0.5));
    cr_assert(!predict_is_quick(&p, 1024, false, 4, 0.5));
}

Test(predict, those_that_may_have_waited_teach_no_spread)
{
    stream(1024, 1, true);
    for (int i = 0; i < 300; i++)
        stream(1024, i % 2 == 0 ? 4 : 1, false);
    cr_assert_lt(predict_late_s(&p, 1024, false, 0.5), 1.6);
}

Test(predict, others_are_in_the_way_where_a_crowd_is_slower)
{
    struct lesson l = {.bytes = 1024, .took_s = 1, .calm = true, .free = true, .wait_s = 0.5};

    for (int i = 0; i < 100; i++) {
        l.beside = i % 2 == 0 ? 0 : 10;
        predict_learn_stream(&p, &l);
    }
    cr_assert(predict_is_apart(&p, 10));
    l.free = false;
    for (int i = 0; i < 100; i++) {
        l.beside = i % 2 == 0 ? 0 : 10;
        l.took_s = i % 2 == 0 ? 0.5 : 5;
        predict_learn_stream(&p, &l);
    }
    cr_assert(!predict_is_apart(&p, 10));
    cr_assert(predict_is_apart(&p, 0));
}
