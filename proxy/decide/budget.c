/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that retries cost and first attempts earn. */
#include "weir/decide/budget.h"

#include "weir/decide/num.h"

void budget_init(struct budget *b, const struct retry_conf *c)
{
    b->tokens = c->burst;
}

void budget_earn(struct budget *b, const struct retry_conf *c)
{
    b->tokens = num_min(num_max(1, c->burst), b->tokens + c->budget);
}

bool budget_pay(struct budget *b)
{
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}
