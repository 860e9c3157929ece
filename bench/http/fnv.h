/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_FNV_H
#define BENCH_HTTP_FNV_H

#include <stdint.h>

#include "weir/base/slice.h"

/* FNV-1a, 64 bits: tells whether bytes arrived as they were sent.  Fed piece by piece. */
static const uint64_t fnv_start = 0xcbf29ce484222325ULL;

static inline uint64_t fnv_feed(uint64_t sum, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ (unsigned char)bytes.p[i]) * 0x100000001b3ULL;
    return sum;
}

#endif
