/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LE_H
#define WEIR_BASE_LE_H

#include <stddef.h>
#include <stdint.h>

/* Whole numbers as bytes, the least first; `bytes` is 1 to 8. */

static inline void le_put(unsigned char *at, uint64_t x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(x >> 8 * i);
}

static inline uint64_t le_get(const char *at, size_t bytes)
{
    uint64_t x = 0;

    for (size_t i = 0; i < bytes; i++)
        x |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return x;
}

#endif
