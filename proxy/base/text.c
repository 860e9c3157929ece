/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/text.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

#include "weir/base/assert.h"

void text_init(struct text *t, char *mem, size_t cap)
{
    WEIR_ASSERT(cap > 0);
    *t = (struct text){.at = mem, .cap = cap};
    mem[0] = '\0';
}

void text_put_some(struct text *t, struct slice s)
{
    size_t room = t->cap - 1 - t->len;
    size_t n = s.len <= room ? s.len : room;

    if (n < s.len)
        t->full = true;
    if (n > 0)
        memcpy(t->at + t->len, s.p, n);
    t->len += n;
    t->at[t->len] = '\0';
}

void text_u64(struct text *t, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;

    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    text_put(t, slice_of(digits + i, sizeof digits - i));
}

/* The eight digits of n, at once: a digit to a byte, then to its letter. */
static void put_hex(char *at, uint32_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x = n;

    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & (ones * 0x0f);
    x += ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
    x = htobe64(x);
    memcpy(at, &x, sizeof x);
}

void text_hex(struct text *t, uint64_t n, int min_digits)
{
    char digits[16];
    int used = n == 0 ? 1 : (67 - __builtin_clzll(n)) / 4;

    used = used < min_digits ? min_digits : used;
    if (used > 8)
        put_hex(digits, (uint32_t)(n >> 32));
    put_hex(digits + 8, (uint32_t)n);
    text_put(t, slice_of(digits + 16 - used, (size_t)used));
}

void text_printf(struct text *t, const char *fmt, ...)
{
    size_t room = t->cap - t->len;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->at + t->len, room, fmt, ap);
    va_end(ap);
    WEIR_ASSERT(n >= 0);
    if ((size_t)n >= room) {
        t->full = true;
        t->len = t->cap - 1;
    } else {
        t->len += (size_t)n;
    }
}

enum weir_status parse_u64(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.len == 0)
        return WEIR_BAD;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t d = (uint64_t)(unsigned char)s.p[i] - '0';
        if (d > 9 || (i >= 19 && v > (UINT64_MAX - d) / 10)) /* 19 digits always fit */
            return WEIR_BAD;
        v = v * 10 + d;
    }
    if (v > max)
        return WEIR_BAD;
    *out = v;
    return WEIR_OK;
}

size_t utf8_len(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n;

    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        n = 2;
    else if ((p[0] & 0xf0) == 0xe0)
        n = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static uint32_t code_point(const unsigned char *p, size_t n)
{
    uint32_t c = n == 2 ? p[0] & 0x1f : n == 3 ? p[0] & 0x0f : p[0] & 0x07;

    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},     {0x180e, 0x180e},
        {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

size_t text_shown_len(struct slice s)
{
    size_t n = utf8_len(s);
    const unsigned char *p = (const unsigned char *)s.p;

    if (n == 0)
        return 0;
    if (n == 1)
        return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
    return is_hidden(code_point(p, n)) ? 0 : n;
}

void text_shown(struct text *t, struct slice s)
{
    while (s.len > 0) {
        size_t n = text_shown_len(s);

        if (n > 0) {
            text_put(t, slice_of(s.p, n));
            s = slice_from(s, n);
            continue;
        }
        n = utf8_len(s);
        n = n == 0 ? 1 : n;
        for (size_t i = 0; i < n; i++) {
            text_str(t, "\\x");
            text_hex(t, (unsigned char)s.p[i], 2);
        }
        s = slice_from(s, n);
    }
}
