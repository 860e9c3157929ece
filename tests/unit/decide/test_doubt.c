/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/decide/doubt.h"

#include <criterion/criterion.h>

#include "fixture.h"

static struct doubt d;

static void start(void)
{
    d = (struct doubt){0};
}

TestSuite(doubt, .init = start);

Test(doubt, two_late_ones_in_a_row_show_a_limit)
{
    doubt_late(&d, false);
    cr_assert(!d.shown);
    doubt_late(&d, false);
    cr_assert(d.shown);
}

Test(doubt, one_late_in_four_shows_none)
{
    for (int i = 0; i < 400; i++)
        i % 4 == 0 ? doubt_late(&d, false) : doubt_on_time(&d);
    cr_assert(!d.shown);
}

Test(doubt, one_late_in_two_shows_one_soon)
{
    for (int i = 0; i < 6; i++)
        i % 2 == 0 ? doubt_late(&d, false) : doubt_on_time(&d);
    cr_assert(d.shown);
}

Test(doubt, is_forgotten_after_two_quiet_minutes)
{
    doubt_late(&d, false);
    doubt_late(&d, false);
    cr_assert(!doubt_tick(&d, true, S(100)));
    cr_assert(!doubt_tick(&d, false, S(219)));
    cr_assert(d.shown);
    cr_assert(doubt_tick(&d, false, S(220)));
    cr_assert(!d.shown);
    cr_assert_eq(d.value, 0);
}

Test(doubt, does_not_forget_while_something_is_late_or_binds)
{
    doubt_late(&d, false);
    doubt_late(&d, false);
    for (int s = 100; s < 1000; s++)
        cr_assert(!doubt_tick(&d, s % 100 == 0, S(s)));
    cr_assert(d.shown);
}

Test(doubt, while_learning_it_takes_three_times_as_many)
{
    for (int i = 0; i < 5; i++)
        doubt_late(&d, true);
    cr_assert(!d.shown);
    doubt_late(&d, true);
    cr_assert(d.shown);
}
