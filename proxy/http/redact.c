/* SPDX-License-Identifier: Apache-2.0 */
/* A target without the secrets in its query: for logs and everything else that people read. */
#include "head_priv.h"

enum { NAME_MAX_BYTES = 64 };

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* The next character of a name, decoded; as often as it was encoded. */
static char decoded(struct slice *s)
{
    char c = s->p[0];

    while (c == '%' && s->len >= 3 && char_is(s->p[1], CHAR_HEX) && char_is(s->p[2], CHAR_HEX)) {
        c = (char)(hex_value(s->p[1]) * 16 + hex_value(s->p[2]));
        *s = slice_from(*s, 2);
        if (c != '%')
            break;
    }
    *s = slice_from(*s, 1);
    return c;
}

static bool is_separator(char c)
{
    return c == '_' || c == '-' || c == '.' || c == ' ' || c == '+';
}

/*
 * A name as compared: small letters, separators gone, up to a subscript; of a long one its end.
 * `starts` has a bit for each place at which a part of it begins.
 */
struct plain_name {
    char at[NAME_MAX_BYTES];
    bool starts[NAME_MAX_BYTES];
    size_t len;
};

static void plain_add(struct plain_name *n, char c, bool starts)
{
    if (n->len == NAME_MAX_BYTES) {
        memmove(n->at, n->at + 1, NAME_MAX_BYTES - 1);
        memmove(n->starts, n->starts + 1, NAME_MAX_BYTES - 1);
        n->len--;
    }
    n->at[n->len] = c;
    n->starts[n->len++] = starts;
}

static void plain_of(struct slice s, struct plain_name *n)
{
    bool starts = true;

    n->len = 0;
    while (s.len > 0) {
        char c = decoded(&s);

        if (c == '[')
            return;
        if (is_separator(c)) {
            starts = true;
            continue;
        }
        plain_add(n, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c), starts || (c >= 'A' && c <= 'Z'));
        starts = false;
    }
}

static bool ends_with(const struct plain_name *n, const struct plain_name *end)
{
    size_t at;

    if (end->len == 0 || end->len > n->len)
        return false;
    at = n->len - end->len;
    return n->starts[at] && memcmp(n->at + at, end->at, end->len) == 0;
}

static bool is_secret(struct slice name, char *const *names, size_t n_names)
{
    struct plain_name n, end;

    plain_of(name, &n);
    for (size_t i = 0; i < n_names; i++) {
        plain_of(slice_str(names[i]), &end);
        if (ends_with(&n, &end))
            return true;
    }
    return false;
}

/* One "name=value", without what follows it. */
static void put_pair(struct text *t, struct slice pair, char *const *names, size_t n_names,
                     bool all)
{
    const char *eq = pair.len == 0 ? NULL : memchr(pair.p, '=', pair.len);
    size_t n = eq == NULL ? pair.len : (size_t)(eq - pair.p) + 1;

    text_put(t, slice_of(pair.p, n));
    if (eq == NULL)
        return;
    if (all || is_secret(slice_of(pair.p, n - 1), names, n_names))
        text_str(t, n < pair.len ? "***" : "");
    else
        text_put(t, slice_from(pair, n));
}

void target_redacted(struct text *t, struct slice target, char *const *names, size_t n_names,
                     bool all)
{
    const char *mark = target.len == 0 ? NULL : memchr(target.p, '?', target.len);
    size_t at = mark == NULL ? target.len : (size_t)(mark - target.p) + 1;

    text_put(t, slice_of(target.p, at));
    while (at < target.len) {
        size_t end = at;

        while (end < target.len && target.p[end] != '&' && target.p[end] != ';' &&
               target.p[end] != '?')
            end++;
        put_pair(t, slice_of(target.p + at, end - at), names, n_names, all);
        if (end < target.len)
            text_char(t, target.p[end++]);
        at = end;
    }
}
