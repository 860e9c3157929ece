/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_LIMITS_H
#define WEIR_FLEET_LIMITS_H

#include "weir/base/status.h"
#include "weir/base/text.h"
#include "weir/decide/quota_fleet.h"

/* What nodes tell Redis of limits (lua/users.lua), and its answer, as text.  Pure. */
void limits_put_news(struct text *t, const struct quota_news *n);
/* WEIR_BAD: none that the script writes. */
enum weir_status limits_take_answer(struct slice s, struct quota_answer *out) WEIR_MUST_CHECK;

#endif
