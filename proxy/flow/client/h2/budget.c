/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of frames without use, as the time at which all of them are paid off.  Pure. */
#include "client/h2/budget.h"

#include "weir/base/clock.h"

bool h2_budget_take(struct h2_budget *b, uint64_t now_ns)
{
    const uint64_t one = NS_PER_S / H2_BUDGET_A_SECOND;

    if (b->paid_ns < now_ns)
        b->paid_ns = now_ns;
    if (b->paid_ns - now_ns > (H2_BUDGET_BURST - 1) * one)
        return false;
    b->paid_ns += one;
    return true;
}
