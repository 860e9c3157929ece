/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and fields of a head, for requests and responses alike.  Strict: CR LF and nothing else
 * ends a line, no folding, names are tokens up to the colon, values have no controls but TAB.
 *
 * The scan goes from the first byte on and never looks beyond a limit, so what it says about a head
 * does not depend on how many of its bytes have come: once bad, bad for the same reason.
 */
#include <endian.h>

#include "head_priv.h"

#define T   CHAR_TOKEN
#define V   CHAR_VALUE
#define G   CHAR_TARGET
#define H   CHAR_HOST
#define X   CHAR_HEX
#define ALL (T | V | G | H)
const uint8_t weir_http_chars[256] = {
    ['\t'] = V,          [' '] = V,
    ['!'] = ALL,         ['"'] = V | G,
    ['#'] = T | V,       ['$'] = ALL,
    ['%'] = ALL,         ['&'] = ALL,
    ['\''] = ALL,        ['('] = V | G | H,
    [')'] = V | G | H,   ['*'] = ALL,
    ['+'] = ALL,         [','] = V | G | H,
    ['-'] = ALL,         ['.'] = ALL,
    ['/'] = V | G,       ['0' ... '9'] = ALL | X,
    [':'] = V | G,       [';'] = V | G | H,
    ['<'] = V | G,       ['='] = V | G | H,
    ['>'] = V | G,       ['?'] = V | G,
    ['@'] = V | G,       ['A' ... 'F'] = ALL | X,
    ['G' ... 'Z'] = ALL, ['['] = V | G,
    ['\\'] = V | G,      [']'] = V | G,
    ['^'] = T | V | G,   ['_'] = ALL | CHAR_UNDERSCORE,
    ['`'] = T | V | G,   ['a' ... 'f'] = ALL | X,
    ['g' ... 'z'] = ALL, ['{'] = V | G,
    ['|'] = T | V | G,   ['}'] = V | G,
    ['~'] = ALL,         [0x80 ... 0xff] = V | G,
};
#undef T
#undef V
#undef G
#undef H
#undef X
#undef ALL

void scan_begin(struct head_scan *s, struct slice in, const struct head_limits *limits,
                struct head_error *err)
{
    size_t look = in.len;

    if (look > (size_t)limits->line + 2)
        look = (size_t)limits->line + 2;
    *s = (struct head_scan){.p = in.p, .end = in.p + look, .all = in.p + in.len, .err = err};
}

void scan_fields_begin(struct head_scan *s, struct slice in, const struct head_limits *limits)
{
    s->end = in.p + (in.len < limits->head ? in.len : limits->head);
    if (s->p > s->end)
        s->end = s->p;
}

enum parse scan_starved(struct head_scan *s, int status, enum cause cause, const char *what)
{
    return s->end == s->all ? PARSE_MORE : head_bad_as(s->err, status, cause, what);
}

static enum parse head_starved(struct head_scan *s)
{
    return scan_starved(s, 431, CAUSE_HEADERS_TOO_LARGE, "the head is too large");
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
static const uint64_t tops = EACH_BYTE(0x80);

static inline uint64_t eight_bytes(const char *p)
{
    uint64_t w;

    memcpy(&w, p, 8);
    return le64toh(w);
}

/* The place of the first byte whose top bit is set in `marks`, which is not 0. */
static inline int first_marked(uint64_t marks)
{
    return __builtin_ctzll(marks) / 8;
}

/*
 * The top bit of each control (below 0x20, or DEL) among these eight bytes; TAB is one.  Exact up
 * to the first of them: what is borrowed goes upwards.
 */
static inline uint64_t controls(uint64_t w)
{
    uint64_t del = w ^ EACH_BYTE(0x7f);

    return (((w - EACH_BYTE(0x20)) & ~w) | ((del - EACH_BYTE(1)) & ~del)) & tops;
}

/* The top bit of each byte that is no letter and no '-'.  Exact: no sum leaves its byte. */
static inline uint64_t not_in_a_word(uint64_t w)
{
    uint64_t low = w & ~tops, lower = low | EACH_BYTE(0x20);
    uint64_t from_a = lower + EACH_BYTE(0x80 - 'a'), after_z = lower + EACH_BYTE(0x80 - 'z' - 1);
    uint64_t not_dash = (low ^ EACH_BYTE('-')) + EACH_BYTE(0x7f);

    return (w | (~(from_a & ~after_z) & not_dash)) & tops;
}

/* The first byte from p on that a field value may not hold, or end. */
static const char *value_end(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t found = controls(eight_bytes(p));

        if (found == 0) {
            p += 8;
            continue;
        }
        p += first_marked(found);
        if (*p != '\t')
            return p;
        p++;
    }
    while (p < end && char_is(*p, CHAR_VALUE))
        p++;
    return p;
}

/*
 * The first byte from p on that is no part of a token, or end; *seen: the kinds of those before
 * that are neither letters nor '-', of which most names are up to their colon.
 */
static const char *token_end(const char *p, const char *end, unsigned *seen)
{
    unsigned what;

    for (*seen = 0; p < end; p++) {
        if (end - p >= 8) {
            uint64_t found = not_in_a_word(eight_bytes(p));

            if (found == 0) {
                p += 7;
                continue;
            }
            p += first_marked(found);
        }
        what = weir_http_chars[(unsigned char)*p];
        if ((what & CHAR_TOKEN) == 0)
            return p;
        *seen |= what;
    }
    return p;
}

static const char *bad_byte(char c)
{
    switch (c) {
    case '\n':
        return "a bare LF in the head";
    case '\r':
        return "a bare CR in the head";
    case '\0':
        return "a NUL in the head";
    default:
        return "a control character in the head";
    }
}

/* At the CR of a line end. */
static enum parse line_end(struct head_scan *s)
{
    if (s->end - s->p < 2)
        return PARSE_MORE;
    if (s->p[1] != '\n')
        return scan_bad(s, bad_byte('\r'));
    s->p += 2;
    return PARSE_DONE;
}

enum parse scan_line_rest(struct head_scan *s, struct slice *rest)
{
    const char *from = s->p;

    s->p = value_end(s->p, s->end);
    if (s->p == s->end)
        return PARSE_MORE;
    if (*s->p != '\r')
        return scan_bad(s, bad_byte(*s->p));
    *rest = slice_of(from, (size_t)(s->p - from));
    return line_end(s);
}

/* Up to and with the colon. */
static enum parse name_scan(struct head_scan *s, struct slice *name, unsigned *seen)
{
    const char *p = token_end(s->p, s->end, seen);

    if (p == s->end)
        return head_starved(s);
    if (*p != ':' || p == s->p) {
        if (*p == ' ' || *p == '\t')
            return scan_bad(s, p == s->p ? "a folded line" : "a space before the colon of a field");
        if (*p == '\n' || *p == '\0')
            return scan_bad(s, bad_byte(*p));
        return scan_bad(s, "a field name that is not a token");
    }
    *name = slice_of(s->p, (size_t)(p - s->p));
    s->p = p + 1;
    return PARSE_DONE;
}

static enum parse value_scan(struct head_scan *s, struct slice *value)
{
    struct slice v = SLICE_NONE;
    enum parse rc;

    if (s->p < s->end && *s->p == ' ')
        s->p++; /* the usual one; any more of them are trimmed */
    rc = scan_line_rest(s, &v);
    if (rc == PARSE_MORE)
        return head_starved(s);
    if (rc == PARSE_DONE)
        *value = slice_trim(v);
    return rc;
}

static enum parse field_scan(struct head_scan *s, const struct head_limits *limits,
                             struct field_set *set, size_t *lines)
{
    struct slice name = SLICE_NONE, value = SLICE_NONE;
    unsigned seen;
    enum parse rc = name_scan(s, &name, &seen);

    if (rc != PARSE_DONE)
        return rc;
    rc = value_scan(s, &value);
    if (rc != PARSE_DONE)
        return rc;
    return field_take(s->err, limits, set, name, value, seen, lines);
}

enum parse scan_fields(struct head_scan *s, const struct head_limits *limits, struct field_set *set)
{
    size_t lines = 0;
    enum parse rc;

    while (s->p < s->end && *s->p != '\r') {
        rc = field_scan(s, limits, set, &lines);
        if (rc != PARSE_DONE)
            return rc;
    }
    if (s->p == s->end)
        return head_starved(s);
    rc = line_end(s);
    return rc == PARSE_MORE ? head_starved(s) : rc;
}

/* Is there an empty line in `in`, of which the first `seen` bytes were looked at before? */
static bool has_empty_line(struct slice in, size_t seen)
{
    const char *p = in.p + (seen > 3 ? seen - 3 : 0), *end = in.p + in.len;

    while (p < end) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (p == NULL)
            return false;
        p++;
        if (p < end && (*p == '\n' || (*p == '\r' && end - p > 1 && p[1] == '\n')))
            return true;
    }
    return false;
}

/* Did the first line end among the bytes that were not looked at before? */
static bool first_line_ended(struct head_wait *w, struct slice in)
{
    struct slice fresh = slice_from(in, w->seen);

    if (w->line || fresh.len == 0)
        return false;
    w->line = memchr(fresh.p, '\n', fresh.len) != NULL;
    return w->line;
}

bool head_is_due(struct head_wait *w, struct slice in, const struct head_limits *limits)
{
    bool due;

    if (in.len == 0)
        return false;
    due = in.len >= w->due || in.len > limits->head || first_line_ended(w, in) ||
          has_empty_line(in, w->seen);
    w->seen = in.len;
    if (due)
        w->due = in.len + in.len / 2 + 1;
    return due;
}
