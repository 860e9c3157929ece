/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars of the settings table: from text to a number, into a field of any width, and back.  The
 * same functions read defaults and ranges, so that both are written as in a file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf_priv.h"
#include "weir/base/assert.h"

bool conf_is_scalar(enum conf_type type)
{
    return type <= CONF_WORD;
}

const struct conf_unit *conf_units_of(enum conf_type type)
{
    if (type == CONF_SIZE)
        return conf_sizes;
    return type == CONF_DURATION ? conf_durations : NULL;
}

static enum weir_status parse_word(const struct conf_word *words, struct slice text, uint64_t *out)
{
    for (const struct conf_word *w = words; w != NULL && w->word != NULL; w++) {
        if (slice_eq(text, slice_str(w->word))) {
            *out = w->value;
            return WEIR_OK;
        }
    }
    return WEIR_BAD;
}

static enum weir_status parse_ratio(struct slice text, double *out)
{
    char number[32], *end;
    double d;

    if (text.len == 0 || text.len >= sizeof number || text.p[0] == ' ')
        return WEIR_BAD;
    memcpy(number, text.p, text.len);
    number[text.len] = '\0';
    d = strtod(number, &end);
    if (*end != '\0' || !isfinite(d))
        return WEIR_BAD;
    *out = d;
    return WEIR_OK;
}

static const struct conf_word truth[] = {{"false", 0}, {"true", 1}, {NULL, 0}};

enum weir_status conf_num_parse(const struct conf_row *row, struct slice text, struct conf_num *out)
{
    struct conf_num n = {0, 0, false};
    enum weir_status st = WEIR_BAD;

    switch (row->type) {
    case CONF_BOOL:
        st = parse_word(truth, text, &n.whole);
        break;
    case CONF_COUNT:
        st = parse_u64(text, UINT64_MAX, &n.whole);
        break;
    case CONF_RATIO:
        st = parse_ratio(text, &n.real);
        break;
    case CONF_SIZE:
    case CONF_DURATION:
        st = parse_word(row->words, text, &n.whole);
        n.is_word = st == WEIR_OK;
        if (st != WEIR_OK)
            st = conf_units_parse(conf_units_of(row->type), text, &n.whole);
        break;
    case CONF_WORD:
        st = parse_word(row->words, text, &n.whole);
        break;
    case CONF_TEXT:
    case CONF_TEXTS:
    case CONF_GROUP:
    case CONF_LIST:
        WEIR_UNREACHABLE("not a scalar");
    }
    if (st == WEIR_OK)
        *out = n;
    return st;
}

static struct conf_num must_parse(const struct conf_row *row, const char *text)
{
    struct conf_num n = {0, 0, false};
    enum weir_status st = conf_num_parse(row, slice_str(text), &n);

    WEIR_ASSERT(st == WEIR_OK); /* a row of ours that can not be read */
    return n;
}

static bool is_less(const struct conf_row *row, struct conf_num a, struct conf_num b)
{
    return row->type == CONF_RATIO ? a.real < b.real : a.whole < b.whole;
}

bool conf_num_in_range(const struct conf_row *row, struct conf_num n)
{
    if (n.is_word)
        return true;
    if (row->min != NULL && is_less(row, n, must_parse(row, row->min)))
        return false;
    return row->max == NULL || !is_less(row, must_parse(row, row->max), n);
}

void conf_num_store(const struct conf_row *row, void *base, struct conf_num n)
{
    char *field = (char *)base + row->at;
    uint32_t word = (uint32_t)n.whole;
    bool truth_value = n.whole != 0;

    if (row->type == CONF_RATIO) {
        WEIR_ASSERT(row->width == sizeof n.real);
        memcpy(field, &n.real, sizeof n.real);
    } else if (row->width == sizeof n.whole) {
        memcpy(field, &n.whole, sizeof n.whole);
    } else if (row->width == sizeof word) {
        WEIR_ASSERT(word == n.whole);
        memcpy(field, &word, sizeof word);
    } else {
        WEIR_ASSERT(row->width == sizeof truth_value);
        memcpy(field, &truth_value, sizeof truth_value);
    }
}

struct conf_num conf_num_fetch(const struct conf_row *row, const void *base)
{
    const char *field = (const char *)base + row->at;
    struct conf_num n = {0, 0, false};
    uint32_t word;
    bool truth_value;

    if (row->type == CONF_RATIO) {
        memcpy(&n.real, field, sizeof n.real);
    } else if (row->width == sizeof n.whole) {
        memcpy(&n.whole, field, sizeof n.whole);
    } else if (row->width == sizeof word) {
        memcpy(&word, field, sizeof word);
        n.whole = word;
    } else {
        memcpy(&truth_value, field, sizeof truth_value);
        n.whole = truth_value ? 1 : 0;
    }
    return n;
}

static const char *word_of(const struct conf_word *words, uint64_t value)
{
    for (const struct conf_word *w = words; w != NULL && w->word != NULL; w++)
        if (w->value == value)
            return w->word;
    return NULL;
}

/* 503 is a word of its row, but is written like the number it is. */
static bool is_numeral(const char *word)
{
    return word != NULL && word[0] >= '0' && word[0] <= '9';
}

void conf_num_format(const struct conf_row *row, struct conf_num n, struct text *out)
{
    const char *word =
        row->type == CONF_BOOL ? word_of(truth, n.whole) : word_of(row->words, n.whole);
    bool quoted = conf_units_of(row->type) != NULL || (row->type == CONF_WORD && !is_numeral(word));

    if (quoted)
        text_char(out, '"');
    if (word != NULL)
        text_str(out, word);
    else if (row->type == CONF_RATIO)
        text_printf(out, "%.10g", n.real);
    else if (conf_units_of(row->type) != NULL)
        conf_units_format(conf_units_of(row->type), n.whole, out);
    else
        text_u64(out, n.whole);
    if (quoted)
        text_char(out, '"');
}

void conf_range_format(const struct conf_row *row, struct text *out)
{
    const struct conf_word *w = row->words;

    if (row->type == CONF_BOOL)
        text_str(out, "true or false");
    for (; w != NULL && w->word != NULL; w++) {
        bool last = w[1].word == NULL && row->min == NULL;
        const char *quote = is_numeral(w->word) ? "" : "\"";
        text_printf(out, "%s%s%s%s",
                    w == row->words ? ""
                    : last          ? " or "
                                    : ", ",
                    quote, w->word, quote);
    }
    if (row->words != NULL && row->min != NULL)
        text_str(out, " or ");
    if (row->min != NULL)
        text_printf(out, "%s to %s", row->min, row->max);
}

/* The default's unit if that is in range, else the smallest unit that is, else the default's. */
void conf_bare_format(const struct conf_row *row, uint64_t bare, struct text *out)
{
    const struct conf_unit *units = conf_units_of(row->type), *best = NULL;
    const char *model =
        row->def != NULL && row->def[0] >= '0' && row->def[0] <= '9' ? row->def : row->min;
    const struct conf_unit *usual = units;

    for (const struct conf_unit *u = units; u->name != NULL; u++)
        if (slice_eq(slice_from(slice_str(model), strspn(model, "0123456789")), slice_str(u->name)))
            usual = u;
    for (const struct conf_unit *u = units; u->name != NULL; u++) {
        struct conf_num n = {bare > UINT64_MAX / u->factor ? UINT64_MAX : bare * u->factor, 0,
                             false};
        if (conf_num_in_range(row, n) && (best == NULL || u == usual))
            best = u;
    }
    text_u64(out, bare);
    text_str(out, best != NULL ? best->name : usual->name);
}
