/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a message is, and what concerns this connection only.  The two places where a proxy and
 * its neighbour can be made to disagree, so the rules leave no choice: one opinion or none.
 */
#include "head_priv.h"

/* More options in Connection than anyone has reason to send; bounds the work of marking. */
enum { OPTIONS_MAX = 64 };

/* A whole number up to 2^63-1.  Its leading zeros are cut off, for who reads them as octal. */
static bool length_parse(struct slice *v, uint64_t *out)
{
    if (parse_u64(*v, INT64_MAX, out) != WEIR_OK)
        return false;
    while (v->len > 1 && v->p[0] == '0')
        *v = slice_from(*v, 1);
    return true;
}

/* Several equal Content-Length fields are one (RFC 9110, 8.6); the others are not passed on. */
static enum parse length_read(struct head_error *err, const struct field_set *set, uint64_t *length)
{
    struct http_field *first = &set->all[set->at[FIELD_CONTENT_LENGTH] - 1];
    uint64_t other;

    if (!length_parse(&first->value, length))
        return head_bad(err, "a Content-Length that is not a number below 2^63");
    if ((set->several & FIELD_BIT(FIELD_CONTENT_LENGTH)) == 0)
        return PARSE_DONE;
    for (struct http_field *f = first + 1; f < set->all + set->n; f++) {
        if (f->id != FIELD_CONTENT_LENGTH)
            continue;
        if (!length_parse(&f->value, &other) || other != *length)
            return head_bad(err, "Content-Length fields that differ");
        f->hop = true;
    }
    return PARSE_DONE;
}

enum parse framing_decide(struct head_error *err, const struct field_set *set, int minor,
                          struct framing *out)
{
    bool te = set->at[FIELD_TRANSFER_ENCODING] != 0, cl = set->at[FIELD_CONTENT_LENGTH] != 0;

    *out = (struct framing){.chunked = te, .counted = cl};
    if (te && cl)
        return head_bad(err, "both Content-Length and Transfer-Encoding");
    if (cl)
        return length_read(err, set, &out->length);
    if (!te)
        return PARSE_DONE;
    if (minor == 0)
        return head_bad(err, "Transfer-Encoding in HTTP/1.0");
    if ((set->several & FIELD_BIT(FIELD_TRANSFER_ENCODING)) != 0 ||
        !slice_eq_nocase(set->all[set->at[FIELD_TRANSFER_ENCODING] - 1].value,
                         SLICE_LIT("chunked")))
        return head_bad(err, "a Transfer-Encoding other than chunked");
    return PARSE_DONE;
}

/* Connection cannot make us drop what a message is not the same without. */
static const field_mask never_hop = FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_CONTENT_LENGTH) |
                                    FIELD_BIT(FIELD_CONTENT_TYPE) | FIELD_BIT(FIELD_AUTHORIZATION) |
                                    FIELD_BIT(FIELD_COOKIE);

static void mark_named(const struct field_set *set, struct slice name)
{
    enum field_id id = field_lookup(name);

    if (id != FIELD_OTHER && (set->at[id] == 0 || (never_hop & FIELD_BIT(id)) != 0))
        return;
    for (size_t i = 0; i < set->n; i++) {
        struct http_field *f = &set->all[i];

        if (f->id == id && (id != FIELD_OTHER || slice_eq_nocase(f->name, name)))
            f->hop = true;
    }
}

static void option_read(const struct field_set *set, struct slice option,
                        struct connection_says *out)
{
    if (slice_eq_nocase(option, SLICE_LIT("close")))
        out->close = true;
    else if (slice_eq_nocase(option, SLICE_LIT("keep-alive")))
        out->keep_alive = true;
    else if (slice_eq_nocase(option, SLICE_LIT("upgrade")))
        out->upgrade = true;
    else
        mark_named(set, option);
}

enum parse connection_read(struct head_error *err, const struct field_set *set,
                           struct connection_says *out)
{
    size_t options = 0;

    *out = (struct connection_says){false, false, false};
    if (set->at[FIELD_CONNECTION] == 0)
        return PARSE_DONE;
    for (size_t i = set->at[FIELD_CONNECTION] - 1U; i < set->n; i++) {
        struct slice list = set->all[i].value, option;

        if (set->all[i].id != FIELD_CONNECTION)
            continue;
        while (list_next(&list, &option)) {
            if (++options > OPTIONS_MAX)
                return head_bad(err, "too many options in Connection");
            option_read(set, option, out);
        }
    }
    return PARSE_DONE;
}

static bool is_base64_of_16_bytes(struct slice key)
{
    if (key.len != 24 || key.p[22] != '=' || key.p[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alnum && c != '+' && c != '/')
            return false;
    }
    return true;
}

static struct slice only_value(const struct field_set *set, enum field_id id)
{
    if (set->at[id] == 0 || (set->several & FIELD_BIT(id)) != 0)
        return SLICE_NONE;
    return set->all[set->at[id] - 1].value;
}

bool upgrade_is_websocket(const struct field_set *set)
{
    return slice_eq_nocase(only_value(set, FIELD_UPGRADE), SLICE_LIT("websocket")) &&
           slice_eq(only_value(set, FIELD_SEC_WEBSOCKET_VERSION), SLICE_LIT("13")) &&
           is_base64_of_16_bytes(only_value(set, FIELD_SEC_WEBSOCKET_KEY));
}
