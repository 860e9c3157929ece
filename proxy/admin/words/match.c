/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Understands a command by the rows: which form fits, what its values are, or what was expected
 * where.  Pure; weir and weirctl share it.
 */
#include "weir/admin/rows.h"

#include <string.h>

#include "words/words_priv.h"

/* --- one form against the words */

struct match {
    struct slice line;
    const struct lex_line *words;
    int at;           /* the word that is due */
    bool rest;        /* the rest of the line is taken, further words included */
    struct text *why; /* a complaint that beats "expected" */
};

static bool take_for(struct match *m, struct command_args *out)
{
    const struct lex_line *l = m->words;
    enum weir_status s;

    if (m->at == l->n)
        return true;
    if (m->at + 2 != l->n || l->more || !slice_eq(l->words[m->at].value, SLICE_LIT("for")))
        return false;
    s = command_duration(l->words[m->at + 1].value, &out->for_ns);
    if (s != WEIR_OK)
        text_str(m->why, s == WEIR_LIMIT
                             ? "a command lasts 30d at most"
                             : "a time is a number with its unit, such as 90s, 30m or 2h");
    m->at += 2;
    return s == WEIR_OK;
}

/* What follows may begin with something else. */
static bool take_to(struct match *m, struct command_args *out)
{
    const struct lex_line *l = m->words;

    if (m->at == l->n || !slice_eq(l->words[m->at].value, SLICE_LIT("to")))
        return true;
    m->at++;
    if (m->at == l->n || !arg_find(SLICE_LIT("PERCENT"))->take(l->words[m->at].value, out))
        return false;
    m->at++;
    return true;
}

/* Cuts a trailing " for TIME" off unquoted text. */
static struct slice cut_for(struct slice text, uint64_t *for_ns)
{
    struct slice rest = text;
    size_t n = text.len, word;

    while (n > 0 && text.p[n - 1] != ' ')
        n--;
    word = n;
    while (n > 0 && text.p[n - 1] == ' ')
        n--;
    rest.len = n;
    if (!slice_ends(rest, SLICE_LIT(" for")) ||
        command_duration(slice_from(text, word), for_ns) != WEIR_OK)
        return text;
    return slice_trim(slice_of(text.p, n - 4));
}

static bool is_utf8(struct slice s)
{
    while (s.len > 0) {
        size_t n = utf8_len(s);
        if (n == 0)
            return false;
        s = slice_from(s, n);
    }
    return true;
}

static bool take_text(struct match *m, struct command_args *out)
{
    const struct lex_word *w = &m->words->words[m->at];

    if (w->quoted) {
        out->text = w->value;
        m->at++;
    } else {
        out->text = cut_for(slice_trim(slice_from(m->line, w->at)), &out->for_ns);
        m->at = m->words->n;
        m->rest = true;
    }
    if (out->text.len > COMMAND_TEXT_MAX)
        text_printf(m->why, "the text may hold %d bytes, these are %zu", COMMAND_TEXT_MAX,
                    out->text.len);
    else if (!is_utf8(out->text))
        text_str(m->why, "the text has to be UTF-8");
    return out->text.len > 0 && m->why->len == 0;
}

static bool take_token(struct match *m, struct slice token, struct command_args *out)
{
    const struct lex_line *l = m->words;
    const struct arg_row *row;

    if (slice_eq(token, SLICE_LIT("[for")))
        return take_for(m, out);
    if (slice_eq(token, SLICE_LIT("[to")))
        return take_to(m, out);
    if (token.p[0] == '[' && m->at == l->n)
        return true;
    if (m->at == l->n)
        return false;
    if (slice_eq(token, SLICE_LIT("TEXT")))
        return take_text(m, out);
    row = arg_find(token);
    if (row == NULL ? !arg_take_choice(l->words[m->at].value, token, out)
                    : !row->take(l->words[m->at].value, out))
        return false;
    m->at++;
    return true;
}

/*
 * True if the words are this form.  Otherwise m->at is the word that did not fit, and *expected
 * what the form wants there (empty: nothing more).
 */
static bool match_form(const struct command_row *row, struct match *m, struct command_args *out,
                       struct slice *expected)
{
    const char *pattern = row->args;
    struct slice token;

    *expected = SLICE_NONE;
    out->for_ns = strstr(row->args, "[for") == NULL ? 0 : COMMAND_FOR_DEFAULT_NS;
    while (command_pattern_next(&pattern, &token)) {
        if (slice_eq(token, SLICE_LIT("TIME]")) || slice_eq(token, SLICE_LIT("PERCENT]")))
            continue; /* went with "[for", "[to" */
        if (!take_token(m, token, out)) {
            *expected = token;
            return false;
        }
    }
    return m->at == m->words->n && (m->rest || !m->words->more);
}

/* --- complaints */

static void say_choices(struct text *t, struct slice token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (token.p[i] == '|')
            text_str(t, " or ");
        else
            text_char(t, token.p[i]);
    }
}

static void say_expected(struct text *t, struct slice token, bool first)
{
    const struct arg_row *row = arg_find(token);

    text_str(t, first ? "" : " or ");
    if (slice_eq(token, SLICE_LIT("[for")))
        text_str(t, "for TIME");
    else if (slice_eq(token, SLICE_LIT("[to")))
        text_str(t, "a share of 1 to 100 percent");
    else if (slice_eq(token, SLICE_LIT("TEXT")))
        text_str(t, "a text");
    else if (row != NULL)
        text_str(t, row->means);
    else
        say_choices(t, token);
}

static void say_got(struct text *t, const struct lex_line *l, int at)
{
    struct slice w;

    if (at >= l->n) {
        text_str(t, "the line ends");
        return;
    }
    w = l->words[at].value;
    text_char(t, '"');
    text_put(t, slice_of(w.p, w.len > 60 ? 60 : w.len));
    text_str(t, w.len > 60 ? "…\"" : "\"");
}

struct attempt {
    int at; /* word that did not fit */
    struct slice expected;
};

/* Several forms may want the same: once is enough. */
static bool is_said(const struct attempt *a, int i)
{
    for (int k = 0; k < i; k++) {
        if (a[k].at == a[i].at && slice_eq(a[k].expected, a[i].expected))
            return true;
    }
    return false;
}

static void complain(struct text *why, struct slice name, const struct lex_line *l,
                     const struct attempt *a, int n)
{
    int deepest = 0;
    bool first = true;

    for (int i = 0; i < n; i++)
        deepest = a[i].at > deepest ? a[i].at : deepest;
    text_put(why, name);
    text_str(why, ": ");
    for (int i = 0; i < n; i++) {
        if (a[i].at != deepest || a[i].expected.len == 0 || is_said(a, i))
            continue;
        text_str(why, first ? "expected " : "");
        say_expected(why, a[i].expected, first);
        first = false;
    }
    text_str(why, first ? "nothing may follow, but there is " : ", but ");
    say_got(why, l, deepest);
    text_str(why, first || deepest >= l->n ? "" : " came");
    text_str(why, " (see: help ");
    text_put(why, name);
    text_char(why, ')');
}

/* --- the whole line */

static void remove_word(struct lex_line *l, int at)
{
    for (int i = at; i + 1 < l->n; i++)
        l->words[i] = l->words[i + 1];
    l->n--;
}

static bool takes_text(struct slice name)
{
    for (size_t i = 0; i < COMMAND_ALL_COUNT; i++) {
        if (slice_eq(name, slice_str(command_rows[i].name)) &&
            strstr(command_rows[i].args, "TEXT") != NULL)
            return true;
    }
    return false;
}

/* A flag counts right after the command, and as the last word where that cannot be a text. */
static bool take_flag(struct lex_line *l, struct slice flag)
{
    for (int i = 1; i < l->n; i++) {
        if (i > 1 && (i + 1 < l->n || l->more || takes_text(l->words[0].value)))
            continue;
        if (!l->words[i].quoted && slice_eq(l->words[i].value, flag)) {
            remove_word(l, i);
            return true;
        }
    }
    return false;
}

static void take_flags(struct lex_line *l, struct command_args *out)
{
    out->json = take_flag(l, SLICE_LIT("--json"));
    out->here = take_flag(l, SLICE_LIT("--here"));
    out->json = out->json || take_flag(l, SLICE_LIT("--json")); /* it stood behind the other */
}

/* Commands that a fleet carries out as one. */
static bool is_for_all(const struct command_row *row)
{
    static const char *const names[] = {"ramp", "breaker", "upstream", "limit", "mode", "incident"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(row->name, names[i]) == 0)
            return true;
    }
    return false;
}

static enum command_parse match_rows(struct slice line, const struct lex_line *l, bool local,
                                     struct command_args *out, struct text *why)
{
    struct attempt attempts[COMMAND_ALL_COUNT];
    struct slice name = l->words[0].value;
    int n = 0;

    for (size_t i = 0; i < (local ? COMMAND_ALL_COUNT : COMMAND_COUNT); i++) {
        struct match m = {.line = line, .words = l, .at = 1, .why = why};
        if (!slice_eq(name, slice_str(command_rows[i].name)))
            continue;
        out->pool = out->upstream = out->text = SLICE_NONE;
        out->n_choices = 0;
        out->number = 0;
        out->row = &command_rows[i];
        if (match_form(out->row, &m, out, &attempts[n].expected))
            return COMMAND_OK;
        attempts[n++].at = m.at;
        if (why->len > 0)
            return COMMAND_USAGE;
    }
    if (n == 0) {
        text_str(why, "there is no command ");
        say_got(why, l, 0);
        text_str(why, " (see: help)");
        return COMMAND_UNKNOWN;
    }
    complain(why, name, l, attempts, n);
    return COMMAND_USAGE;
}

enum command_parse command_parse(struct slice line, bool local, struct command_args *out,
                                 struct text *why)
{
    struct lex_line l;
    enum command_parse parsed;

    *out = (struct command_args){0};
    if (line.len > COMMAND_LINE_MAX) {
        text_printf(why, "a line may hold %d bytes", COMMAND_LINE_MAX);
        return COMMAND_USAGE;
    }
    if (lex_split(line, &l, out->scratch, why) != WEIR_OK)
        return COMMAND_USAGE;
    if (l.n == 0)
        return COMMAND_EMPTY;
    take_flags(&l, out);
    parsed = match_rows(line, &l, local, out, why);
    if (parsed == COMMAND_OK && out->here && !is_for_all(out->row)) {
        text_printf(why, "%s: --here is for commands that a whole fleet carries out",
                    out->row->name);
        return COMMAND_USAGE;
    }
    return parsed;
}
