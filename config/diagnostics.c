/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong with a settings file: collected whole, told in the order of the lines.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf_priv.h"

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

static bool add(struct conf_diagnostics *m, const char *file, int line, const char *text)
{
    struct conf_diagnostic *more = realloc(m->list, (m->n + 1) * sizeof *more), d;

    if (more == NULL)
        return false;
    m->list = more;
    d = (struct conf_diagnostic){strdup(file), line, strdup(text)};
    m->list[m->n++] = d; /* freed with the list, whatever it is */
    return d.file != NULL && d.text != NULL;
}

void conf_diagnostic(struct conf_diagnostics *m, const char *file, int line, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!m->no_memory && !add(m, file, line, text))
        conf_no_memory(m);
}

void conf_no_memory(struct conf_diagnostics *m)
{
    conf_diagnostics_free(m);
    *m = (struct conf_diagnostics){.list = m->alone, .n = 1, .no_memory = true};
    m->alone[0] = (struct conf_diagnostic){.file = "settings",
                                           .text = "there is no memory to read the settings"};
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
    for (size_t i = 0; i < m->n && !m->no_memory; i++) {
        free((void *)(uintptr_t)m->list[i].file);
        free((void *)(uintptr_t)m->list[i].text);
    }
    if (!m->no_memory)
        free(m->list);
    *m = (struct conf_diagnostics){0};
}
