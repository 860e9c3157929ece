/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong with a settings file: collected whole, told in the order of the lines.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf_priv.h"
#include "weir/base/assert.h"

enum { TEXT_MAX = 640 };

/* One character of a quoted text, or a byte that may not be shown; returns how many bytes it was.
 */
static size_t quote_some(struct text *out, struct slice s)
{
    size_t n = text_shown_len(s);

    if (n == 0) {
        text_printf(out, "\\x%02x", (unsigned char)s.p[0]);
        return 1;
    }
    if (s.p[0] == '"' || s.p[0] == '\\')
        text_char(out, '\\');
    text_put(out, slice_of(s.p, n));
    return n;
}

void conf_quote(struct text *out, const char *s, size_t most)
{
    struct slice left = slice_str(s);

    text_char(out, '"');
    while (left.len > 0 && (size_t)(left.p - s) < most)
        left = slice_from(left, quote_some(out, left));
    text_str(out, left.len == 0 ? "\"" : "…\"");
}

void conf_diagnostic(struct conf_diagnostics *m, const char *file, int line, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    m->list = realloc(m->list, (m->n + 1) * sizeof m->list[0]);
    WEIR_ASSERT(m->list != NULL);
    m->list[m->n] = (struct conf_diagnostic){strdup(file), line, strdup(text)};
    WEIR_ASSERT(m->list[m->n].file != NULL && m->list[m->n].text != NULL);
    m->n++;
}

static bool comes_after(const struct conf_diagnostic *a, const struct conf_diagnostic *b,
                        const char *first_file)
{
    int by_file = strcmp(a->file, b->file);

    if (by_file == 0)
        return a->line > b->line;
    if (strcmp(a->file, first_file) == 0 || strcmp(b->file, first_file) == 0)
        return strcmp(b->file, first_file) == 0;
    return by_file > 0;
}

/* By insertion: the list is short, and diagnostics of one line keep the order in which they were
 * found. */
void conf_diagnostics_sort(struct conf_diagnostics *m, const char *first_file)
{
    for (size_t i = 1; i < m->n; i++) {
        struct conf_diagnostic held = m->list[i];
        size_t j = i;

        for (; j > 0 && comes_after(&m->list[j - 1], &held, first_file); j--)
            m->list[j] = m->list[j - 1];
        m->list[j] = held;
    }
}

void conf_diagnostics_free(struct conf_diagnostics *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->list[i].file);
        free(m->list[i].text);
    }
    free(m->list);
    *m = (struct conf_diagnostics){NULL, 0};
}
