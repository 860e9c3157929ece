/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a target, brought into one form for matching: RFC 3986, 6.2.2 (letters, digits and
 * - . _ ~ are decoded, other escapes stay with capital digits) and 5.2.4 (dot segments); a run of
 * slashes is one slash, and none ends the path.  What is passed on is the target as received.
 */
#include "head_priv.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) - 'a' + 10;
}

static bool is_unreserved(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Nothing to decode, drop or join: the usual path, which is in its form already. */
static bool is_settled(struct slice path)
{
    const char *p = path.p, *last = path.p + path.len - 1;

    if (*last == '/' || memchr(p, '%', path.len) != NULL)
        return false;
    while ((p = memchr(p, '/', (size_t)(last - p))) != NULL) {
        p++;
        if (*p == '/' || *p == '.')
            return false;
    }
    return true;
}

/* One character of the path from the front of *in to the end of out. */
static void character_put(struct slice *in, struct text *out)
{
    static const char capitals[] = "0123456789ABCDEF";
    const char *p = in->p;
    int c;

    if (p[0] != '%' || in->len < 3 || !char_is(p[1], CHAR_HEX) || !char_is(p[2], CHAR_HEX)) {
        text_put(out, slice_of(p, 1));
        *in = slice_from(*in, 1);
        return;
    }
    c = hex_value(p[1]) * 16 + hex_value(p[2]);
    if (is_unreserved(c)) {
        text_char(out, (char)c);
    } else {
        text_char(out, '%');
        text_char(out, capitals[c >> 4]);
        text_char(out, capitals[c & 15]);
    }
    *in = slice_from(*in, 3);
}

static void text_cut(struct text *t, size_t len)
{
    t->len = len;
    t->at[len] = '\0';
}

/*
 * After a segment: [slash] is the '/' it begins with.  An empty one and "." go, ".." goes with the
 * one before.
 */
static void segment_settle(struct text *out, size_t base, size_t slash)
{
    struct slice seg = slice_of(out->at + slash + 1, out->len - slash - 1);

    if (seg.len == 0 || slice_eq(seg, SLICE_LIT("."))) {
        text_cut(out, slash);
    } else if (slice_eq(seg, SLICE_LIT(".."))) {
        while (slash > base && out->at[slash - 1] != '/')
            slash--;
        text_cut(out, slash > base ? slash - 1 : slash);
    }
}

static void path_put(struct slice path, struct text *out)
{
    size_t base = out->len;

    if (path.len == 0 || path.p[0] != '/' || is_settled(path)) {
        text_put(out, path);
        return;
    }
    while (path.len > 0 && !out->full) {
        size_t slash = out->len;

        do
            character_put(&path, out);
        while (path.len > 0 && path.p[0] != '/' && !out->full);
        if (!out->full)
            segment_settle(out, base, slash);
    }
    if (out->len == base)
        text_char(out, '/');
}

enum weir_status target_path(struct slice target, struct text *out)
{
    const char *query = target.len == 0 ? NULL : memchr(target.p, '?', target.len);
    size_t before = out->len;

    if (query != NULL)
        target.len = (size_t)(query - target.p);
    path_put(target, out);
    if (!out->full)
        return WEIR_OK;
    text_cut(out, before);
    return WEIR_LIMIT;
}
