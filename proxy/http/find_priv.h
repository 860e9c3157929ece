/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_FIND_PRIV_H
#define WEIR_HTTP_FIND_PRIV_H

#include <stdint.h>
#include <string.h>

/*
 * The first of two bytes in [p, end), or end; eight bytes at a time.  Unlike memchr it is worth its
 * call for the short strings that JSON is made of.
 */
static inline const char *find_either(const char *p, const char *end, char a, char b)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t w, x, y, hit;

    for (; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        x = w ^ (ones * (unsigned char)a);
        y = w ^ (ones * (unsigned char)b);
        hit = (((x - ones) & ~x) | ((y - ones) & ~y)) & tops;
        if (hit == 0)
            continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return p + (__builtin_ctzll(hit) >> 3); /* bits above the lowest may be carried over */
#else
        break;
#endif
    }
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

#endif
