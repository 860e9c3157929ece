/* SPDX-License-Identifier: Apache-2.0 */
/* How slowly a request's body may come in, and deadlines. */
#include <criterion/criterion.h>

#include "client/body_rate.h"

Test(body_rate, a_body_must_come_at_its_rate_after_ten_seconds)
{
    cr_assert_not(body_is_too_slow(100, 0, 10 * NS_PER_S), "it has ten seconds");
    cr_assert(body_is_too_slow(100, 0, 10 * NS_PER_S + 1));
    cr_assert(body_is_too_slow(100, 1999, 20 * NS_PER_S));
    cr_assert_not(body_is_too_slow(100, 2000, 20 * NS_PER_S));
}

Test(body_rate, without_a_bound_nothing_is_too_slow)
{
    cr_assert_not(body_is_too_slow(0, 0, 3600 * NS_PER_S));
}

Test(deadlines, none_is_never_the_sooner_one_and_never_due)
{
    cr_assert_eq(deadline_sooner(0, 0), 0);
    cr_assert_eq(deadline_sooner(0, 7), 7);
    cr_assert_eq(deadline_sooner(7, 0), 7);
    cr_assert_eq(deadline_sooner(7, 8), 7);
    cr_assert_eq(deadline_sooner(8, 7), 7);
    cr_assert_not(deadline_is_due(0, 7));
    cr_assert_not(deadline_is_due(8, 7));
    cr_assert(deadline_is_due(7, 7));
}
