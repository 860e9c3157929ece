/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first look at a settings file (scan.h): finds strings and comments that are not closed, words
 * and durations without quotes, and bytes that are no text; marks whole numbers that libconfig
 * would wrap around as long ones, so that the range check sees what was written.
 */
#include <stdlib.h>

#include "scan.h"

struct line {
    struct slice rest;
    const char *file;
    int number;
    struct conf_diagnostics *m;
};

void file_scan_begin(struct scan *s)
{
    *s = (struct scan){.line_out = 1, .room = 4096};
    s->text = calloc(1, s->room);
    s->failed = s->text == NULL;
}

static bool reserve(struct scan *s, size_t n)
{
    size_t room = s->room;
    char *more;

    while (s->len + n + 1 > room)
        room *= 2;
    if (room == s->room)
        return true;
    more = realloc(s->text, room);
    if (more == NULL)
        return false;
    s->text = more;
    s->room = room;
    return true;
}

static void put(struct scan *s, struct slice bytes)
{
    s->failed = s->failed || !reserve(s, bytes.len);
    if (s->failed)
        return;
    if (bytes.len > 0)
        memcpy(s->text + s->len, bytes.p, bytes.len);
    s->len += bytes.len;
    s->text[s->len] = '\0';
}

/* Moves n bytes of the line to the output. */
static void take(struct scan *s, struct line *l, size_t n)
{
    put(s, slice_of(l->rest.p, n));
    l->rest = slice_from(l->rest, n);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*' || c == '_';
}

static size_t word_length(struct slice s)
{
    size_t n = 0;

    while (n < s.len && (is_letter(s.p[n]) || is_digit(s.p[n]) || s.p[n] == '.' || s.p[n] == '-'))
        n++;
    return n;
}

static void in_comment(struct scan *s, struct line *l)
{
    const char *end = memmem(l->rest.p, l->rest.len, "*/", 2);

    if (end == NULL) {
        take(s, l, l->rest.len);
        return;
    }
    take(s, l, (size_t)(end - l->rest.p) + 2);
    s->in_comment = false;
}

/* A string ends on its line: an open one would swallow what follows, up to the next quote. */
static void take_string(struct scan *s, struct line *l)
{
    size_t n = 1;

    while (n < l->rest.len && l->rest.p[n] != '"')
        n += l->rest.p[n] == '\\' ? 2 : 1;
    if (n >= l->rest.len) {
        conf_diagnostic(l->m, l->file, l->number,
                        "a string is not closed: the quote at its end is missing");
        n = l->rest.len - 1;
    }
    take(s, l, n + 1);
    s->last = '"';
}

/* 10s, 32KiB and the like are words for people and a syntax error for libconfig. */
static bool is_unit(struct slice letters)
{
    static const char *const units[] = {"ms",  "s",   "m",  "h",  "d",   "B",   "KiB",
                                        "MiB", "GiB", "us", "ns", "sec", "min", "K",
                                        "M",   "G",   "k",  "KB", "MB",  "GB",  "kB"};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (slice_eq(letters, slice_str(units[i])))
            return true;
    return false;
}

static void take_number(struct scan *s, struct line *l)
{
    size_t n = word_length(l->rest), digits = 0, number;
    struct slice word = slice_of(l->rest.p, n);

    while (digits < n && is_digit(word.p[digits]))
        digits++;
    number = digits;
    while (number < n && (is_digit(word.p[number]) || word.p[number] == '.'))
        number++;
    if (is_unit(slice_from(word, number)))
        conf_diagnostic(l->m, l->file, l->number,
                        "a value with a unit stands in quotes: write \"%.*s\"", (int)n, word.p);
    s->last = '0';
    /* More digits than a long one has are as good as the largest. */
    if (digits == n && n > 18) {
        put(s, SLICE_LIT("999999999999999999L"));
        l->rest = slice_from(l->rest, n);
        return;
    }
    take(s, l, n);
    if (digits == n && n > 9)
        put(s, SLICE_LIT("L"));
}

static void take_word(struct scan *s, struct line *l)
{
    size_t n = word_length(l->rest);
    struct slice word = slice_of(l->rest.p, n);

    if ((s->last == '=' || s->last == ':') && !slice_eq_nocase(word, SLICE_LIT("true")) &&
        !slice_eq_nocase(word, SLICE_LIT("false")))
        conf_diagnostic(l->m, l->file, l->number, "a word stands in quotes: write \"%.*s\"", (int)n,
                        word.p);
    s->last = 'a';
    take(s, l, n);
}

static void take_mark(struct scan *s, struct line *l)
{
    char c = l->rest.p[0];

    if (c == '@')
        conf_diagnostic(l->m, l->file, l->number,
                        "an include has a line of its own: @include \"file.cfg\"");
    if (c != ' ' && c != '\t' && c != '\r')
        s->last = c;
    take(s, l, 1);
}

static void step(struct scan *s, struct line *l)
{
    if (s->in_comment) {
        in_comment(s, l);
    } else if (slice_starts(l->rest, SLICE_LIT("/*"))) {
        s->in_comment = true;
        s->comment_line = l->number;
        take(s, l, 2);
    } else if (l->rest.p[0] == '#' || slice_starts(l->rest, SLICE_LIT("//"))) {
        l->rest = SLICE_NONE;
    } else if (l->rest.p[0] == '"') {
        take_string(s, l);
    } else if (is_digit(l->rest.p[0])) {
        take_number(s, l);
    } else if (is_letter(l->rest.p[0])) {
        take_word(s, l);
    } else {
        take_mark(s, l);
    }
}

void scan_line(struct scan *s, struct slice line, const char *file, int number,
               struct conf_diagnostics *m)
{
    struct line l = {line, file, number, m};

    if (line.len > 0 && memchr(line.p, '\0', line.len) != NULL) {
        conf_diagnostic(m, file, number, "a NUL byte is in the line: this is no text");
        l.rest = SLICE_NONE;
    }
    while (l.rest.len > 0)
        step(s, &l);
    put(s, SLICE_LIT("\n"));
    s->line_out++;
}

void scan_end(struct scan *s, const char *file, struct conf_diagnostics *m)
{
    if (s->in_comment)
        conf_diagnostic(m, file, s->comment_line, "a comment is not closed: */ is missing");
    s->in_comment = false;
}

bool scan_include(const struct scan *s, struct slice line, struct slice *name)
{
    const char *quote;

    line = slice_trim(line);
    if (s->in_comment || !slice_starts(line, SLICE_LIT("@include")))
        return false;
    line = slice_trim(slice_from(line, 8));
    if (line.len < 2 || line.p[0] != '"')
        return false;
    quote = memchr(line.p + 1, '"', line.len - 1);
    if (quote == NULL)
        return false;
    *name = slice_of(line.p + 1, (size_t)(quote - line.p) - 1);
    return true;
}
