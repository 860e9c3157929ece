/* SPDX-License-Identifier: Apache-2.0 */
/* Single words as values: a row says how a capital word of a pattern is read.  Pure. */
#include <string.h>

#include "weir/base/clock.h"
#include "words/words_priv.h"

static bool take_pool(struct slice w, struct command_args *out)
{
    out->pool = w;
    return w.len > 0 && memchr(w.p, '/', w.len) == NULL;
}

static bool take_upstream(struct slice w, struct command_args *out)
{
    const char *slash = w.len == 0 ? NULL : memchr(w.p, '/', w.len);

    if (slash == NULL || slash == w.p || slash + 1 == w.p + w.len)
        return false;
    out->pool = slice_of(w.p, (size_t)(slash - w.p));
    out->upstream = slice_from(w, out->pool.len + 1);
    return memchr(out->upstream.p, '/', out->upstream.len) == NULL;
}

static bool take_target(struct slice w, struct command_args *out)
{
    return take_pool(w, out) || take_upstream(w, out);
}

static bool take_number(struct slice w, uint64_t max, struct command_args *out)
{
    return parse_u64(w, max, &out->number) == WEIR_OK && out->number > 0;
}

static bool take_percent(struct slice w, struct command_args *out)
{
    if (w.len > 0 && w.p[w.len - 1] == '%')
        w.len--;
    return take_number(w, 100, out);
}

static bool take_streams(struct slice w, struct command_args *out)
{
    return take_number(w, 65535, out);
}

static bool take_count(struct slice w, struct command_args *out)
{
    return take_number(w, 1000000, out);
}

static bool take_word(struct slice w, struct command_args *out)
{
    out->text = w;
    return w.len > 0;
}

static const struct arg_row arg_rows[] = {
    {"POOL", "a pool", take_pool},
    {"POOL/UPSTREAM", "POOL/UPSTREAM", take_upstream},
    {"POOL[/UPSTREAM]", "POOL or POOL/UPSTREAM", take_target},
    {"[POOL[/UPSTREAM]]", "POOL or POOL/UPSTREAM", take_target},
    {"PERCENT", "a share of 1 to 100 percent", take_percent},
    {"STREAMS", "a number of 1 to 65535 streams", take_streams},
    {"[COUNT]", "a number from 1", take_count},
    {"REQUEST-ID", "a request id", take_word},
    {"[COMMAND]", "a command", take_word},
    {"[KEY]", "part of a key", take_word},
};

const struct arg_row *arg_find(struct slice token)
{
    for (size_t i = 0; i < sizeof arg_rows / sizeof arg_rows[0]; i++) {
        if (slice_eq(token, slice_str(arg_rows[i].name)))
            return &arg_rows[i];
    }
    return NULL;
}

static bool is_one_of(struct slice w, struct slice choices)
{
    while (choices.len > 0) {
        const char *bar = memchr(choices.p, '|', choices.len);
        size_t n = bar == NULL ? choices.len : (size_t)(bar - choices.p);
        if (slice_eq(w, slice_of(choices.p, n)))
            return true;
        choices = slice_from(choices, bar == NULL ? n : n + 1);
    }
    return false;
}

bool arg_take_choice(struct slice w, struct slice token, struct command_args *out)
{
    if (!is_one_of(w, token))
        return false;
    if (memchr(token.p, '|', token.len) != NULL && out->n_choices < COMMAND_CHOICES_MAX)
        out->choices[out->n_choices++] = w;
    return true;
}

/* --- durations */

static const struct unit_row {
    const char *name;
    uint64_t ns;
} unit_rows[] = {
    {"ms", NS_PER_MS},      {"s", NS_PER_S},         {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S},
};

enum weir_status command_duration(struct slice s, uint64_t *ns)
{
    const uint64_t longest = 30 * 86400 * NS_PER_S; /* the fleet carries no longer ones */
    size_t digits = 0;
    uint64_t n;

    while (digits < s.len && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    if (parse_u64(slice_of(s.p, digits), UINT64_MAX, &n) != WEIR_OK || n == 0)
        return WEIR_BAD;
    for (size_t i = 0; i < sizeof unit_rows / sizeof unit_rows[0]; i++) {
        if (!slice_eq(slice_from(s, digits), slice_str(unit_rows[i].name)))
            continue;
        if (n > longest / unit_rows[i].ns)
            return WEIR_LIMIT;
        *ns = n * unit_rows[i].ns;
        return WEIR_OK;
    }
    return WEIR_BAD;
}
