/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of HTTP/2 may do for nothing. */
#include <criterion/criterion.h>

#include "client/h2/budget.h"
#include "weir/base/clock.h"

static int taken_at(struct h2_budget *b, uint64_t now_ns)
{
    int n = 0;

    while (n < 2 * H2_BUDGET_BURST && h2_budget_take(b, now_ns))
        n++;
    return n;
}

Test(h2_budget, so_many_at_once_and_so_many_a_second)
{
    struct h2_budget b = {0};

    cr_assert_eq(taken_at(&b, NS_PER_S), H2_BUDGET_BURST);
    cr_assert_eq(taken_at(&b, NS_PER_S), 0);
    cr_assert_eq(taken_at(&b, 2 * NS_PER_S), H2_BUDGET_A_SECOND);
    cr_assert_eq(taken_at(&b, 100 * NS_PER_S), H2_BUDGET_BURST, "it is never more than full");
}

Test(h2_budget, a_client_below_the_rate_never_runs_out)
{
    struct h2_budget b = {0};

    for (uint64_t i = 0; i < 10000; i++)
        cr_assert(h2_budget_take(&b, NS_PER_S + i * NS_PER_S / H2_BUDGET_A_SECOND));
}
