/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of ranges with weights, as Accept and Accept-Language carry them (RFC 9110, 12.4.2).
 */
#include "pages_priv.h"

/* Length of the member at the front of s, up to `stop` outside of a quoted string. */
static size_t member_len(struct slice s, char stop)
{
    bool quoted = false;
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (quoted && s.p[i] == '\\' && i + 1 < s.len)
            i++;
        else if (!quoted && s.p[i] == stop)
            break;
    }
    return i;
}

/* Takes what stands before `stop` from *s, the separator too. */
static struct slice take_member(struct slice *s, char stop)
{
    size_t n = member_len(*s, stop);
    struct slice member = slice_of(s->p, n);

    *s = slice_from(*s, n < s->len ? n + 1 : n);
    return slice_trim(member);
}

/* "0.75" to 750; -1 for what is no weight.  Digits beyond the third say nothing. */
static int weight_permille(struct slice s)
{
    int v = 0, unit = 1000;

    if (s.len == 0 || s.p[0] < '0' || s.p[0] > '1')
        return -1;
    v = (s.p[0] - '0') * unit;
    if (s.len > 1 && s.p[1] != '.')
        return -1;
    for (size_t i = 2; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        unit /= 10;
        v += (s.p[i] - '0') * unit;
    }
    return v <= 1000 ? v : 1000;
}

static int member_permille(struct slice params)
{
    int permille = 1000;

    while (params.len > 0) {
        struct slice p = take_member(&params, ';');
        if (p.len >= 2 && (p.p[0] | 32) == 'q' && p.p[1] == '=')
            permille = weight_permille(slice_from(p, 2));
    }
    return permille;
}

bool weighted_next(struct slice *list, struct weighted *out)
{
    while (list->len > 0) {
        struct slice member = take_member(list, ',');
        struct slice item = take_member(&member, ';');
        int permille = member_permille(member);

        if (item.len > 0 && permille >= 0) {
            *out = (struct weighted){.item = item, .permille = permille};
            return true;
        }
    }
    return false;
}
