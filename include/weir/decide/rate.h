/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_RATE_H
#define WEIR_DECIDE_RATE_H

#include <stdint.h>

/* How often something happens: exponentially weighted, memory 10 s. */
struct rate {
    double per_s;
    uint64_t at_ns;
};

void rate_add(struct rate *r, uint64_t now_ns);
double rate_now(const struct rate *r, uint64_t now_ns);
/* Time passed that says nothing; the rate stays as it was. */
void rate_freeze(struct rate *r, uint64_t now_ns);

#endif
