/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include <stdint.h>

#include "weir/base/assert.h"
#include "weir/base/slice.h"

/* What the targets share: one entry, and splits of the input that follow from the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sequence of numbers, the same for the same seed (xorshift). */
static inline uint32_t fuzz_next(uint32_t *seed)
{
    *seed = *seed == 0 ? 0x9e3779b9u : *seed;
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A seed from the input (FNV). */
static inline uint32_t fuzz_seed(struct slice in)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < in.len; i++)
        h = (h ^ (unsigned char)in.p[i]) * 16777619u;
    return h;
}

/* The next piece of *in: mostly a few bytes, sometimes all that is left. */
static inline struct slice fuzz_piece(struct slice *in, uint32_t *seed)
{
    uint32_t r = fuzz_next(seed);
    size_t n = r % 8 == 0 ? in->len : 1 + (r >> 8) % 7;
    struct slice piece = {in->p, n < in->len ? n : in->len};

    *in = slice_from(*in, piece.len);
    return piece;
}

static inline bool fuzz_inside(struct slice part, struct slice all)
{
    return part.len == 0 || (part.p >= all.p && part.p + part.len <= all.p + all.len);
}

#endif
