/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_BUDGET_H
#define WEIR_DECIDE_BUDGET_H

#include <stdbool.h>

#include "weir/decide/settings.h"

/* Retries are paid with tokens that first attempts earn (docs/decisions.md, "Retries"). */
struct budget {
    double tokens;
};

void budget_init(struct budget *b, const struct retry_conf *c);
void budget_earn(struct budget *b, const struct retry_conf *c);
bool budget_pay(struct budget *b);

#endif
