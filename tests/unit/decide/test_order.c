/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/decide/order.h"

#include <criterion/criterion.h>

static struct arrival_order o;

static void start(void)
{
    o = (struct arrival_order){0};
}

TestSuite(order, .init = start);

Test(order, one_sent_before_a_quick_one_was_overtaken)
{
    uint64_t first = order_send(&o), second = order_send(&o), third = order_send(&o);

    order_quick(&o, 8, second);
    cr_assert(order_overtaken(&o, 8, first));
    cr_assert(!order_overtaken(&o, 8, second));
    cr_assert(!order_overtaken(&o, 8, third));
}

Test(order, a_small_one_says_nothing_of_one_eight_times_as_large)
{
    uint64_t first = order_send(&o);

    order_quick(&o, 5, order_send(&o));
    cr_assert(order_overtaken(&o, 7, first));
    cr_assert(!order_overtaken(&o, 8, first));
}

Test(order, a_large_one_speaks_for_all_smaller_ones)
{
    uint64_t first = order_send(&o);

    order_quick(&o, PREDICT_CLASSES - 1, order_send(&o));
    for (unsigned c = 0; c < PREDICT_CLASSES; c++)
        cr_assert(order_overtaken(&o, c, first));
}

Test(order, an_earlier_quick_one_takes_nothing_back)
{
    uint64_t first = order_send(&o), second = order_send(&o), third = order_send(&o);

    order_quick(&o, 8, third);
    order_quick(&o, 8, first);
    cr_assert(order_overtaken(&o, 8, second));
}

Test(order, a_late_one_is_confirmed_by_a_later_one)
{
    uint64_t first = order_send(&o), second = order_send(&o);

    order_late(&o, first);
    cr_assert(!order_confirmed(&o, first));
    order_late(&o, second);
    cr_assert(order_confirmed(&o, first));
    cr_assert(!order_confirmed(&o, second));
}

Test(order, one_is_passed_by_any_later_one_of_its_size)
{
    uint64_t first = order_send(&o);

    order_first(&o, 5, order_send(&o));
    cr_assert(order_passed(&o, 5, first));
    cr_assert(!order_passed(&o, 6, first));
    cr_assert(!order_overtaken(&o, 5, first));
}
