/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/decide/crowd.h"

#include <criterion/criterion.h>

static struct crowding c;

static void start(void)
{
    crowd_init(&c);
}

TestSuite(crowd, .init = start);

/* Twenty in turn, alone and in a crowd; fast or not. */
static void seen(bool fast_alone, bool fast_in_crowd)
{
    for (int i = 0; i < 40; i++) {
        uint32_t beside = i % 2 == 0 ? 0 : 10;
        crowd_note(&c, beside, beside == 0 ? fast_alone : fast_in_crowd);
        crowd_met(&c, beside);
    }
}

Test(crowd, is_harmless_where_it_makes_nobody_slower)
{
    seen(true, true);
    cr_assert(crowd_is_harmless(&c, 0.8));
}

Test(crowd, is_not_harmless_where_it_makes_them_slower)
{
    seen(true, false);
    cr_assert(!crowd_is_harmless(&c, 0.5));
    cr_assert(crowd_has_fast(&c));
}

Test(crowd, says_nothing_where_nobody_is_fast)
{
    seen(false, false);
    cr_assert(!crowd_has_fast(&c));
    cr_assert(!crowd_is_harmless(&c, 0.5));
}

Test(crowd, is_forgotten_when_none_is_seen)
{
    seen(true, false);
    for (int i = 0; i < 200; i++)
        crowd_note(&c, 0, true);
    cr_assert(crowd_is_harmless(&c, 0.8));
}
