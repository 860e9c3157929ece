/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * A writer into memory of the caller's: never overruns, remembers that it would have (`full`),
 * always leaves a NUL.  For heads, answers and log lines, which have known bounds.
 */
struct text {
    char *at;
    size_t len, cap; /* cap includes the NUL */
    bool full;
};

void text_init(struct text *t, char *mem, size_t cap);
void text_put_some(struct text *t, struct slice s); /* what fits of it; text_put's rare case */

/*
 * Here and not in text.c: a request's head and answer are some hundred short pieces, most of them
 * literals, whose lengths and copies the compiler then knows.
 */
static inline void text_put(struct text *t, struct slice s)
{
    if (s.len >= t->cap - t->len) {
        text_put_some(t, s);
        return;
    }
    if (s.len > 0)
        memcpy(t->at + t->len, s.p, s.len);
    t->len += s.len;
    t->at[t->len] = '\0';
}

static inline void text_str(struct text *t, const char *s)
{
    text_put(t, slice_str(s));
}

static inline void text_char(struct text *t, char c)
{
    text_put(t, slice_of(&c, 1));
}

void text_u64(struct text *t, uint64_t n);
void text_hex(struct text *t, uint64_t n, int min_digits); /* lower case */
void text_printf(struct text *t, const char *fmt, ...) WEIR_PRINTF(2, 3);

static inline struct slice text_slice(const struct text *t)
{
    return slice_of(t->at, t->len);
}

/* Decimal digits only, no sign or space; WEIR_BAD otherwise or above max. */
enum weir_status parse_u64(struct slice s, uint64_t max, uint64_t *out) WEIR_MUST_CHECK;

/* Writes a code point (below 0x110000, no surrogate) as UTF-8 (RFC 3629, 3); returns its length. */
static inline size_t utf8_put(char out[4], unsigned c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(first[n] | c);
    return n;
}

/* Length of the UTF-8 sequence (RFC 3629) at the front of s, 0 if there is none. */
size_t utf8_len(struct slice s);

/*
 * How many bytes at the front of s may be shown as they are: a printable character, or 0 for
 * control characters, C1, invalid UTF-8, and what changes the direction or the lines of a text
 * (RFC 3629; Unicode's Bidi_Control, line and paragraph separators, tags, invisible operators).
 */
size_t text_shown_len(struct slice s);
/* Puts s for people: what may not be shown becomes \xHH for each of its bytes. */
void text_shown(struct text *t, struct slice s);

#endif
