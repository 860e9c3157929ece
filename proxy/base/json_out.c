/* SPDX-License-Identifier: Apache-2.0 */
#include "weir/base/json_out.h"

#include <inttypes.h>

#include "weir/base/assert.h"

enum { MAX_DEPTH = 31 };

static void put_control(struct text *t, unsigned char c)
{
    switch (c) {
    case '\n':
        text_str(t, "\\n");
        return;
    case '\r':
        text_str(t, "\\r");
        return;
    case '\t':
        text_str(t, "\\t");
        return;
    default:
        text_str(t, "\\u");
        text_hex(t, c, 4);
    }
}

/* A character that must not be seen raw in a log or on a terminal, n bytes of UTF-8. */
static void put_unicode(struct text *t, const unsigned char *p, size_t n)
{
    uint32_t c = n == 2 ? p[0] & 0x1f : n == 3 ? p[0] & 0x0f : p[0] & 0x07;

    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    if (c >= 0x10000) {
        text_str(t, "\\u");
        text_hex(t, 0xd800 + ((c - 0x10000) >> 10), 4);
        c = 0xdc00 + (c & 0x3ff);
    }
    text_str(t, "\\u");
    text_hex(t, c, 4);
}

static size_t put_escaped(struct text *t, struct slice s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n;

    if (c == '"' || c == '\\') {
        text_char(t, '\\');
        text_char(t, (char)c);
        return 1;
    }
    if (c < 0x20 || c == 0x7f) {
        put_control(t, c);
        return 1;
    }
    n = utf8_len(s);
    if (n == 0) {
        text_str(t, "\xef\xbf\xbd");
        return 1;
    }
    if (text_shown_len(s) > 0)
        text_put(t, slice_of(s.p, n));
    else
        put_unicode(t, (const unsigned char *)s.p, n);
    return n;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Bytes with their top bit set in the result are not plain; above the lowest, others may be too. */
static uint64_t special_bytes(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;

    return (w | (w + ones) | (w - ones * 0x20) | ((w ^ ones * '"') - ones) |
            ((w ^ ones * '\\') - ones)) &
           tops;
}

/* How far s goes on without anything to escape; eight bytes at a time, as most of it is prose. */
static size_t plain_len(struct slice s)
{
    size_t n = 0;
    uint64_t w;

    for (; s.len - n >= sizeof w; n += sizeof w) {
        memcpy(&w, s.p + n, sizeof w);
        if (special_bytes(w) != 0)
            break;
    }
    while (n < s.len && is_plain((unsigned char)s.p[n]))
        n++;
    return n;
}

static void put_string(struct text *t, struct slice s)
{
    text_char(t, '"');
    while (s.len > 0) {
        size_t n = plain_len(s);
        text_put(t, slice_of(s.p, n));
        s = slice_from(s, n);
        if (s.len > 0)
            s = slice_from(s, put_escaped(t, s));
    }
    text_char(t, '"');
}

static void before_value(struct json_out *j, const char *key)
{
    uint32_t bit = UINT32_C(1) << j->depth;

    if ((j->more & bit) != 0)
        text_char(j->t, ',');
    j->more |= bit;
    if (key != NULL) {
        put_string(j->t, slice_str(key));
        text_char(j->t, ':');
    }
}

static void open_level(struct json_out *j, const char *key, bool array)
{
    before_value(j, key);
    WEIR_ASSERT(j->depth < MAX_DEPTH);
    j->depth++;
    j->more &= ~(UINT32_C(1) << j->depth);
    if (array)
        j->array |= UINT32_C(1) << j->depth;
    else
        j->array &= ~(UINT32_C(1) << j->depth);
    text_char(j->t, array ? '[' : '{');
}

void json_begin(struct json_out *j, struct text *t)
{
    *j = (struct json_out){.t = t};
}

void json_open_object(struct json_out *j, const char *key)
{
    open_level(j, key, false);
}

void json_open_array(struct json_out *j, const char *key)
{
    open_level(j, key, true);
}

void json_close(struct json_out *j)
{
    WEIR_ASSERT(j->depth > 0);
    text_char(j->t, (j->array >> j->depth & 1) != 0 ? ']' : '}');
    j->depth--;
}

void json_str(struct json_out *j, const char *key, struct slice s)
{
    before_value(j, key);
    put_string(j->t, s);
}

void json_cstr(struct json_out *j, const char *key, const char *s)
{
    if (s == NULL)
        json_put_null(j, key);
    else
        json_str(j, key, slice_str(s));
}

void json_u64(struct json_out *j, const char *key, uint64_t n)
{
    before_value(j, key);
    text_u64(j->t, n);
}

void json_i64(struct json_out *j, const char *key, int64_t n)
{
    before_value(j, key);
    text_printf(j->t, "%" PRId64, n);
}

void json_num(struct json_out *j, const char *key, double n, int decimals)
{
    before_value(j, key);
    if (n != n || n > 1e300 || n < -1e300)
        text_str(j->t, "null");
    else
        text_printf(j->t, "%.*f", decimals, n);
}

void json_bool(struct json_out *j, const char *key, bool b)
{
    before_value(j, key);
    text_str(j->t, b ? "true" : "false");
}

void json_put_null(struct json_out *j, const char *key)
{
    before_value(j, key);
    text_str(j->t, "null");
}

void json_raw(struct json_out *j, const char *key, struct slice json)
{
    before_value(j, key);
    text_put(j->t, json);
}
