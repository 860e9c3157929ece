/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of frames without use, as the time at which all of them are paid off.  Pure. */
#include "client/h2/budget.h"

#include "weir/base/clock.h"

#define ONE_NS (NS_PER_S / H2_BUDGET_A_SECOND)

uint64_t h2_budget_left(const struct h2_budget *b, uint64_t now_ns)
{
    uint64_t owed = b->paid_ns > now_ns ? (b->paid_ns - now_ns + ONE_NS - 1) / ONE_NS : 0;

    return owed < H2_BUDGET_BURST ? H2_BUDGET_BURST - owed : 0;
}

bool h2_budget_take(struct h2_budget *b, uint64_t now_ns)
{
    if (h2_budget_left(b, now_ns) == 0)
        return false;
    if (b->paid_ns < now_ns)
        b->paid_ns = now_ns;
    b->paid_ns += ONE_NS;
    return true;
}
