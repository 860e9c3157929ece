/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a command line: blanks, double quotes, two escapes.  Pure; any thread. */
#include "words/words_priv.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool holds_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* The inside of a quoted word that begins after the quote at *i; leaves *i after the closing one.
 */
static enum weir_status quoted(struct slice line, size_t *i, char **to, struct lex_word *w)
{
    char *begin = *to;

    for (; *i < line.len; ++*i) {
        char c = line.p[*i];
        if (c == '"') {
            w->value = slice_of(begin, (size_t)(*to - begin));
            ++*i;
            return WEIR_OK;
        }
        if (c == '\\' && *i + 1 < line.len && (line.p[*i + 1] == '"' || line.p[*i + 1] == '\\'))
            c = line.p[++*i];
        *(*to)++ = c;
    }
    return WEIR_BAD;
}

static enum weir_status word(struct slice line, size_t *i, char **to, struct lex_word *w)
{
    *w = (struct lex_word){.at = *i, .quoted = line.p[*i] == '"'};
    if (w->quoted) {
        ++*i;
        return quoted(line, i, to, w);
    }
    while (*i < line.len && !is_blank(line.p[*i]))
        ++*i;
    w->value = slice_of(line.p + w->at, *i - w->at);
    return WEIR_OK;
}

enum weir_status lex_split(struct slice line, struct lex_line *out, char *scratch, struct text *why)
{
    out->n = 0;
    out->more = false;
    if (holds_control(line)) {
        text_str(why, "a command is one line of text without control characters");
        return WEIR_BAD;
    }
    for (size_t i = 0;;) {
        while (i < line.len && is_blank(line.p[i]))
            i++;
        if (i == line.len)
            return WEIR_OK;
        if (out->n == LEX_WORDS_MAX) {
            out->more = true;
            return WEIR_OK;
        }
        if (word(line, &i, &scratch, &out->words[out->n]) != WEIR_OK) {
            text_str(why, "a quote is opened and not closed");
            return WEIR_BAD;
        }
        out->n++;
    }
}
