/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_LIMITS_STORE_H
#define WEIR_SIM_LIMITS_STORE_H

#include "weir/decide/quota_fleet.h"

/* What the store does with news: as lua/users.lua does it in Redis. */
struct quota_stored {
    struct quota_window minute, day;
    uint32_t streams; /* at other nodes */
};
void quota_store(struct quota_stored *s, const struct quota_news *n, struct quota_answer *out,
                 uint32_t now_ms);
#endif
