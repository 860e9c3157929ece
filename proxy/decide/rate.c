/* SPDX-License-Identifier: Apache-2.0 */
/* Exponentially weighted rates of events. */
#include "weir/decide/rate.h"

#include "weir/decide/num.h"

#define MEMORY_NS (10 * NS_PER_S)

double rate_now(const struct rate *r, uint64_t now_ns)
{
    return r->per_s * num_decay(now_ns - r->at_ns, MEMORY_NS);
}

void rate_add(struct rate *r, uint64_t now_ns)
{
    r->per_s = rate_now(r, now_ns) + 1 / num_s(MEMORY_NS);
    r->at_ns = now_ns;
}

void rate_freeze(struct rate *r, uint64_t now_ns)
{
    r->at_ns = now_ns;
}
